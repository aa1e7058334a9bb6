//! What is appended, and what became of it.

use bytes::Bytes;

use crate::position::Position;

/// An event that comes from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewEvent {
    /// What is kept, verbatim.
    pub bytes: Bytes,
    /// What makes the event the same as another; an event without one is never a duplicate.
    ///
    /// It stands for the event's identity and is all that is compared, so it must be a well mixed 64-bit hash, under a
    /// secret key where strangers choose what is hashed. An event is taken for another one in the window with a
    /// probability of the number of keys in the window in 2^64: with a million keys, once in 10^13 events.
    pub key: Option<u64>,
    /// When the event was received, in milliseconds since 1970, by the caller's clock.
    pub at_ms: u64,
}

impl NewEvent {
    /// Returns an event that is never a duplicate.
    pub fn unkeyed(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), key: None, at_ms: 0 }
    }
}

/// What became of an appended event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is stored at this position.
    At(Position),
    /// It is not stored, because the event at this position had the same key within the window. That event is as
    /// durable as if it had been appended now; it may have been reclaimed since.
    DuplicateOf(Position),
}

impl Appended {
    /// Returns where the event is, whichever append brought it.
    pub fn position(self) -> Position {
        match self {
            Self::At(position) | Self::DuplicateOf(position) => position,
        }
    }
}
