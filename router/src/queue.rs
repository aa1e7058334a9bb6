//! [`Queue`]: what a consumer still has to get, as a compressed, ordered set of positions.
//!
//! A backlog is mostly neighbours, so the set is kept as runs, and runs lie encoded in chunks of at most
//! [`CHUNK_BYTES_MAX`] bytes. A chunk is also what is stored: its key is its first position, its value its bytes, and
//! a change touches one chunk, or two when one is split. A million neighbours are one chunk of four bytes, a position
//! far from others costs two or three.

mod chunk;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use self::chunk::{CHUNK_BYTES_MAX, Chunk};

/// More positions than a log ever numbers. A stored set that claims as many is damaged, and one that holds less never
/// comes near the end of `u64` by single insertions.
const POSITIONS_MAX: u64 = 1 << 62;

/// What to write for a chunk: its key and its bytes, or none to delete it.
pub(crate) type Change = (u64, Option<Vec<u8>>);

/// An ordered set of positions that knows which of its chunks have to be stored again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    /// By first position. No two overlap; neighbours may touch.
    chunks: BTreeMap<u64, Chunk>,
    /// How many positions there are.
    len: u64,
    /// The keys of chunks that are not stored as they are.
    changed: BTreeSet<u64>,
    /// The keys that are stored and belong to no chunk any more.
    gone: BTreeSet<u64>,
}

impl Queue {
    /// Returns the set that was stored, from its chunks in ascending order of their keys; none if they are damaged.
    pub(crate) fn restore<B: AsRef<[u8]>>(stored: impl IntoIterator<Item = (u64, B)>) -> Option<Self> {
        let mut queue = Self::default();
        let mut above = None;
        for (key, bytes) in stored {
            let (mut chunk, len) = Chunk::decode(key, bytes.as_ref())?;
            if above.is_some_and(|last| key <= last) {
                return None;
            }
            above = Some(chunk.last());
            chunk.stored = true;
            queue.len = queue.len.checked_add(len).filter(|len| *len < POSITIONS_MAX)?;
            queue.chunks.insert(key, chunk);
        }
        Some(queue)
    }

    /// Adds a position; returns false if it was there.
    pub(crate) fn insert(&mut self, position: u64) -> bool {
        let lower = self.chunks.range(..=position).next_back().or_else(|| self.chunks.first_key_value());
        let key = lower.map_or(position, |(key, _)| *key);
        match self.chunks.get_mut(&key).map(|chunk| chunk.insert(position)) {
            Some(false) => return false,
            Some(true) => self.touched(key, position),
            None => self.add(Chunk::of(position)),
        }
        self.len += 1;
        true
    }

    /// Takes a position out; returns false if it was not there.
    pub(crate) fn remove(&mut self, position: u64) -> bool {
        let Some((&key, chunk)) = self.chunks.range_mut(..=position).next_back() else { return false };
        if !chunk.remove(position) {
            return false;
        }
        self.touched(key, position);
        self.len -= 1;
        true
    }

    /// Says whether a position is there.
    pub(crate) fn contains(&self, position: u64) -> bool {
        let chunk = self.chunks.range(..=position).next_back();
        chunk.is_some_and(|(_, chunk)| chunk.at_or_after(position) == Some(position))
    }

    /// Returns how many positions there are.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Returns the smallest position.
    pub(crate) fn first(&self) -> Option<u64> {
        self.chunks.first_key_value().map(|(key, _)| *key)
    }

    /// Returns all positions in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.iter_from(0)
    }

    /// Returns the positions from that one on, in order.
    pub(crate) fn iter_from(&self, position: u64) -> impl Iterator<Item = u64> + '_ {
        let begin = self.chunks.range(..=position).next_back().map_or(position, |(key, _)| *key);
        let runs = self.chunks.range(begin..).flat_map(|(_, chunk)| chunk.runs());
        runs.filter(move |run| run.last >= position).flat_map(move |run| run.first.max(position)..=run.last)
    }

    /// Returns what to write so that the stored chunks are this set again: the bytes of a key, or none to delete it.
    /// No key comes twice. What is returned counts as stored.
    pub(crate) fn changes(&mut self) -> Vec<Change> {
        let mut changes: Vec<_> = mem::take(&mut self.gone).into_iter().map(|key| (key, None)).collect();
        for key in mem::take(&mut self.changed) {
            if let Some(chunk) = self.chunks.get_mut(&key) {
                chunk.stored = true;
                changes.push((key, Some(chunk.bytes().to_vec())));
            }
        }
        changes
    }

    fn add(&mut self, mut chunk: Chunk) {
        let key = chunk.first();
        chunk.stored = self.gone.remove(&key);
        self.changed.insert(key);
        self.chunks.insert(key, chunk);
    }

    /// Notes that the chunk of this key has changed at that position: splits it if it is too large, and moves it to its
    /// new key if its first position is another now.
    fn touched(&mut self, key: u64, position: u64) {
        let Some(chunk) = self.chunks.get_mut(&key) else { return };
        let rest = if chunk.size() > CHUNK_BYTES_MAX { chunk.split(position) } else { None };
        if chunk.first() == key && !chunk.is_empty() {
            self.changed.insert(key);
        } else {
            self.rename(key);
        }
        if let Some(rest) = rest {
            self.add(rest);
        }
    }

    fn rename(&mut self, key: u64) {
        self.changed.remove(&key);
        let Some(chunk) = self.chunks.remove(&key) else { return };
        if chunk.stored {
            self.gone.insert(key);
        }
        if !chunk.is_empty() {
            self.add(chunk);
        }
    }
}
