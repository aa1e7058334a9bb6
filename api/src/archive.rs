//! What each bus retains: `GET /api/v1/archive`.

use event::Timestamp;
use serde::{Deserialize, Serialize};

/// The range of events that one bus retains, all of which can be replayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveStatus {
    /// The bus.
    pub bus: String,
    /// The first position it holds; one after `last` if it holds none.
    pub first: u64,
    /// The last position it holds.
    pub last: u64,
    /// When the first one was accepted.
    pub first_at: Option<Timestamp>,
    /// When the last one was accepted.
    pub last_at: Option<Timestamp>,
    /// Bytes its files take.
    pub bytes: u64,
    /// How long it keeps events, or how many bytes of them: `7d, 10 GB`; for ever unless set.
    pub retention: Option<String>,
    /// What keeps the oldest events beyond that: `3 dead letters of billing`.
    pub pinned_by: Option<String>,
}

impl ArchiveStatus {
    /// Returns how many events it holds.
    pub fn events(&self) -> u64 {
        self.last.saturating_add(1).saturating_sub(self.first)
    }
}
