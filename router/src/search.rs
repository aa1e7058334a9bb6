//! Finds a position in a log by time.

use event::Timestamp;
use event::stored::Stored;
use store::{Partition, Position, ReadBudget};

/// Returns the position of the first event that came into the log at or after an instant, or the next to come if there
/// is none. The log's times are taken to go forward, as they do but for a clock that was set back.
pub(crate) async fn position_at(
    partition: &dyn Partition,
    instant: Timestamp,
) -> Result<Position, store::Error> {
    let (mut low, mut high) = (partition.tail().0, partition.head().0 + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        // Of positions that are gone the next one that is held decides.
        let before = Position(middle.saturating_sub(1));
        let read = partition.read(before, ReadBudget { events: 1, bytes: 0 }).await?;
        let next = read.into_iter().next().and_then(|(_, bytes)| Stored::decode(bytes).ok());
        let is_early = next.is_some_and(|stored| stored.logged < instant);
        (low, high) = if is_early { (middle + 1, high) } else { (low, middle) };
    }
    Ok(Position(low))
}
