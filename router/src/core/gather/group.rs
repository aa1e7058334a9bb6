//! [`Group`]: one group in flight.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use api::HandlingRecord;
use event::hop::Link;
use event::{Data, Text, Timestamp};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::measure::Measured;
use crate::config::Duplicates;

/// From so many parts on a group has an index of their names; fewer are looked through.
const INDEXED_FROM: usize = 16;

/// Names of parts that came again, remembered with a group.
const REPEATED_MAX: usize = 100;

/// One in-flight set of parts with one key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    /// What tells it from the other open groups of its key: where its window begins, or where its first event stands.
    pub(crate) id: u64,
    /// The position of its first event: what tells it from an earlier group of the same key.
    pub(crate) first: u64,
    /// When its first event came.
    pub(crate) opened: Timestamp,
    /// When its last part came.
    pub(crate) last_part: Timestamp,
    /// The window that it stands for.
    pub(crate) window: Option<Span>,
    /// The times of its parts by their own clocks, where these count.
    pub(crate) times: Option<Span>,
    /// What only some groups have.
    pub(crate) more: Option<Box<More>>,
    /// Parts that came again.
    pub(crate) duplicates: u32,
    /// Results told before it was complete.
    pub(crate) early: u32,
    /// Parts that it had when it told the last of them.
    pub(crate) told: u32,
    /// Whether a part's publisher asked for the trace to be recorded.
    pub(crate) sampled: bool,
    /// Whether it has told that it may not be complete in time.
    pub(crate) warned: bool,
    /// Whether somebody holds it.
    pub(crate) held: bool,
    /// The parts, in order of arrival.
    parts: Vec<Part>,
    /// The parts' places by name, once there are many.
    names: Option<Box<HashMap<Text, u32>>>,
    /// What the parts' texts and payloads take together.
    bytes: usize,
    /// What `while` conditions measure of the parts, in their order.
    pub(crate) measured: Vec<Measured>,
    /// What is saved of it.
    pub(crate) saved: SavedParts,
}

/// How much of a group is saved, and what must be saved again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SavedParts {
    /// Chunks of parts that are saved apart from the group's head, and hold the first `sealed` parts.
    pub(crate) chunks: u32,
    /// Parts in those chunks.
    pub(crate) sealed: u32,
    /// Whether the head is saved at all.
    pub(crate) head: bool,
    /// Whether something changed since.
    pub(crate) dirty: bool,
    /// Whether sealed parts changed, so that all chunks must be written again.
    pub(crate) reseal: bool,
}

/// A stretch of time: from its start until before its end, or from its first to its last instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Span {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
}

/// What only some groups have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct More {
    /// The markers that came.
    pub(crate) markers: Vec<Marker>,
    /// The manifests that came.
    pub(crate) manifests: Vec<ManifestRead>,
    /// The numbers of parts that were read, by the place of the condition.
    pub(crate) counts: Vec<(u32, u64)>,
    /// Parts that came again: their names, the first ones.
    pub(crate) repeated: Vec<Text>,
    /// Parts that came after the release: their names.
    pub(crate) late: Vec<Text>,
    /// Names that somebody expects as well.
    pub(crate) added: BTreeSet<String>,
    /// Names that somebody does not expect any more.
    pub(crate) dropped: BTreeSet<String>,
    /// How far somebody put the deadline off, in milliseconds.
    pub(crate) extended_ms: u64,
    /// What somebody did, oldest first.
    #[serde(with = "super::codec::json_text")]
    pub(crate) history: Vec<HandlingRecord>,
    /// The longest way that a part took through other buses.
    pub(crate) path: String,
}

/// An event that met a `when` condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marker {
    /// The condition, by its place in the completion.
    pub(crate) place: u32,
    /// The event's `id`.
    pub(crate) event: Text,
}

/// An event that named parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ManifestRead {
    /// The condition, by its place in the completion.
    pub(crate) place: u32,
    /// The event's `id`.
    pub(crate) event: Text,
    /// The names.
    pub(crate) names: Vec<String>,
}

/// One event in a group.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    /// Its name.
    pub(crate) name: Text,
    /// The event's `id`.
    pub(crate) event: Text,
    /// The event's `source` and `type`, shared among parts.
    pub(crate) origin: Arc<Origin>,
    /// The event's `time`.
    pub(crate) time: Option<Text>,
    pub(crate) position: u64,
    pub(crate) received: Timestamp,
    pub(crate) link: Link,
    /// A hash of the name: most names are told apart by it, without a look at them.
    pub(crate) hash: u32,
    /// What only some aggregations ask for.
    pub(crate) more: Option<Box<PartMore>>,
}

/// Where parts come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub(crate) source: Text,
    pub(crate) kind: Text,
}

/// What only some aggregations ask of a part.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PartMore {
    /// What the release sorts by.
    pub(crate) order: Option<Text>,
    /// The values that `while` conditions measure, in their order.
    pub(crate) measured: Vec<Option<Text>>,
    /// The payload, where the release has it.
    pub(crate) payload: Option<Data>,
}

impl Group {
    /// Returns a group with no parts yet.
    pub(crate) fn open(id: u64, now: Timestamp, position: u64, window: Option<Span>) -> Self {
        Self { id, first: position, opened: now, last_part: now, window, ..Self::default() }
    }

    /// Returns the parts, in order of arrival.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Makes room for so many parts.
    pub(crate) fn expect_parts(&mut self, count: usize) {
        self.parts.reserve_exact(count);
    }

    /// Returns what only some groups have, to change it.
    pub(crate) fn more_mut(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    /// Returns the place of the part of a name.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        if let Some(names) = &self.names {
            return names.get(name).map(|place| *place as usize);
        }
        let hash = hash(name);
        self.parts.iter().position(|part| part.hash == hash && *part.name == *name)
    }

    /// Returns whether a part of that name is there.
    pub(crate) fn holds(&self, name: &str) -> bool {
        self.place(name).is_some()
    }

    /// Adds a part whose name is not there yet.
    pub(crate) fn add(&mut self, part: Part) {
        self.bytes += part.bytes();
        let place = u32::try_from(self.parts.len()).unwrap_or(u32::MAX);
        if let Some(names) = &mut self.names {
            names.insert(Text::clone(&part.name), place);
        }
        if self.parts.len() == self.parts.capacity() {
            // A million groups of a few parts each have no room to waste.
            self.parts.reserve_exact((self.parts.len() / 2).max(1));
        }
        self.parts.push(part);
        if self.names.is_none() && self.parts.len() >= INDEXED_FROM {
            self.index();
        }
        self.saved.dirty = true;
    }

    /// Puts a part in the place of another of its name.
    pub(crate) fn replace(&mut self, place: usize, part: Part) {
        self.bytes = self.bytes + part.bytes() - self.parts[place].bytes();
        self.parts[place] = part;
        self.saved.dirty = true;
        self.saved.reseal |= place < self.saved.sealed as usize;
    }

    /// Takes the parts of another group, so that all are in order of arrival. Returns how many names both had.
    pub(crate) fn merge(&mut self, other: Self, duplicates: Duplicates) -> u64 {
        let mut all = std::mem::take(&mut self.parts);
        all.extend(other.parts);
        all.sort_by_key(|part| part.position);
        (self.names, self.bytes) = (None, 0);
        let mut repeated = Vec::new();
        for part in all {
            let Some(place) = self.place(&part.name) else {
                self.add(part);
                continue;
            };
            repeated.push(Text::clone(&part.name));
            if duplicates == Duplicates::Last {
                self.replace(place, part);
            }
        }
        self.opened = self.opened.min(other.opened);
        self.last_part = self.last_part.max(other.last_part);
        self.times = hull(self.times, other.times);
        self.sampled |= other.sampled;
        self.held |= other.held;
        self.warned |= other.warned;
        self.duplicates += other.duplicates + u32::try_from(repeated.len()).unwrap_or(u32::MAX);
        self.saved.dirty = true;
        self.saved.reseal = true;
        if let Some(more) = other.more {
            self.more_mut().merge(*more);
        }
        let count = repeated.len() as u64;
        for name in repeated {
            self.more_mut().repeat(name);
        }
        count
    }

    /// Notes the time that an event brought along.
    pub(crate) fn widen(&mut self, at: Timestamp) {
        self.times = hull(self.times, Some(Span { start: at, end: at }));
    }

    /// Returns what the parts' texts and payloads take together, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns what the names take that manifests brought, in bytes; they are saved with every change.
    pub(crate) fn manifest_bytes(&self) -> usize {
        let manifests = self.more.iter().flat_map(|more| &more.manifests);
        manifests.flat_map(|manifest| &manifest.names).map(|name| name.len() + 8).sum()
    }

    /// Returns how many parts an event said there are, to the condition at a place.
    pub(crate) fn count_read(&self, place: usize) -> Option<usize> {
        let counts = &self.more.as_ref()?.counts;
        let (_, count) = counts.iter().find(|(known, _)| *known as usize == place)?;
        usize::try_from(*count).ok()
    }

    /// Returns the manifest that came for the condition at a place.
    pub(crate) fn manifest(&self, place: usize) -> Option<&ManifestRead> {
        self.more.as_ref()?.manifests.iter().find(|manifest| manifest.place as usize == place)
    }

    /// Returns the marker that came for the condition at a place.
    pub(crate) fn marker(&self, place: usize) -> Option<&Marker> {
        self.more.as_ref()?.markers.iter().find(|marker| marker.place as usize == place)
    }

    /// Returns how far somebody put its deadline off.
    pub(crate) fn extended(&self) -> Duration {
        Duration::from_millis(self.more.as_ref().map_or(0, |more| more.extended_ms))
    }

    fn index(&mut self) {
        let places = (0_u32..).zip(&self.parts);
        self.names = Some(Box::new(places.map(|(place, part)| (Text::clone(&part.name), place)).collect()));
    }
}

impl More {
    /// Takes note of the name of a part that came again.
    pub(crate) fn repeat(&mut self, name: Text) {
        if self.repeated.len() < REPEATED_MAX && !self.repeated.contains(&name) {
            self.repeated.push(name);
        }
    }

    fn merge(&mut self, other: Self) {
        self.markers.extend(other.markers);
        self.manifests.extend(other.manifests);
        self.counts.extend(other.counts);
        other.repeated.into_iter().for_each(|name| self.repeat(name));
        self.added.extend(other.added);
        self.dropped.extend(other.dropped);
        self.extended_ms = self.extended_ms.max(other.extended_ms);
        self.history.extend(other.history);
        if super::super::passed(&other.path) > super::super::passed(&self.path) {
            self.path = other.path;
        }
    }
}

impl Part {
    /// Returns about what a release takes to list it, and its payload, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        const NUMBERS_AND_NAMES: usize = 160;
        let texts = self.name.len() + self.event.len() + self.origin.source.len() + self.origin.kind.len();
        NUMBERS_AND_NAMES + texts + self.more.as_ref().map_or(0, |more| more.bytes())
    }

    /// Returns its payload, where it is kept.
    pub(crate) fn payload(&self) -> Option<&Data> {
        self.more.as_ref()?.payload.as_ref()
    }
}

impl PartMore {
    fn bytes(&self) -> usize {
        let measured: usize = self.measured.iter().flatten().map(|text| text.len()).sum();
        let payload = self.payload.as_ref().map_or(0, |payload| payload.bytes().len());
        measured + payload + self.order.as_ref().map_or(0, |order| order.len())
    }
}

/// Returns a hash of a name, the same in every process.
pub(crate) fn hash(name: &str) -> u32 {
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    name.bytes().fold(0x811c_9dc5, step)
}

fn hull(one: Option<Span>, other: Option<Span>) -> Option<Span> {
    match (one, other) {
        (Some(one), Some(other)) => {
            Some(Span { start: one.start.min(other.start), end: one.end.max(other.end) })
        }
        (one, other) => one.or(other),
    }
}
