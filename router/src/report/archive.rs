//! What a bus retains, for how long, and what keeps the oldest of it.

use std::time::Duration;

use api::ArchiveStatus;

use crate::bus::Bus;
use crate::config::Retention;

/// Returns what a bus retains.
pub(crate) async fn status(bus: &Bus) -> ArchiveStatus {
    let partition = bus.partition();
    let (first, last) = (partition.tail().0, partition.head().0);
    let logged_at = async |position| Some(bus.event(position).await.ok()??.logged);
    ArchiveStatus {
        bus: bus.name().to_owned(),
        first,
        last,
        first_at: logged_at(first).await,
        last_at: logged_at(last).await,
        bytes: partition.segments().iter().map(|segment| segment.bytes).sum(),
        retention: retention(bus.config().retention),
        pinned_by: pinned_by(bus),
    }
}

/// Returns who needs the oldest events, if anybody does. Dead letters do not: they are carried on to the log's end.
fn pinned_by(bus: &Bus) -> Option<String> {
    let oldest = bus.oldest_needed()?;
    let lane = bus.lanes().iter().find(|lane| lane.oldest() == Some(oldest));
    Some(match lane {
        Some(lane) => format!("{} deliveries of {}", lane.pending(), lane.consumer.name),
        None => "a replay, a new consumer, or a consumer that is not configured any more".to_owned(),
    })
}

fn retention(retention: Retention) -> Option<String> {
    let age = retention.age.map(length);
    let bytes = retention.bytes.map(size);
    let both: Vec<String> = age.into_iter().chain(bytes).collect();
    (!both.is_empty()).then(|| both.join(", "))
}

/// Writes a number of bytes in the largest unit that makes it whole.
fn size(bytes: u64) -> String {
    let units = [
        ("TB", 1_000_000_000_000),
        ("GB", 1_000_000_000),
        ("GiB", 1 << 30),
        ("MB", 1_000_000),
        ("MiB", 1 << 20),
    ];
    let unit = units.into_iter().find(|(_, unit)| bytes > 0 && bytes.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{bytes} bytes"), |(name, unit)| format!("{} {name}", bytes / unit))
}

/// Writes a length of time as the configuration does.
fn length(length: Duration) -> String {
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let mut left = length.as_secs();
    let mut text = String::new();
    for (unit, seconds) in units {
        if left >= seconds {
            text += &(left / seconds).to_string();
            text += unit;
            left %= seconds;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}
