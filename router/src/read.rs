//! Events read from a log by position, some at a time.

use std::collections::HashMap;

use bytes::Bytes;
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
/// large, and at least one. One that cannot be read comes alone. Each event has bytes of its own, so that one that is held
/// does not hold all that was read with it. It reads files, and lets others run before.
pub(crate) async fn some(bus: &Bus, positions: &[u64]) -> Vec<Found> {
    let mut runs = positions.chunk_by(|one, next| next.abs_diff(*one) <= APART_MAX);
    let run: Vec<u64> = runs.next().into_iter().flatten().take(RUN_MAX).copied().collect();
    let (Some(first), Some(last)) = (run.first().copied(), run.last().copied()) else { return Vec::new() };
    let span = usize::try_from(last - first + 1).unwrap_or(usize::MAX);
    let budget = ReadBudget { events: span, bytes: if span > 1 { RUN_BYTES_MAX } else { 0 } };
    tokio::task::yield_now().await;
    let read = match bus.partition().read(Position(first.saturating_sub(1)), budget).await {
        Ok(read) => read,
        // It is the first that cannot be read: before a later one, a read ends.
        Err(error) => return vec![(first, Err(error.into()))],
    };
    let until = read.last().map_or(last, |(position, _)| position.0);
    let mut found: HashMap<u64, Bytes> =
        read.into_iter().map(|(position, bytes)| (position.0, bytes)).collect();
    let mut decoded = |position| match found.remove(&position) {
        Some(bytes) => Ok(Some(Stored::decode(Bytes::copy_from_slice(&bytes))?)),
        None => Ok(None),
    };
    run.into_iter().take_while(|at| *at <= until).map(|at| (at, decoded(at))).collect()
}
