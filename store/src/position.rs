//! Where an event is among events, and where a record is among bytes.

use std::{fmt, iter, ops};

/// The place of an event in its partition: from 1, without gaps. `Position(0)` is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

impl Position {
    /// Returns the position after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A run of positions without gaps, possibly empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Positions {
    before: Position,
    count: u64,
}

impl Positions {
    pub(crate) fn new(before: Position, count: usize) -> Self {
        Self { before, count: count as u64 }
    }

    /// Returns the first position, or `None` when the run is empty.
    pub fn first(&self) -> Option<Position> {
        (self.count > 0).then(|| self.before.next())
    }

    /// Returns the last position, or `None` when the run is empty.
    pub fn last(&self) -> Option<Position> {
        (self.count > 0).then_some(Position(self.before.0 + self.count))
    }

    /// Returns how many positions there are.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Returns true when there is no position.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl IntoIterator for Positions {
    type Item = Position;
    type IntoIter = iter::Map<ops::Range<u64>, fn(u64) -> Position>;

    fn into_iter(self) -> Self::IntoIter {
        let first = self.before.0 + 1;
        (first..first + self.count).map(Position)
    }
}

/// The place of a record: a segment's number and a byte in its file. No two records of a partition ever share one,
/// because a segment's number is never used again, whatever happens to its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) segment: u32,
    pub(crate) byte: u32,
}

/// Turns a size into the form that the files use.
#[expect(clippy::expect_used, reason = "Options::check keeps segments and requests below 1 GiB each")]
pub(crate) fn narrow(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a segment with one request is below 4 GiB")
}
