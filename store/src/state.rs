//! The keyed state: what all commits up to a place add up to.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use bytes::Bytes;

use crate::{
    partition::Scan,
    position::{Place, Position},
    tx::{Space, Tx},
};

/// Changes that are moved with each commit, beside as many as it brings, once a copy is written.
const MOVED_AT_ONCE: usize = 1_000;

/// Keys with their values, by space.
pub(crate) type Spaces = BTreeMap<Space, BTreeMap<Bytes, Bytes>>;

/// The keyed state. A copy of it is taken in no time, however large it is: while somebody writes down what there was, changes
/// are kept beside it, and are moved into it afterwards, some with each commit.
#[derive(Debug)]
pub(crate) struct State {
    base: Arc<Spaces>,
    /// What changed since the base was copied; none for a key that is gone.
    changed: BTreeMap<(Space, Bytes), Option<Bytes>>,
    pub(crate) applied: Position,
    /// The end of the last record that counts.
    pub(crate) through: Place,
    /// The position of the last event up to there.
    pub(crate) head: Position,
}

impl State {
    pub(crate) fn empty(through: Place) -> Self {
        let (base, changed) = (Arc::default(), BTreeMap::new());
        Self { base, changed, applied: Position(0), through, head: Position(0) }
    }

    /// Applies one commit: first what it deletes, then what it puts.
    pub(crate) fn apply(&mut self, tx: Tx) {
        self.applied = tx.applied.unwrap_or(self.applied);
        self.move_changes(MOVED_AT_ONCE + tx.delete.len() + tx.put.len());
        for (space, key) in tx.delete {
            self.set(space, key, None);
        }
        for (space, key, value) in tx.put {
            self.set(space, key, Some(value));
        }
    }

    /// Puts many entries of a space at once, into a state that nobody copies.
    pub(crate) fn fill(&mut self, space: Space, entries: Vec<(Bytes, Bytes)>) {
        if let Some(base) = Arc::get_mut(&mut self.base) {
            base.entry(space).or_default().append(&mut entries.into_iter().collect());
        }
    }

    /// Returns one page.
    pub(crate) fn scan(&self, scan: &Scan) -> Vec<(Bytes, Bytes)> {
        let from = match &scan.after {
            Some(after) if *after >= scan.prefix => Bound::Excluded(after.clone()),
            _ => Bound::Included(scan.prefix.clone()),
        };
        let changed = (from.clone().map(|key| (scan.space, key)), Bound::Unbounded);
        let changed = self.changed.range(changed);
        let changed =
            changed.take_while(|((space, key), _)| *space == scan.space && key.starts_with(&scan.prefix));
        let mut changed = changed.map(|((_, key), value)| (key, value)).peekable();
        let base = self.base.get(&scan.space);
        let base = base.into_iter().flat_map(|map| map.range((from.clone(), Bound::Unbounded)));
        let mut base = base.take_while(|(key, _)| key.starts_with(&scan.prefix)).peekable();
        let mut page = Vec::new();
        while page.len() < scan.limit {
            let is_newer = match (base.peek(), changed.peek()) {
                (None, None) => break,
                (Some((old, _)), Some((new, _))) => new <= old,
                (None, Some(_)) => true,
                (Some(_), None) => false,
            };
            if is_newer {
                let Some((key, value)) = changed.next() else { break };
                base.next_if(|(old, _)| *old == key);
                page.extend(value.as_ref().map(|value| (key.clone(), value.clone())));
            } else if let Some((key, value)) = base.next() {
                page.push((key.clone(), value.clone()));
            }
        }
        page
    }

    /// Returns every key with its value, as they are now.
    pub(crate) fn copy(&mut self) -> Arc<Spaces> {
        self.move_changes(usize::MAX);
        if !self.changed.is_empty() {
            // Somebody holds an earlier copy still: there are two for a while.
            let mut base = (*self.base).clone();
            for change in std::mem::take(&mut self.changed) {
                put(&mut base, change);
            }
            self.base = Arc::new(base);
        }
        Arc::clone(&self.base)
    }

    fn set(&mut self, space: Space, key: Bytes, value: Option<Bytes>) {
        match Arc::get_mut(&mut self.base) {
            Some(base) if self.changed.is_empty() => put(base, ((space, key), value)),
            _ => drop(self.changed.insert((space, key), value)),
        }
    }

    /// Moves changes into the base, unless somebody reads that.
    fn move_changes(&mut self, most: usize) {
        if self.changed.is_empty() {
            return;
        }
        let Some(base) = Arc::get_mut(&mut self.base) else { return };
        for _ in 0..most {
            let Some(change) = self.changed.pop_first() else { return };
            put(base, change);
        }
    }
}

fn put(base: &mut Spaces, ((space, key), value): ((Space, Bytes), Option<Bytes>)) {
    match (value, base.get_mut(&space)) {
        (Some(value), Some(map)) => drop(map.insert(key, value)),
        (Some(value), None) => drop(base.insert(space, BTreeMap::from([(key, value)]))),
        (None, Some(map)) => drop(map.remove(&key)),
        (None, None) => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page(state: &State, after: Option<Bytes>, limit: usize) -> Vec<(Bytes, Bytes)> {
        state.scan(&Scan { space: Space(1), prefix: Bytes::from_static(b"k"), after, limit })
    }

    proptest! {
        /// Whenever copies are taken and let go, the state is what a map would be, page by page, and a copy stays as it
        /// was.
        #[test]
        fn a_state_is_a_map_whoever_copies_it(
            steps in prop::collection::vec((0_u8..12, prop::option::of(any::<u8>()), 0_u8..6), 0..120)
        ) {
            let mut state = State::empty(Place { segment: 0, byte: 0 });
            let (mut map, mut copies) = (BTreeMap::new(), Vec::new());
            for (key, value, what) in steps {
                let key = Bytes::from(format!("k{key:02}"));
                let value = value.map(|value| Bytes::from(vec![value]));
                let mut tx = Tx::default();
                match value.clone() {
                    Some(value) => tx.put.push((Space(1), key.clone(), value)),
                    None => tx.delete.push((Space(1), key.clone())),
                }
                state.apply(tx);
                match value {
                    Some(value) => drop(map.insert(key, value)),
                    None => drop(map.remove(&key)),
                }
                match what {
                    0 => copies.push((state.copy(), map.clone())),
                    1 => drop(copies.pop()),
                    _ => {}
                }
                let mut found = page(&state, None, 3);
                while let Some((last, _)) = found.last().cloned() {
                    let more = page(&state, Some(last), 3);
                    if more.is_empty() {
                        break;
                    }
                    found.extend(more);
                }
                prop_assert_eq!(found, map.clone().into_iter().collect::<Vec<_>>());
                for (copy, then) in &copies {
                    let copied = copy.get(&Space(1)).cloned().unwrap_or_default();
                    prop_assert_eq!(&copied, then);
                }
            }
        }
    }
}
