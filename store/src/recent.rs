//! The last events of the log, still in memory, so that a reader that keeps up reads no file.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::{options::ReadBudget, position::Position};

/// Events that follow one another, up to the last that was written.
#[derive(Debug)]
pub(crate) struct Recent {
    events: VecDeque<Bytes>,
    bytes: usize,
    /// What they take together, at most; past it the oldest go.
    bytes_max: usize,
    last: Position,
}

impl Recent {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { events: VecDeque::new(), bytes: 0, bytes_max, last: Position(0) }
    }

    /// Adds the event behind the last. Its bytes must be its own: whoever reads them may hold them for long.
    pub(crate) fn push(&mut self, position: Position, event: Bytes) {
        if position != self.last.next() {
            self.events.clear();
            self.bytes = 0;
        }
        self.last = position;
        self.bytes += event.len();
        self.events.push_back(event);
        while self.bytes > self.bytes_max
            && let Some(oldest) = self.events.pop_front()
        {
            self.bytes -= oldest.len();
        }
    }

    /// Returns events from one on and up to the head, as a budget allows and at least one; none if that one is not here.
    pub(crate) fn from(
        &self,
        wanted: Position,
        head: Position,
        budget: ReadBudget,
    ) -> Vec<(Position, Bytes)> {
        let first = self.last.0 + 1 - self.events.len() as u64;
        let Some(skipped) = wanted.0.checked_sub(first) else { return Vec::new() };
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX).min(self.events.len());
        budget.take((wanted.0..=head.0).map(Position).zip(self.events.range(skipped..)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(position: u64, bytes: usize) -> Bytes {
        Bytes::from(vec![u8::try_from(position % 251).unwrap(); bytes])
    }

    const BYTES_MAX: usize = 1_000;

    fn filled(positions: std::ops::RangeInclusive<u64>, bytes: usize) -> Recent {
        let mut recent = Recent::new(BYTES_MAX);
        positions.for_each(|position| recent.push(Position(position), event(position, bytes)));
        recent
    }

    #[track_caller]
    fn check(recent: &Recent, wanted: u64, head: u64, budget: ReadBudget, expected: std::ops::Range<u64>) {
        let read = recent.from(Position(wanted), Position(head), budget);
        let positions: Vec<u64> = read.iter().map(|(position, _)| position.0).collect();
        assert_eq!(positions, expected.collect::<Vec<_>>());
        assert!(read.iter().all(|(position, bytes)| *bytes == event(position.0, bytes.len())));
    }

    #[test]
    fn events_are_read_up_to_the_head_and_within_a_budget() {
        let recent = filled(5..=10, 10);
        let all = ReadBudget { events: 100, bytes: 1_000 };
        check(&recent, 5, 10, all, 5..11);
        check(&recent, 7, 8, all, 7..9);
        check(&recent, 4, 10, all, 0..0);
        check(&recent, 11, 10, all, 0..0);
        check(&recent, 5, 10, ReadBudget { events: 2, ..all }, 5..7);
        check(&recent, 5, 10, ReadBudget { bytes: 29, ..all }, 5..7);
        check(&recent, 5, 10, ReadBudget { events: 0, bytes: 0 }, 5..6);
        check(&Recent::new(BYTES_MAX), 1, 10, all, 0..0);
    }

    #[test]
    fn the_oldest_go_and_a_gap_begins_anew() {
        let mut recent = filled(1..=100, BYTES_MAX / 10);
        let all = ReadBudget { events: 1_000, bytes: usize::MAX };
        check(&recent, 91, 100, all, 91..101);
        check(&recent, 90, 100, all, 0..0);
        recent.push(Position(103), event(103, 5));
        check(&recent, 100, 103, all, 0..0);
        check(&recent, 103, 103, all, 103..104);
        recent.push(Position(104), event(104, BYTES_MAX + 1));
        check(&recent, 104, 104, all, 0..0);
        assert_eq!((recent.bytes, recent.events.len()), (0, 0));
    }
}
