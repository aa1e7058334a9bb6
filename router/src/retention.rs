//! Gives back the disk that events past their retention take.

use std::sync::Arc;
use std::time::Duration;

use store::Position;
use tokio_util::sync::CancellationToken;

use crate::bus::Bus;
use crate::config::Config;
use crate::router::Buses;
use crate::tasks::Tasks;
use crate::{clock, state};

/// How often each bus is looked at.
const INTERVAL: Duration = Duration::from_mins(1);

/// Starts a task for each bus that has a retention.
pub(crate) fn spawn(config: &Config, buses: &Buses, tasks: &Tasks, stop: &CancellationToken) {
    for bus in &config.buses {
        if let (Some(retention), Some(bus)) = (bus.retention, buses.get(&bus.name)) {
            tasks.spawn("retention", keep(Arc::clone(bus), retention, stop.clone()));
        }
    }
}

async fn keep(bus: Arc<Bus>, retention: Duration, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_some() {
        match tokio::task::block_in_place(|| reclaim(&bus, retention)) {
            Ok(bytes) if bytes > 0 => tracing::info!(bus = bus.name(), bytes, "disk given back"),
            Ok(_) => {}
            Err(error) => tracing::error!(bus = bus.name(), %error, "disk could not be given back"),
        }
    }
}

/// Drops what is older than the retention, but nothing that a delivery, a dead letter or the core still needs.
fn reclaim(bus: &Bus, retention: Duration) -> Result<u64, store::Error> {
    let partition = bus.partition();
    let oldest = u64::try_from(clock::now().before(retention).as_millis()).unwrap_or(0);
    // In this order: what is applied after this look may be needed, and the second look need not have seen it.
    let applied = partition.applied();
    let needed = state::lowest_needed(partition).unwrap_or(u64::MAX);
    let before = Position(needed.min(applied.0 + 1));
    partition.truncate(before, Some(oldest)).map(|reclaimed| reclaimed.bytes)
}
