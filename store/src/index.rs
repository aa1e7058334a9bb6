//! The way from a position to a byte in one segment: sparse, grown as the segment is written or read.

use std::collections::VecDeque;

use crate::{position::Position, segment::FIRST_RECORD};

/// How far apart the marks are, in bytes; a lookup passes over no more than that.
const SPACING_BYTES: u32 = 32 * 1024;
/// How many places where a read ended are remembered, for readers that come back for the next event.
const RECENT_MAX: usize = 32;

/// A record's byte, and the position before its first event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) before: Position,
    pub(crate) byte: u32,
}

/// The marks of one segment, in order, and the places where reads ended, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Index {
    marks: Vec<Mark>,
    recent: VecDeque<Mark>,
}

impl Index {
    pub(crate) fn starting(before: Position) -> Self {
        Self { marks: vec![Mark { before, byte: FIRST_RECORD }], recent: VecDeque::new() }
    }

    /// Takes a record's mark if it is far enough behind the last one.
    pub(crate) fn note(&mut self, mark: Mark) {
        if self.marks.last().is_none_or(|last| mark.byte >= last.byte + SPACING_BYTES) {
            self.marks.push(mark);
        }
    }

    /// Remembers where a read ended, in place of where it began.
    pub(crate) fn remember(&mut self, began: Mark, mark: Mark) {
        self.recent.retain(|recent| *recent != began && *recent != mark);
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(mark);
    }

    /// Returns the last known record that is not behind the one that holds the position.
    pub(crate) fn nearest(&self, wanted: Position) -> Mark {
        let after = self.marks.partition_point(|mark| mark.before < wanted);
        let start = Mark { before: Position(0), byte: FIRST_RECORD };
        let mark = after.checked_sub(1).map_or(start, |at| self.marks[at]);
        let recent = self.recent.iter().filter(|recent| recent.before < wanted && recent.byte > mark.byte);
        recent.max_by_key(|recent| recent.byte).copied().unwrap_or(mark)
    }
}
