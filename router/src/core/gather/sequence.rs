//! [`Sequence`]: the sequence of one key.

use std::collections::BTreeMap;

use api::HandlingRecord;
use bytes::Bytes;
use event::{Text, Timestamp};
use serde::{Deserialize, Serialize};

use crate::config::{Limits, Resequence};

/// The sequence of one key.
#[derive(Default)]
pub(crate) struct Sequence {
    pub(super) head: Head,
    pub(super) held: BTreeMap<i64, HeldEvent>,
    /// What the events take that it holds.
    pub(super) bytes: usize,
    pub(super) is_touched: bool,
    pub(super) is_saved: bool,
    /// Whether it is counted among those that hold something.
    pub(super) is_holding: bool,
    /// Since when nothing came for it, if it holds nothing.
    pub(super) idle: Option<Timestamp>,
}

/// What is saved of a sequence beside what it holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The number that comes next; none before the first event, if the rule does not say.
    pub(super) next: Option<i64>,
    pub(super) opened: Timestamp,
    pub(super) last: Timestamp,
    pub(super) first: u64,
    pub(super) duplicates: u32,
    #[serde(with = "super::codec::json_text")]
    pub(super) history: Vec<HandlingRecord>,
}

/// An event that is held for those before it.
pub(crate) struct HeldEvent {
    pub(super) event: Text,
    pub(super) position: u64,
    /// Since when, by the log's time.
    pub(super) since: Timestamp,
    /// The event as the log has it.
    pub(super) stored: Bytes,
    pub(super) is_saved: bool,
}

impl Sequence {
    /// Returns since when the event is held that came first of those that are.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.held.values().map(|held| held.since).min()
    }

    /// Returns when it is to be looked at: its gap is over, or it is forgotten.
    pub(super) fn due(&self, rule: &Resequence) -> Timestamp {
        match self.oldest() {
            Some(since) => since.after(rule.gap),
            None => self.head.last.after(rule.forget),
        }
    }

    /// Returns the limit that it is at, if it is.
    pub(super) fn limit(&self, limits: Limits) -> Option<String> {
        let is_many = self.held.len() >= limits.parts_max;
        let is_large = self.bytes >= limits.bytes_max;
        let many = is_many.then(|| format!("limit: {} events held", limits.parts_max));
        many.or_else(|| is_large.then(|| format!("limit: {} bytes held", limits.bytes_max)))
    }

    /// Holds an event whose number is not held yet.
    pub(super) fn insert(&mut self, number: i64, held: HeldEvent) {
        self.bytes += held.stored.len();
        self.held.insert(number, held);
    }

    /// Gives an event up that is held.
    pub(super) fn remove(&mut self, number: i64) -> Option<HeldEvent> {
        let held = self.held.remove(&number)?;
        self.bytes -= held.stored.len();
        Some(held)
    }
}
