//! The keyed state: what all commits up to a place add up to.

use std::{collections::BTreeMap, ops::Bound};

use bytes::Bytes;

use crate::{
    partition::Scan,
    position::{Place, Position},
    tx::{Space, Tx},
};

#[derive(Debug)]
pub(crate) struct State {
    spaces: BTreeMap<Space, BTreeMap<Bytes, Bytes>>,
    pub(crate) applied: Position,
    /// The end of the last record that counts.
    pub(crate) through: Place,
    /// The position of the last event up to there.
    pub(crate) head: Position,
}

impl State {
    pub(crate) fn empty(through: Place) -> Self {
        Self { spaces: BTreeMap::new(), applied: Position(0), through, head: Position(0) }
    }

    /// Applies one commit: first what it deletes, then what it puts.
    pub(crate) fn apply(&mut self, tx: Tx) {
        self.applied = tx.applied.unwrap_or(self.applied);
        for (space, key) in tx.delete {
            if let Some(map) = self.spaces.get_mut(&space) {
                map.remove(&key);
            }
        }
        for (space, key, value) in tx.put {
            self.put(space, key, value);
        }
    }

    pub(crate) fn put(&mut self, space: Space, key: Bytes, value: Bytes) {
        self.spaces.entry(space).or_default().insert(key, value);
    }

    /// Puts many entries of a space at once.
    pub(crate) fn fill(&mut self, space: Space, entries: Vec<(Bytes, Bytes)>) {
        self.spaces.entry(space).or_default().append(&mut entries.into_iter().collect());
    }

    /// Returns one page.
    pub(crate) fn scan(&self, scan: &Scan) -> Vec<(Bytes, Bytes)> {
        let Some(map) = self.spaces.get(&scan.space) else { return Vec::new() };
        let from = match &scan.after {
            Some(after) if *after >= scan.prefix => Bound::Excluded(&after[..]),
            _ => Bound::Included(&scan.prefix[..]),
        };
        let following = map.range::<[u8], _>((from, Bound::Unbounded));
        let matching = following.take_while(|(key, _)| key.starts_with(&scan.prefix));
        matching.take(scan.limit).map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Returns every key with its value. The bytes are shared, so this is quick enough to do under the lock.
    pub(crate) fn entries(&self) -> Vec<(Space, Bytes, Bytes)> {
        let mut entries = Vec::with_capacity(self.spaces.values().map(BTreeMap::len).sum());
        for (space, map) in &self.spaces {
            entries.extend(map.iter().map(|(key, value)| (*space, key.clone(), value.clone())));
        }
        entries
    }
}
