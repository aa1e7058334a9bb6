//! Events read from a log by position, some at a time.

use event::stored::Stored;
use store::{Position, ReadBudget};

use crate::bus::{Bus, ReadError};

/// Events read at once, at most, and how many bytes.
const RUN_MAX: usize = 256;
const RUN_BYTES_MAX: usize = 4 << 20;
/// Positions that two events may lie apart and still be read at once.
const APART_MAX: u64 = 8;

/// A position, and the event that is there: none if the log no longer holds it.
pub(crate) type Found = (u64, Result<Option<Stored>, ReadError>);

/// Reads events from the front of these positions, which are in order: as many as lie close together and are not too
/// large, and at least one. One that cannot be read comes alone. It may read files, and lets others run before.
pub(crate) async fn some(bus: &Bus, positions: &[u64]) -> Vec<Found> {
    let mut runs = positions.chunk_by(|one, next| next.abs_diff(*one) <= APART_MAX);
    let run: Vec<u64> = runs.next().into_iter().flatten().take(RUN_MAX).copied().collect();
    let (Some(first), Some(last)) = (run.first().copied(), run.last().copied()) else { return Vec::new() };
    let span = usize::try_from(last - first + 1).unwrap_or(usize::MAX);
    let budget = ReadBudget { events: span, bytes: if span > 1 { RUN_BYTES_MAX } else { 0 } };
    tokio::task::yield_now().await;
    let before = Position(first.saturating_sub(1));
    let mut read = bus.partition().read(before, budget).await;
    if read.is_err() && span > 1 {
        // It may be a later one that cannot be read.
        read = bus.partition().read(before, ReadBudget { events: 1, bytes: 0 }).await;
    }
    let read = match read {
        Ok(read) => read,
        Err(error) => return vec![(first, Err(error.into()))],
    };
    let until = read.last().map_or(last, |(position, _)| position.0);
    let mut read = read.into_iter().peekable();
    let mut found = |at: u64| {
        while read.next_if(|(position, _)| position.0 < at).is_some() {}
        let bytes = read.next_if(|(position, _)| position.0 == at).map(|(_, bytes)| bytes);
        Ok(bytes.map(Stored::decode).transpose()?)
    };
    run.into_iter().take_while(|at| *at <= until).map(|at| (at, found(at))).collect()
}
