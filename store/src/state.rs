//! The keyed state: what all commits up to a place add up to.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
};

use bytes::Bytes;

use crate::{
    position::{Place, Position},
    tx::{Space, Tx},
};

#[derive(Debug)]
pub(crate) struct State {
    spaces: HashMap<Space, BTreeMap<Bytes, Bytes>>,
    pub(crate) applied: Position,
    /// The end of the last record that counts.
    pub(crate) through: Place,
    /// The position of the last event up to there.
    pub(crate) head: Position,
}

impl State {
    pub(crate) fn empty(through: Place) -> Self {
        Self { spaces: HashMap::new(), applied: Position(0), through, head: Position(0) }
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

    pub(crate) fn get(&self, space: Space, key: &[u8]) -> Option<Bytes> {
        self.spaces.get(&space)?.get(key).cloned()
    }

    pub(crate) fn scan(&self, space: Space, prefix: &[u8]) -> Vec<(Bytes, Bytes)> {
        self.matching(space, prefix).collect()
    }

    pub(crate) fn first(&self, space: Space, prefix: &[u8]) -> Option<(Bytes, Bytes)> {
        self.matching(space, prefix).next()
    }

    fn matching(&self, space: Space, prefix: &[u8]) -> impl Iterator<Item = (Bytes, Bytes)> {
        let map = self.spaces.get(&space).into_iter();
        let from = map.flat_map(move |map| map.range::<[u8], _>((Bound::Included(prefix), Bound::Unbounded)));
        let matching = from.take_while(move |(key, _)| key.starts_with(prefix));
        matching.map(|(key, value)| (key.clone(), value.clone()))
    }

    pub(crate) fn count(&self, space: Space) -> usize {
        self.spaces.get(&space).map_or(0, BTreeMap::len)
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
