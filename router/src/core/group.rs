//! [`Group`]: one group in flight.

use std::collections::HashSet;

use event::hop::Link;
use event::{Text, Timestamp};
use serde::{Deserialize, Serialize};

/// One in-flight set of parts with one key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Group {
    /// The correlation key.
    pub(crate) key: String,
    /// When its first event came.
    pub(crate) opened: Timestamp,
    /// When its last part came.
    pub(crate) last_part: Timestamp,
    /// The position of its first event: what tells it from an earlier group of the same key.
    pub(crate) first: u64,
    /// The markers that came.
    pub(crate) markers: Vec<Marker>,
    /// Parts that came again.
    pub(crate) duplicates: u64,
    /// Whether a part's publisher asked for the trace to be recorded.
    pub(crate) sampled: bool,
    /// The longest way that a part took through other buses.
    #[serde(default)]
    pub(crate) path: String,
    /// The parts, in order of arrival; saved one by one.
    #[serde(skip)]
    pub(crate) parts: Vec<Part>,
    /// The parts' names.
    #[serde(skip)]
    names: HashSet<String>,
    /// What the parts' texts take together.
    #[serde(skip)]
    bytes: usize,
}

/// One event in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) event: Text,
    pub(crate) source: Text,
    pub(crate) kind: Text,
    pub(crate) time: Option<Text>,
    pub(crate) position: u64,
    pub(crate) received: Timestamp,
    pub(crate) link: Link,
}

/// An event that met a `when` condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marker {
    /// The condition, by its place in the completion.
    pub(crate) place: usize,
    /// The event's `id`.
    pub(crate) event: Text,
}

impl Group {
    /// Returns a group with no parts yet.
    pub(crate) fn open(key: String, now: Timestamp, position: u64) -> Self {
        Self {
            key,
            opened: now,
            last_part: now,
            first: position,
            markers: Vec::new(),
            duplicates: 0,
            sampled: false,
            path: String::new(),
            parts: Vec::new(),
            names: HashSet::new(),
            bytes: 0,
        }
    }

    /// Returns whether a part of that name is there.
    pub(crate) fn holds(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Adds a part whose name is not there yet.
    pub(crate) fn add(&mut self, part: Part) {
        self.last_part = self.last_part.max(part.received);
        self.bytes += part.bytes();
        self.names.insert(part.name.clone());
        self.parts.push(part);
    }

    /// Returns what the parts' texts take together, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the group without its parts, as it is saved.
    pub(crate) fn head(&self) -> Self {
        Self {
            key: self.key.clone(),
            markers: self.markers.clone(),
            path: self.path.clone(),
            parts: Vec::new(),
            names: HashSet::new(),
            bytes: 0,
            ..*self
        }
    }
}

impl Part {
    /// Returns about what a release takes to list it, in bytes.
    fn bytes(&self) -> usize {
        const NUMBERS_AND_NAMES: usize = 160;
        NUMBERS_AND_NAMES + self.name.len() + self.event.len() + self.source.len() + self.kind.len()
    }
}
