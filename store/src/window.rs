//! The keys of the events that were appended lately, by which a repeated one is told.

use std::collections::VecDeque;

use hashbrown::HashTable;

use crate::{options::Dedup, position::Position};

/// A key in the window, in 16 bytes: the low halves suffice, because no two times in the window are 2^32 ms apart and no
/// two positions in it are 2^32 apart.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: u64,
    at_low: u32,
    position_low: u32,
}

/// A key with the time and the position of its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) key: u64,
    pub(crate) at_ms: u64,
    pub(crate) position: Position,
}

/// The keys, oldest first, and the way from a key to its place among them.
#[derive(Debug)]
pub(crate) struct Window {
    dedup: Dedup,
    entries: VecDeque<Entry>,
    /// The serial number of the first entry; numbers wrap.
    first: u32,
    /// The serial number of the latest entry of each key.
    serials: HashTable<u32>,
    /// The latest time that was seen.
    pub(crate) clock_ms: u64,
    /// The position of the last entry.
    last: Position,
}

impl Window {
    pub(crate) fn new(dedup: Dedup) -> Self {
        Self {
            dedup,
            entries: VecDeque::new(),
            first: 0,
            serials: HashTable::new(),
            clock_ms: 0,
            last: Position(0),
        }
    }

    /// Returns the position of the event that had the key less than the window's length before or after the time.
    pub(crate) fn find(&self, key: u64, at_ms: u64) -> Option<Position> {
        let serial = self.serials.find(key, |serial| self.entry(*serial).key == key)?;
        let found = self.remembered(self.entry(*serial));
        (found.at_ms.abs_diff(at_ms) < self.dedup.window_ms).then_some(found.position)
    }

    /// Takes the key of an event that was stored, behind all others, and forgets what is too old or too much.
    ///
    /// A clock that was set back by the window's length or more starts the window anew.
    pub(crate) fn remember(&mut self, new: Remembered) {
        if self.dedup.window_ms == 0 {
            return;
        }
        if new.at_ms.saturating_add(self.dedup.window_ms) <= self.clock_ms {
            self.entries.clear();
            self.serials.clear();
            self.clock_ms = new.at_ms;
        }
        self.pass_time(new.at_ms);
        while self.front().is_some_and(|front| {
            self.entries.len() >= self.dedup.keys_max
                || new.position.0 - front.position.0 > u64::from(u32::MAX)
        }) {
            self.forget_front();
        }
        self.last = new.position;
        self.push(new);
    }

    /// Forgets what is too old at a time, unless a later one was seen.
    pub(crate) fn pass_time(&mut self, at_ms: u64) {
        let clock_ms = self.clock_ms.max(at_ms);
        while self.front().is_some_and(|front| clock_ms - front.at_ms >= self.dedup.window_ms) {
            self.forget_front();
        }
        self.clock_ms = clock_ms;
    }

    /// Returns what is remembered of events up to a position, oldest first.
    pub(crate) fn up_to(&self, head: Position) -> Vec<Remembered> {
        let all = self.entries.iter().map(|entry| self.remembered(*entry));
        all.filter(|entry| entry.position <= head).collect()
    }

    fn push(&mut self, new: Remembered) {
        let serial = self.first.wrapping_add(low(self.entries.len() as u64));
        let entry = Entry { key: new.key, at_low: low(new.at_ms), position_low: low(new.position.0) };
        self.entries.push_back(entry);
        let (entries, first) = (&self.entries, self.first);
        let key_of = |serial: &u32| entries[serial.wrapping_sub(first) as usize].key;
        match self.serials.find_mut(new.key, |serial| key_of(serial) == new.key) {
            Some(known) => *known = serial,
            None => {
                self.serials.insert_unique(new.key, serial, key_of);
            }
        }
    }

    fn front(&self) -> Option<Remembered> {
        self.entries.front().map(|entry| self.remembered(*entry))
    }

    fn forget_front(&mut self) {
        let Some(entry) = self.entries.front() else { return };
        let first = self.first;
        if let Ok(known) = self.serials.find_entry(entry.key, |serial| *serial == first) {
            known.remove();
        }
        self.entries.pop_front();
        self.first = first.wrapping_add(1);
    }

    fn entry(&self, serial: u32) -> Entry {
        self.entries[serial.wrapping_sub(self.first) as usize]
    }

    fn remembered(&self, entry: Entry) -> Remembered {
        let age_ms = low(self.clock_ms).wrapping_sub(entry.at_low);
        let behind = low(self.last.0).wrapping_sub(entry.position_low);
        Remembered {
            key: entry.key,
            at_ms: self.clock_ms - u64::from(age_ms),
            position: Position(self.last.0 - u64::from(behind)),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
fn low(whole: u64) -> u32 {
    whole as u32
}
