//! What a partition must answer, as plainly as it can be said: a list of records, and what they add up to.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::{collection::vec, prelude::*};
use store::{Appended, Dedup, NewEvent, Partition, Position, Space, Tx};

use crate::{events, keys};

/// What becomes durable as one.
#[derive(Clone, Debug)]
pub(crate) enum Record {
    Event(NewEvent),
    Commit(Tx),
}

/// What is seen of a partition: events by position, keys by space, what was applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) events: Vec<(u64, Bytes)>,
    pub(crate) keys: BTreeMap<(u8, Bytes), Bytes>,
    pub(crate) applied: u64,
}

/// All records so far, and the keys that are remembered: key, time and position, oldest first.
#[derive(Clone, Debug)]
pub(crate) struct Oracle {
    dedup: Dedup,
    pub(crate) records: Vec<Record>,
    remembered: Vec<(u64, u64, Position)>,
    clock_ms: u64,
    head: u64,
}

impl Oracle {
    pub(crate) fn new(dedup: Dedup) -> Self {
        Self { dedup, records: Vec::new(), remembered: Vec::new(), clock_ms: 0, head: 0 }
    }

    /// Returns what is known after the first records alone.
    pub(crate) fn after(&self, records: usize) -> Self {
        let mut oracle = Self::new(self.dedup);
        for record in &self.records[..records] {
            oracle.add(record.clone());
        }
        oracle
    }

    pub(crate) fn append(&mut self, event: NewEvent) -> Appended {
        let same = |key| self.remembered.iter().rfind(|(known, ..)| *known == key);
        if let Some((_, at_ms, position)) = event.key.and_then(same)
            && at_ms.abs_diff(event.at_ms) < self.dedup.window_ms
        {
            return Appended::DuplicateOf(*position);
        }
        self.add(Record::Event(event));
        Appended::At(Position(self.head))
    }

    pub(crate) fn commit(&mut self, tx: Tx) {
        self.add(Record::Commit(tx));
    }

    fn add(&mut self, record: Record) {
        match &record {
            Record::Event(event) => {
                self.head += 1;
                if let Some(key) = event.key {
                    self.remember(key, event.at_ms);
                }
            }
            Record::Commit(tx) => self.head += tx.emit.len() as u64,
        }
        self.records.push(record);
    }

    fn remember(&mut self, key: u64, at_ms: u64) {
        let window_ms = self.dedup.window_ms;
        if at_ms + window_ms <= self.clock_ms {
            self.remembered.clear();
            self.clock_ms = at_ms;
        }
        self.clock_ms = self.clock_ms.max(at_ms);
        let too_old = |(_, at_ms, _): &(u64, u64, Position)| self.clock_ms - at_ms >= window_ms;
        while self.remembered.first().is_some_and(too_old) || self.remembered.len() >= self.dedup.keys_max {
            self.remembered.remove(0);
        }
        self.remembered.push((key, at_ms, Position(self.head)));
    }

    /// Returns what the records add up to, without events before the tail.
    pub(crate) fn seen(&self, tail: Position) -> Seen {
        let mut seen = Seen::default();
        let mut events = Vec::new();
        for record in &self.records {
            match record {
                Record::Event(event) => events.push(event.bytes.clone()),
                Record::Commit(tx) => {
                    events.extend(tx.emit.iter().cloned());
                    seen.applied = tx.applied.map_or(seen.applied, |position| position.0);
                    for (space, key) in &tx.delete {
                        seen.keys.remove(&(space.0, key.clone()));
                    }
                    for (space, key, value) in &tx.put {
                        seen.keys.insert((space.0, key.clone()), value.clone());
                    }
                }
            }
        }
        seen.events = (1..).zip(events).filter(|(position, _)| *position >= tail.0).collect();
        seen
    }

    pub(crate) fn head(&self) -> Position {
        Position(self.head)
    }
}

/// The spaces that the random requests use.
const SPACES: u8 = 2;

pub(crate) fn seen(partition: &dyn Partition) -> Seen {
    let keys_of =
        |space| keys(partition, space, "").into_iter().map(move |(key, value)| ((space, key), value));
    Seen {
        events: events(partition),
        keys: (0..SPACES).flat_map(keys_of).collect(),
        applied: partition.applied().0,
    }
}

/// Returns a random event, mostly with one of few keys and times that mostly go on.
pub(crate) fn new_event() -> impl Strategy<Value = NewEvent> {
    // Now and then one is larger than a segment.
    let length = prop_oneof![30 => 0..400_usize, 1 => 4000..6000_usize];
    let bytes = (any::<u8>(), length).prop_map(|(byte, length)| vec![byte; length]);
    (bytes, proptest::option::of(0..30_u64), 0..3000_u64).prop_map(|(bytes, key, at_ms)| {
        // The number stands for a hash.
        let key = key.map(|key| (key + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        NewEvent { bytes: Bytes::from(bytes), key, at_ms }
    })
}

/// Returns a random commit that changes something.
pub(crate) fn new_commit() -> impl Strategy<Value = Tx> {
    let put = vec((0..SPACES, 0..12_u8, any::<u8>()), 0..6);
    let delete = vec((0..SPACES, 0..12_u8), 0..4);
    let emit = vec(vec(any::<u8>(), 0..400), 0..3);
    (put, delete, emit, 0..1000_u64).prop_map(|(put, delete, emit, applied)| {
        let bytes = |byte: u8| Bytes::from(vec![byte]);
        Tx {
            applied: Some(Position(applied)),
            put: put.iter().map(|(space, key, value)| (Space(*space), bytes(*key), bytes(*value))).collect(),
            delete: delete.iter().map(|(space, key)| (Space(*space), bytes(*key))).collect(),
            emit: emit.into_iter().map(Bytes::from).collect(),
        }
    })
}
