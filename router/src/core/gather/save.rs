//! What an aggregation must save with the next commit, and what it takes back.

use bytes::Bytes;
use event::{Text, Timestamp};

use super::codec::{decode, decode_value, encode, encode_value};
use super::ended::Ended;
use super::groups::{Gone, Groups, Keyed};
use super::sequence::{Head, HeldEvent, Sequence};
use super::sequences::Sequences;
use super::table::Slot;
use super::{Aggregator, Held};

/// A value to be saved, or one that is no longer there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Save {
    /// A group without its sealed parts, or the head of a sequence.
    Head { key: Text, id: u64, value: Bytes },
    /// Parts of a group, or an event that is held.
    Chunk { key: Text, id: u64, number: u64, value: Bytes },
    /// How a group ended.
    Ended { key: Text, order: u64, value: Bytes },
    /// When parts of a name usually come.
    Usual { name: String, value: Bytes },
    /// A group is gone, with so many chunks.
    NoGroup { key: Text, id: u64, chunks: u32 },
    /// An event is held no more.
    NoChunk { key: Text, id: u64, number: u64 },
    /// An ended group is forgotten.
    NoEnded { key: Text, order: u64 },
    /// A name is forgotten.
    NoUsual { name: String },
}

/// A saved value cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

impl Aggregator {
    /// Returns what changed since it was asked last: first what is gone, since some of it may be there anew.
    pub(crate) fn changes(&mut self) -> Vec<Save> {
        match &mut self.held {
            Held::Groups(groups) => groups.changes(),
            Held::Sequences(sequences) => sequences.changes(),
        }
    }

    /// Takes back a group or a sequence that was saved, with its chunks in order.
    pub(crate) fn restore(
        &mut self,
        key: &str,
        head: &[u8],
        chunks: &[(u64, Bytes)],
    ) -> Result<(), Unreadable> {
        match &mut self.held {
            Held::Groups(groups) => groups.restore(&self.rule, key, head, chunks),
            Held::Sequences(sequences) => sequences.restore(key, head, chunks),
        }
    }

    /// Takes back how a group ended.
    pub(crate) fn restore_ended(&mut self, key: &str, value: &[u8]) -> Result<(), Unreadable> {
        let Held::Groups(groups) = &mut self.held else { return Ok(()) };
        let ended: Ended = decode_value(value).ok_or(Unreadable)?;
        groups.restore_ended(key, ended);
        Ok(())
    }

    /// Takes back when parts of a name usually come.
    pub(crate) fn restore_usual(&mut self, name: String, value: &[u8]) -> Result<(), Unreadable> {
        let Held::Groups(groups) = &mut self.held else { return Ok(()) };
        groups.usual.restore(name, decode_value(value).ok_or(Unreadable)?);
        Ok(())
    }

    /// Sets every timer anew, once all is taken back. A group that is complete by a rule that changed is due at once.
    pub(crate) fn restored(&mut self) {
        match &mut self.held {
            Held::Groups(groups) => groups.restored(&self.rule),
            Held::Sequences(sequences) => {
                if let Some(rule) = self.rule.resequence() {
                    let slots: Vec<Slot> = sequences.table.slots().collect();
                    for slot in slots {
                        sequences.arm(rule, slot);
                    }
                }
            }
        }
    }
}

impl Groups {
    fn changes(&mut self) -> Vec<Save> {
        self.unsaved = 0;
        let mut changes: Vec<Save> = std::mem::take(&mut self.gone).into_iter().map(Save::from).collect();
        let mut scratch = Vec::new();
        for slot in std::mem::take(&mut self.touched) {
            let Some((key, keyed)) = self.table.get_mut(slot) else { continue };
            keyed.is_touched = false;
            let watermark = keyed.watermark;
            let kept = keyed.ended.iter_mut().filter_map(|ended| ended.kept.as_deref_mut());
            for group in keyed.groups.iter_mut().chain(kept).filter(|group| group.saved.dirty) {
                let id = group.id;
                let old = group.saved;
                let (value, chunks) = encode(group, watermark, &mut scratch);
                if old.head && old.reseal {
                    let stale = (group.saved.chunks..old.chunks).map(u64::from);
                    changes.extend(stale.map(|number| Save::NoChunk { key: Text::clone(key), id, number }));
                }
                let key = || Text::clone(key);
                changes.extend(chunks.into_iter().map(|(number, value)| Save::Chunk {
                    key: key(),
                    id,
                    number: u64::from(number),
                    value,
                }));
                changes.push(Save::Head { key: key(), id, value });
            }
            for ended in keyed.ended.iter_mut().filter(|ended| !ended.saved) {
                (ended.saved, ended.on_disk) = (true, true);
                let value = encode_value(ended);
                changes.push(Save::Ended { key: Text::clone(key), order: ended.order, value });
            }
        }
        let usual = self.usual.changes().into_iter();
        changes.extend(usual.map(|(name, arrivals)| Save::Usual { name, value: encode_value(&arrivals) }));
        changes
    }

    fn restore(
        &mut self,
        rule: &super::rule::Rule,
        key: &str,
        head: &[u8],
        chunks: &[(u64, Bytes)],
    ) -> Result<(), Unreadable> {
        let chunks: Vec<Bytes> = chunks.iter().map(|(_, chunk)| chunk.clone()).collect();
        let (mut group, watermark) = decode(head, &chunks, &mut self.origins).ok_or(Unreadable)?;
        group.measured = super::measure::measure(&rule.measures, group.parts());
        let slot = self.table.enter(key, Keyed::default);
        let Some((_, keyed)) = self.table.get_mut(slot) else { return Ok(()) };
        keyed.watermark = keyed.watermark.later(watermark);
        self.open_parts += group.parts().len() as u64;
        let at = keyed.groups.partition_point(|other| (other.first, other.id) < (group.first, group.id));
        keyed.add(group);
        keyed.groups[at..].rotate_right(1);
        Ok(())
    }

    /// Takes back an ended group. One that is kept for amendments was restored as an open one.
    fn restore_ended(&mut self, key: &str, mut ended: Ended) {
        (ended.saved, ended.on_disk) = (true, true);
        let slot = self.table.enter(key, Keyed::default);
        let Some((_, keyed)) = self.table.get_mut(slot) else { return };
        keyed.watermark = keyed.watermark.later(ended.watermark());
        let is_it = |group: &super::group::Group| group.id == ended.id && group.first == ended.first;
        if let Some(at) = keyed.groups.iter().position(is_it) {
            let kept = keyed.groups.remove(at);
            self.open_parts -= kept.parts().len() as u64;
            let bytes = kept.bytes();
            ended.kept = Some(Box::new(kept));
            self.note_kept(ended.order, bytes);
        }
        let Some((_, keyed)) = self.table.get_mut(slot) else { return };
        let at = keyed.ended.partition_point(|other| other.order < ended.order);
        self.note_ended(ended.order, slot);
        if let Some((_, keyed)) = self.table.get_mut(slot) {
            keyed.ended.insert(at, ended);
        }
    }

    fn restored(&mut self, rule: &super::rule::Rule) {
        let (mut ages, mut timers) = (Vec::new(), Vec::new());
        for slot in self.table.slots() {
            let Some((key, keyed)) = self.table.get(slot) else { continue };
            ages.extend(keyed.groups.iter().map(|group| (group.first, slot, group.id)));
            let due = keyed.groups.iter().filter_map(|group| {
                let scene = super::groups::scene(rule, key, group, keyed.watermark, group.last_part);
                let is_complete = !group.held && rule.condition.is_met(&scene);
                if is_complete { Some(group.last_part) } else { super::groups::look_again(rule, &scene) }
            });
            timers.extend(due.min().map(|due| (due, slot)));
        }
        // In one piece, which takes a fraction of the time.
        self.ages = ages.into_iter().collect();
        self.table.wake_all_at(timers);
    }
}

impl From<Gone> for Save {
    fn from(gone: Gone) -> Self {
        match gone {
            Gone::Group { key, id, chunks } => Self::NoGroup { key, id, chunks },
            Gone::Ended { key, order } => Self::NoEnded { key, order },
            Gone::Usual { name } => Self::NoUsual { name },
        }
    }
}

impl Sequences {
    /// A sequence is saved under this id: a key has one.
    const ID: u64 = 0;

    fn changes(&mut self) -> Vec<Save> {
        self.unsaved = 0;
        let gone = std::mem::take(&mut self.gone).into_iter();
        let gone = gone.map(|(key, number)| match number {
            Some(number) => Save::NoChunk { key, id: Self::ID, number: number.cast_unsigned() },
            None => Save::NoGroup { key, id: Self::ID, chunks: 0 },
        });
        let mut changes: Vec<Save> = gone.collect();
        for slot in std::mem::take(&mut self.touched) {
            let Some((key, sequence)) = self.table.get_mut(slot) else { continue };
            sequence.is_touched = false;
            sequence.is_saved = true;
            let value = encode_value(&sequence.head);
            changes.push(Save::Head { key: Text::clone(key), id: Self::ID, value });
            for (number, held) in sequence.held.iter_mut().filter(|(_, held)| !held.is_saved) {
                held.is_saved = true;
                let value = encode_value(&(&*held.event, held.position, held.since, held.stored.as_ref()));
                let number = number.cast_unsigned();
                changes.push(Save::Chunk { key: Text::clone(key), id: Self::ID, number, value });
            }
        }
        changes
    }

    fn restore(&mut self, key: &str, head: &[u8], chunks: &[(u64, Bytes)]) -> Result<(), Unreadable> {
        let head: Head = decode_value(head).ok_or(Unreadable)?;
        let mut sequence = Sequence { head, is_saved: true, ..Sequence::default() };
        for (number, chunk) in chunks {
            let saved: Option<(String, u64, Timestamp, Vec<u8>)> = decode_value(chunk);
            let (event, position, since, stored) = saved.ok_or(Unreadable)?;
            let (event, stored) = (event.into(), Bytes::from(stored));
            let one = HeldEvent { event, position, since, stored, is_saved: true };
            sequence.insert(number.cast_signed(), one);
            self.held += 1;
        }
        self.table.enter(key, || sequence);
        Ok(())
    }
}
