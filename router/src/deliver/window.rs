//! [`Window`]: the deliveries one worker has in hand, and which of them is next.
//!
//! A queue says what is pending, a window what can be done now. An entry is ready, waits for the time of its retry, is
//! under way, or is held. Entries with a key go one at a time, the lowest position first: one that fails keeps its
//! place, and all others of its key are held until it is settled. Other keys, and entries without one, go on.
//!
//! A held entry takes 35 bytes, or 70 if it was tried; a ready one 85, or 110 with a key; one that waits for its retry
//! 130 to 160. No operation on one entry takes longer than the logarithm of what is in hand.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use event::Timestamp;

/// What orders deliveries: a hash of the ordering key. Two keys with the same hash wait for each other, no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(pub(crate) u64);

/// How much a worker takes in hand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Entries in any state; a full window admits none, and what comes after stays in the queue.
    pub(crate) entries: usize,
    /// Entries that are ready: with as many, there is no need to look further ahead.
    pub(crate) ready: usize,
}

/// The deliveries in hand.
#[derive(Debug)]
pub(crate) struct Window {
    limits: Limits,
    /// All entries but those held.
    open: BTreeMap<u64, Entry>,
    /// Those that were not tried yet and may be taken.
    ready: BTreeSet<u64>,
    /// Those that may be taken at that time.
    retries: BTreeSet<(Timestamp, u64)>,
    /// Of each key, the one entry that is not held.
    heads: BTreeMap<Key, u64>,
    /// Those that wait for the head of their key.
    held: BTreeSet<(Key, u64)>,
    /// When entries may be tried again, of those that were tried, in whatever state.
    due: BTreeMap<u64, Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    key: Option<Key>,
    under_way: bool,
}

impl Window {
    /// Returns a window with nothing in hand.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            open: BTreeMap::new(),
            ready: BTreeSet::new(),
            retries: BTreeSet::new(),
            heads: BTreeMap::new(),
            held: BTreeSet::new(),
            due: BTreeMap::new(),
        }
    }

    /// Takes a delivery in hand, in any order of positions; one that was tried comes with the time of its retry.
    /// Returns false, and changes nothing, if it is in hand or the window is full.
    ///
    /// One that comes late goes before all of its key that are above it, but not before the one that is under way.
    pub(crate) fn admit(&mut self, position: u64, key: Option<Key>, retry_at: Option<Timestamp>) -> bool {
        let waits = key.is_some_and(|key| self.held.contains(&(key, position)));
        if waits || self.open.contains_key(&position) || self.len() >= self.limits.entries {
            return false;
        }
        if let Some(at) = retry_at {
            self.due.insert(position, at);
        }
        let head = key.and_then(|key| Some((key, *self.heads.get(&key)?)));
        match head {
            Some((key, head)) if head < position || self.is_under_way(head) => {
                self.held.insert((key, position));
            }
            Some((key, head)) => {
                self.hold(key, head);
                self.release(position, Some(key));
            }
            None => self.release(position, key),
        }
        true
    }

    /// Returns the next entry that is due, which is under way from now on: retries by their time, then what is ready
    /// by position.
    pub(crate) fn take(&mut self, now: Timestamp) -> Option<u64> {
        let retry = self.retries.first().filter(|(at, _)| *at <= now).map(|(_, position)| *position);
        let position = retry.or_else(|| self.ready.first().copied())?;
        Some(self.begin(position))
    }

    /// Returns the next entry for a probe: one that was never tried, if there is one, so that an event that always fails
    /// does not speak for the target of all.
    pub(crate) fn take_probe(&mut self, now: Timestamp) -> Option<u64> {
        let fresh = self.ready.iter().find(|position| !self.due.contains_key(position)).copied();
        match fresh {
            Some(position) => Some(self.begin(position)),
            None => self.take(now),
        }
    }

    /// Takes as many entries as are due, up to a number; no two are of one key.
    pub(crate) fn take_batch(&mut self, now: Timestamp, max: usize) -> Vec<u64> {
        std::iter::from_fn(|| self.take(now)).take(max).collect()
    }

    /// Notes that an entry that was taken failed, and when it may be tried again. Returns false, and changes nothing,
    /// if it was not under way.
    pub(crate) fn failed(&mut self, position: u64, retry_at: Timestamp) -> bool {
        if self.is_under_way(position) {
            self.due.insert(position, retry_at);
        }
        self.put_back(position)
    }

    /// Makes an entry that was taken as if it never had been. Returns false, and changes nothing, if it was not under
    /// way.
    pub(crate) fn put_back(&mut self, position: u64) -> bool {
        let Some(entry) = self.open.get_mut(&position).filter(|entry| entry.under_way) else { return false };
        entry.under_way = false;
        let key = entry.key;
        match key.and_then(|key| Some((key, self.first_held(key)?))) {
            Some((key, lower)) if lower < position => {
                self.hold(key, position);
                self.release(lower, Some(key));
            }
            _ => self.line_up(position),
        }
        true
    }

    /// Lets go of an entry, delivered or given up, and releases the next of its key. Returns false, and changes
    /// nothing, if it is held or not in hand.
    pub(crate) fn settled(&mut self, position: u64) -> bool {
        let Some(Entry { key, .. }) = self.open.remove(&position) else { return false };
        self.line_down(position);
        self.due.remove(&position);
        if let Some(key) = key {
            self.heads.remove(&key);
            if let Some(next) = self.first_held(key) {
                self.release(next, Some(key));
            }
        }
        true
    }

    /// Returns the earliest time at which an entry that waits for its retry may be taken, which may be past.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.retries.first().map(|(at, _)| *at)
    }

    /// Says whether there is an entry to take.
    pub(crate) fn has_ready(&self, now: Timestamp) -> bool {
        !self.ready.is_empty() || self.next_due().is_some_and(|at| at <= now)
    }

    /// Returns how many more entries to admit: none when full, none while enough are ready.
    pub(crate) fn room(&self) -> usize {
        let ready = self.limits.ready.saturating_sub(self.ready.len());
        self.limits.entries.saturating_sub(self.len()).min(ready)
    }

    /// Returns how many entries are in hand.
    pub(crate) fn len(&self) -> usize {
        self.open.len() + self.held.len()
    }

    /// Returns how many entries wait for the time of their retry, or were not taken since it came.
    pub(crate) fn waiting_retry(&self) -> usize {
        self.retries.len()
    }

    /// Returns how many entries wait for another of their key.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }

    /// Marks an entry that is due as under way.
    fn begin(&mut self, position: u64) -> u64 {
        self.line_down(position);
        if let Some(entry) = self.open.get_mut(&position) {
            entry.under_way = true;
        }
        position
    }

    fn is_under_way(&self, position: u64) -> bool {
        self.open.get(&position).is_some_and(|entry| entry.under_way)
    }

    fn first_held(&self, key: Key) -> Option<u64> {
        self.held.range((key, 0)..=(key, u64::MAX)).next().map(|(_, position)| *position)
    }

    /// Makes an entry the head of its key, free to be taken when it is due.
    fn release(&mut self, position: u64, key: Option<Key>) {
        if let Some(key) = key {
            self.held.remove(&(key, position));
            self.heads.insert(key, position);
        }
        self.open.insert(position, Entry { key, under_way: false });
        self.line_up(position);
    }

    /// Lets the head of a key wait for another.
    fn hold(&mut self, key: Key, position: u64) {
        self.line_down(position);
        self.open.remove(&position);
        self.held.insert((key, position));
    }

    fn line_up(&mut self, position: u64) {
        match self.due.get(&position) {
            Some(at) => self.retries.insert((*at, position)),
            None => self.ready.insert(position),
        };
    }

    fn line_down(&mut self, position: u64) {
        match self.due.get(&position) {
            Some(at) => self.retries.remove(&(*at, position)),
            None => self.ready.remove(&position),
        };
    }
}
