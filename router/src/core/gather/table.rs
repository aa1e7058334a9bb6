//! [`Table`]: what is known of each key, and when to look at it again.
//!
//! Finding a key costs the same however many there are; setting a timer costs what an ordered set of numbers does. A key's
//! timer may be early: a time that moves away moves no timer, and whoever is woken for nothing sets it anew. So a part
//! that only puts its group's end off costs nothing here.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};

use event::{Text, Timestamp};
use hashbrown::HashTable;

/// The place of a key in a [`Table`], until it is removed.
pub(crate) type Slot = u32;

/// Values by key, with a timer each.
pub(crate) struct Table<T> {
    index: HashTable<(u64, Slot)>,
    hasher: RandomState,
    slots: Vec<Option<Box<Entry<T>>>>,
    free: Vec<Slot>,
    timers: BTreeSet<(Timestamp, Slot)>,
}

/// One key.
struct Entry<T> {
    key: Text,
    hash: u64,
    timer: Option<Timestamp>,
    value: T,
}

impl<T> Table<T> {
    /// Returns a table without keys.
    pub(crate) fn new() -> Self {
        Self {
            index: HashTable::new(),
            hasher: RandomState::new(),
            slots: Vec::new(),
            free: Vec::new(),
            timers: BTreeSet::new(),
        }
    }

    /// Returns where a key is, if it is there.
    pub(crate) fn find(&self, key: &str) -> Option<Slot> {
        let hash = self.hasher.hash_one(key);
        let is_it = |(other, slot): &(u64, Slot)| *other == hash && self.key(*slot) == Some(key);
        self.index.find(hash, is_it).map(|(_, slot)| *slot)
    }

    /// Returns where a key is; one that is not there is added.
    pub(crate) fn enter(&mut self, key: &str, value: impl FnOnce() -> T) -> Slot {
        if let Some(slot) = self.find(key) {
            return slot;
        }
        let hash = self.hasher.hash_one(key);
        let entry = Some(Box::new(Entry { key: key.into(), hash, timer: None, value: value() }));
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            Slot::try_from(self.slots.len() - 1).unwrap_or(Slot::MAX)
        });
        self.slots[slot as usize] = entry;
        self.index.insert_unique(hash, (hash, slot), |(hash, _)| *hash);
        slot
    }

    /// Removes a key with its timer.
    pub(crate) fn remove(&mut self, slot: Slot) {
        let Some(entry) = self.slots.get_mut(slot as usize).and_then(Option::take) else { return };
        if let Some(timer) = entry.timer {
            self.timers.remove(&(timer, slot));
        }
        if let Ok(found) = self.index.find_entry(entry.hash, |(_, other)| *other == slot) {
            found.remove();
        }
        self.free.push(slot);
    }

    /// Returns a key and its value.
    pub(crate) fn get(&self, slot: Slot) -> Option<(&Text, &T)> {
        let entry = self.slots.get(slot as usize)?.as_ref()?;
        Some((&entry.key, &entry.value))
    }

    /// Returns a key and its value.
    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<(&Text, &mut T)> {
        let entry = self.slots.get_mut(slot as usize)?.as_mut()?;
        Some((&entry.key, &mut entry.value))
    }

    /// Has a key woken at a time, or sooner.
    pub(crate) fn wake_at(&mut self, slot: Slot, due: Timestamp) {
        let Some(entry) = self.slots.get_mut(slot as usize).and_then(Option::as_mut) else { return };
        if entry.timer.is_some_and(|timer| timer <= due) {
            return;
        }
        if let Some(timer) = entry.timer.replace(due) {
            self.timers.remove(&(timer, slot));
        }
        self.timers.insert((due, slot));
    }

    /// Sets the timers of keys that have none.
    pub(crate) fn wake_all_at(&mut self, due: Vec<(Timestamp, Slot)>) {
        for (due, slot) in &due {
            if let Some(entry) = self.slots.get_mut(*slot as usize).and_then(Option::as_mut) {
                entry.timer = Some(*due);
            }
        }
        // In one piece, which takes a fraction of the time.
        self.timers.append(&mut due.into_iter().collect());
    }

    /// Takes a key's timer away.
    pub(crate) fn sleep(&mut self, slot: Slot) {
        let entry = self.slots.get_mut(slot as usize).and_then(Option::as_mut);
        if let Some(timer) = entry.and_then(|entry| entry.timer.take()) {
            self.timers.remove(&(timer, slot));
        }
    }

    /// Returns whether a key is to be woken by a time.
    pub(crate) fn is_due(&self, slot: Slot, by: Timestamp) -> bool {
        let entry = self.slots.get(slot as usize).and_then(Option::as_ref);
        entry.and_then(|entry| entry.timer).is_some_and(|timer| timer <= by)
    }

    /// Returns when the first key is to be woken.
    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// Returns the first key that is to be woken by a time, and takes its timer away.
    pub(crate) fn woken(&mut self, by: Timestamp) -> Option<Slot> {
        let (_, slot) = *self.timers.first().filter(|(due, _)| *due <= by)?;
        self.timers.pop_first();
        if let Some(entry) = self.slots.get_mut(slot as usize).and_then(Option::as_mut) {
            entry.timer = None;
        }
        Some(slot)
    }

    /// Returns how many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// Returns the places of all keys, in no order that means anything.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> + use<T> {
        let used: Vec<Slot> =
            (0..).zip(&self.slots).filter(|(_, entry)| entry.is_some()).map(|(at, _)| at).collect();
        used.into_iter()
    }

    fn key(&self, slot: Slot) -> Option<&str> {
        self.slots.get(slot as usize)?.as_ref().map(|entry| &*entry.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_key_is_found_until_it_is_removed() {
        let mut table = Table::new();
        let slots: Vec<Slot> = (0..1_000).map(|key| table.enter(&format!("k{key}"), || key)).collect();
        for (key, slot) in slots.iter().enumerate().filter(|(key, _)| key % 2 == 0) {
            table.remove(*slot);
            assert_eq!(table.find(&format!("k{key}")), None);
        }
        assert_eq!(table.find("k7").and_then(|slot| table.get(slot)).map(|(_, value)| *value), Some(7));
        assert_eq!((table.len(), table.slots().count()), (500, 500));
        let again = table.enter("k0", || 4_000);
        assert_eq!(table.get(again).map(|(key, value)| (&**key, *value)), Some(("k0", 4_000)));
        assert_eq!(table.slots.len(), 1_000);
    }

    #[test]
    fn timers_come_in_order_and_go_with_their_keys() {
        let mut table = Table::new();
        for (key, due) in [("a", 30), ("b", 10), ("c", 20), ("d", 5)] {
            let slot = table.enter(key, || ());
            table.wake_at(slot, at(due));
            table.wake_at(slot, at(due + 100));
        }
        let gone = table.find("d").unwrap();
        table.remove(gone);
        assert_eq!(table.next_wake(), Some(at(10)));
        let mut order = Vec::new();
        while let Some(slot) = table.woken(at(25)) {
            order.push(table.get(slot).unwrap().0.to_string());
        }
        assert_eq!(order, ["b", "c"]);
        assert_eq!(table.next_wake(), Some(at(30)));
    }
}
