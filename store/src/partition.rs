//! What every engine does for one bus.

use std::fmt;

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::sync::watch;

use crate::{
    append::{Appended, NewEvent},
    catalog::{Excess, Reclaimed, SegmentInfo},
    error::Error,
    options::ReadBudget,
    position::Position,
    tx::{Committed, Space, Tx},
};

/// One bus's durable log and the keyed state that follows from it.
///
/// Requests are done in the order in which they reach the queue, which is when their futures are first polled, or, for a
/// commit that waits for room, later. A future may be dropped at any time; what it asked for is then done or not. [`Local`](crate::Local) keeps a directory,
/// [`Memory`](crate::Memory) keeps nothing.
pub trait Partition: fmt::Debug + Send + Sync {
    /// Appends events and returns, once they are durable, what became of each, in their order.
    ///
    /// It fails with [`Error::Full`] at once when the queue is at a limit, and with [`Error::TooLarge`] when it could
    /// never fit. After a crash a prefix of events that were not acknowledged may be there.
    fn append(&self, events: Vec<NewEvent>) -> BoxFuture<'_, Result<Vec<Appended>, Error>>;

    /// Makes the changes of a [`Tx`] durable as one, and then seen. It waits while the queue is at a limit.
    fn commit(&self, tx: Tx) -> BoxFuture<'_, Result<Committed, Error>>;

    /// Returns durable events after a position, in order, and at least one if there is one.
    ///
    /// It may return fewer than the budget allows although there are more. Positions of which no event is held any more
    /// are passed over. The bytes of an event are its own: holding them holds no others. It may block on files.
    fn read(
        &self,
        after: Position,
        budget: ReadBudget,
    ) -> BoxFuture<'_, Result<Vec<(Position, Bytes)>, Error>>;

    /// Returns a page of the durable state: keys with their values, in the order of the keys' bytes.
    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<(Bytes, Bytes)>, Error>>;

    /// Drops the oldest events, by whole segments, as far as [`Keep`] allows. The keyed state stays as it is.
    ///
    /// It may block on files.
    fn reclaim(&self, keep: Keep) -> BoxFuture<'_, Result<Reclaimed, Error>>;

    /// Returns the segments, oldest first. There is always one, which is written to.
    fn segments(&self) -> Vec<SegmentInfo>;

    /// Returns the size of all that is kept, in bytes, with what is only kept ready; 0 when it cannot be known.
    fn bytes_on_disk(&self) -> u64;

    /// Returns the position of the last durable event.
    fn head(&self) -> Position;

    /// Returns the position of the first event that is still held, or of the next to come when none is.
    fn tail(&self) -> Position;

    /// Returns the position that the latest durable commit applied, or `Position(0)`.
    fn applied(&self) -> Position;

    /// Returns a receiver that sees every new durable head.
    fn watch(&self) -> watch::Receiver<Position>;

    /// Resolves with the reason once the partition has stopped for good; until then it waits.
    ///
    /// It tells also whoever asks for nothing, as when the state could not be written down.
    fn failed(&self) -> BoxFuture<'_, Error>;

    /// Finishes what waits and frees what the partition holds. Every later append, commit and reclaim fails with
    /// [`Error::Closed`]; closing again does nothing.
    fn close(&self) -> BoxFuture<'_, Result<(), Error>>;
}

/// Which page of the state is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// The set of keys.
    pub space: Space,
    /// What every key begins with.
    pub prefix: Bytes,
    /// Begin after this key, which need not be there: the last one of the page before. `None` begins with the first.
    pub after: Option<Bytes>,
    /// The most keys that are returned; a page with fewer is the last.
    pub limit: usize,
}

/// What must be kept when space is reclaimed.
///
/// A segment goes when nothing more is written to it, all its events are before `from`, those before it go as well, and
/// at least one of the limits asks for it. With neither limit, nothing goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Nothing at or after this position goes.
    pub from: Position,
    /// Segments that were sealed before this time, in milliseconds since 1970, may go.
    pub sealed_before_ms: Option<u64>,
    /// The oldest segments may go while those that are held are larger than this many bytes together.
    pub bytes_max: Option<u64>,
}

impl Keep {
    /// Returns the position before which all would go of a log of these segments, the oldest first.
    pub fn goes_before(self, segments: &[SegmentInfo]) -> Position {
        let mut excess = Excess::of(self, segments.iter().map(|segment| segment.bytes).sum());
        let gone = segments.iter().take_while(|oldest| excess.takes(oldest));
        gone.last().map_or(Position(0), |newest| newest.last.next())
    }
}
