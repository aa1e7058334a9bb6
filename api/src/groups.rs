//! Groups: `GET /api/v1/groups`, `GET /api/v1/groups/show`, `POST /api/v1/groups/handle`, `POST /api/v1/aggregations/try`.

use event::Timestamp;
use serde::{Deserialize, Serialize};

/// Groups listed in one answer, at most.
pub const GROUPS_LISTED_MAX: usize = 1_000;

/// One group: what it has, what it waits for, and what will complete it when; or how it ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GroupStatus {
    /// What tells it from every other group: the `id` of its release, once there is one.
    pub id: String,
    /// Its aggregation.
    pub aggregation: String,
    /// Its bus.
    pub bus: String,
    /// Its correlation key.
    pub key: String,
    /// The window that it stands for.
    pub window: Option<WindowStatus>,
    /// The parts it has, in order of arrival.
    pub parts: Vec<PartStatus>,
    /// How many parts complete it, where a count or names say so.
    pub expected: Option<usize>,
    /// Expected parts that have not come, and when they usually come.
    pub missing: Vec<MissingPart>,
    /// Optional parts that have not come.
    pub optional: Vec<String>,
    /// When its first part came.
    pub opened: Timestamp,
    /// When its last part came.
    pub last_part: Timestamp,
    /// When its deadline completes it.
    pub deadline: Option<Timestamp>,
    /// When silence completes it, unless another part comes.
    pub idle_until: Option<Timestamp>,
    /// How far its key's events have come in their own time.
    pub watermark: Option<Timestamp>,
    /// Each completion condition and how it stands, in words.
    pub waiting_for: Vec<String>,
    /// Parts that came again.
    pub duplicates: u64,
    /// Whether somebody holds it: then nothing completes it.
    pub held: bool,
    /// What somebody did to it, oldest first.
    pub history: Vec<HandlingRecord>,
    /// How it ended; none for an open group.
    pub ended: Option<GroupEnd>,
}

/// The window that a group stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowStatus {
    /// When it begins.
    pub start: Timestamp,
    /// When it ends: the first instant after it.
    pub end: Timestamp,
}

/// An expected part that has not come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingPart {
    /// Its name.
    pub name: String,
    /// When it should have been there, as nine of ten past groups had theirs by then; none if too few are known.
    pub usually_by: Option<Timestamp>,
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

/// How a group ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupEnd {
    /// When.
    pub at: Timestamp,
    /// Whether it was released, or else discarded.
    pub released: bool,
    /// Why, in words.
    pub reason: String,
    /// How often its release was revised.
    pub revisions: u32,
}

/// What somebody did to a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandlingRecord {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Why.
    pub why: String,
    /// What.
    pub action: GroupAction,
}

/// What somebody may do to a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum GroupAction {
    /// Release it as it is.
    Release,
    /// End it without a release; its parts count as discarded.
    Discard,
    /// Put its deadline off.
    Extend {
        /// By how many milliseconds.
        by_ms: u64,
    },
    /// Let nothing complete it until it is let go.
    Hold,
    /// Let it be completed again.
    LetGo,
    /// Wait for a part as well.
    Expect {
        /// The part's name.
        part: String,
    },
    /// Wait for a part no more.
    Unexpect {
        /// The part's name.
        part: String,
    },
}

/// An order to do something to a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupOrder {
    /// The aggregation.
    pub aggregation: String,
    /// The group: its key, or its id where the key has several.
    pub group: String,
    /// What to do.
    pub action: GroupAction,
    /// Who wants it.
    pub by: String,
    /// Why.
    pub why: String,
}

/// A request to run the aggregations of another configuration over events that the log holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TryOrder {
    /// The configuration, as a file would hold it.
    pub config: String,
    /// The file's name, for errors.
    pub file: String,
    /// The aggregation to try; none means all of the configuration.
    pub aggregation: Option<String>,
    /// Where to begin.
    pub from: crate::Place,
    /// Where to end; none means at the newest event.
    pub until: Option<crate::Place>,
}

/// What another configuration's aggregations would have made of events that the log holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TryReport {
    /// One for each aggregation that was tried.
    pub aggregations: Vec<TriedAggregation>,
}

/// What one aggregation would have made of events that the log holds, beside what the present rule makes of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TriedAggregation {
    /// Its name.
    pub name: String,
    /// Its bus.
    pub bus: String,
    /// Events that were read.
    pub events: u64,
    /// Groups that end alike, and with the same parts.
    pub same: u64,
    /// Groups that differ, the first thousand of them.
    pub differences: Vec<GroupDifference>,
    /// How many differ in all.
    pub different: u64,
    /// Whether the running configuration has an aggregation of that name.
    pub is_known: bool,
}

/// A group that would be another one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupDifference {
    /// The group's key.
    pub key: String,
    /// As the present rule has it; none if it has no such group.
    pub now: Option<TriedGroup>,
    /// As the rule that is tried has it; none if it has no such group.
    pub tried: Option<TriedGroup>,
}

/// How a group came out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriedGroup {
    /// When it was released; none if it was still open.
    pub released: Option<Timestamp>,
    /// What completed it, in words.
    pub reason: String,
    /// Its parts' names.
    pub parts: Vec<String>,
    /// The expected parts that were missing.
    pub missing: Vec<String>,
}
