//! Groups in flight: `GET /api/v1/groups?aggregation=NAME`.

use event::Timestamp;
use serde::{Deserialize, Serialize};

/// One open group: what it has, what it waits for, and what will complete it when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupStatus {
    /// Its aggregation.
    pub aggregation: String,
    /// Its bus.
    pub bus: String,
    /// Its correlation key.
    pub key: String,
    /// The parts it has, in order of arrival.
    pub parts: Vec<PartStatus>,
    /// How many parts complete it, where a count or a list of names says so.
    pub expected: Option<usize>,
    /// Expected parts that have not come.
    pub missing: Vec<String>,
    /// When its first part came.
    pub opened: Timestamp,
    /// When its last part came.
    pub last_part: Timestamp,
    /// When its deadline completes it.
    pub deadline: Option<Timestamp>,
    /// When silence completes it, unless another part comes.
    pub idle_until: Option<Timestamp>,
    /// Each completion condition and how it stands, in words.
    pub waiting_for: Vec<String>,
}

/// One part of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartStatus {
    /// Its name within the group.
    pub name: String,
    /// The event's `id`.
    pub event: String,
    /// The event's position on its bus.
    pub position: u64,
    /// When the router accepted it.
    pub received: Timestamp,
}
