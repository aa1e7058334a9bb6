//! Gives back the disk that events past their retention take.

use std::sync::Arc;
use std::time::Duration;

use store::{Keep, Position};
use tokio_util::sync::CancellationToken;

use crate::bus::Bus;
use crate::clock;
use crate::config::Retention;
use crate::orders::{Order, OrderError};
use crate::router::Buses;
use crate::tasks::Tasks;

/// How often each bus is looked at.
const INTERVAL: Duration = Duration::from_secs(10);

/// Disk could not be given back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RetentionError {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Order(#[from] OrderError),
}

/// Starts a task for each bus that has a retention.
pub(crate) fn spawn(buses: &Buses, tasks: &Tasks, stop: &CancellationToken) {
    for bus in buses.values() {
        if bus.config().retention != Retention::default() {
            tasks.spawn("retention", keep(Arc::clone(bus), stop.clone()));
        }
    }
}

async fn keep(bus: Arc<Bus>, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_some() {
        match reclaim(&bus).await {
            Ok(bytes) if bytes > 0 => tracing::info!(bus = bus.name(), bytes, "disk given back"),
            Ok(_) | Err(RetentionError::Order(OrderError::Stopped)) => {}
            Err(error) => tracing::error!(bus = bus.name(), %error, "disk could not be given back"),
        }
    }
}

/// Drops what is past the retention, but nothing that a delivery or the core still needs. Dead letters are carried on to
/// the log's end, unless they are the greater part of what would go: then they stay where they are.
pub(crate) async fn reclaim(bus: &Bus) -> Result<u64, RetentionError> {
    let Retention { age, bytes } = bus.config().retention;
    let oldest = age.map(|age| u64::try_from(clock::now().before(age).as_millis()).unwrap_or(0));
    let partition = bus.partition();
    let needed = bus.oldest_needed().unwrap_or(u64::MAX).min(partition.applied().0 + 1);
    let keep = Keep { from: Position(needed), sealed_before_ms: oldest, bytes_max: bytes };
    let before = keep.goes_before(&partition.segments()).0;
    if bus.letters_before(before) < before.saturating_sub(partition.tail().0) / 2 {
        while bus.oldest_letter().is_some_and(|letter| letter < before)
            && bus.order(Order::Carry { before }).await? > 0
        {}
    }
    // In this order: a letter that is redriven after the first look is either needed at the second, or not before what
    // the first one found; one that is new is found by the third. The second sees only what is durable once it is
    // answered.
    let letter = || bus.oldest_letter().unwrap_or(u64::MAX);
    let before = letter();
    let needed = bus.order(Order::Needed).await?.min(before).min(letter());
    Ok(partition.reclaim(Keep { from: Position(needed), ..keep }).await?.bytes)
}
