//! `[[aggregation]]`: a rule that gathers.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{At, Filter, Key, LengthOfTime};

/// A rule that gathers the events that belong together into one release.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct AggregationTable {
    /// Its name, unique among the aggregations: 1 to 64 letters, digits, `.`, `_` or `-`.
    pub(crate) name: At<String>,
    /// The bus it reads, and on which its releases appear; `default` unless set.
    pub(crate) bus: Option<At<String>>,
    /// Which events it gathers: a pattern; all events unless set.
    pub(crate) filter: Option<At<Filter>>,
    /// How an event's group is found: a path such as `$.detail.order`, or a table.
    pub(crate) key: At<Key>,
    /// A template of an event's name within its group, such as `{store}`, with the same names as the key's template;
    /// the event's `id` unless set. A second event of the same name is a duplicate.
    pub(crate) part: Option<At<String>>,
    /// When a group is complete: a table of exactly one condition.
    pub(crate) complete: At<Complete>,
    /// The attributes of the release.
    pub(crate) emit: EmitTable,
    /// What becomes of a part whose group was released before; `discard` where `complete` has `expected` or `when`,
    /// else `new-group`.
    pub(crate) late: Option<LateName>,
    /// Open groups at most; `100000` unless set. At the limit the oldest group is released as it is.
    pub(crate) groups_max: Option<At<i64>>,
    /// Parts a group at most; `10000` unless set. At the limit the group is released.
    pub(crate) parts_max: Option<At<i64>>,
}

/// What becomes of a part whose group was released before.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LateName {
    /// It opens a new group of the same key.
    NewGroup,
    /// It is counted and recorded as late, and gathered no more.
    Discard,
}

/// When a group is complete.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", expecting = "a table of one condition")]
pub(crate) enum Complete {
    /// It has so many parts.
    Count(At<i64>),
    /// It has these parts, by name.
    Expected(At<Vec<At<String>>>),
    /// No part came for so long, such as `15m`.
    Idle(At<LengthOfTime>),
    /// So long after its first part, such as `2h`; or the first such time of day after it, such as
    /// `06:00 Europe/Paris`.
    Deadline(At<String>),
    /// An event of the group's key came that this pattern matches, whether or not the filter holds for it.
    When(At<Filter>),
    /// Any of these, whichever is first.
    Any(At<Vec<At<Complete>>>),
    /// All of these.
    All(At<Vec<At<Complete>>>),
}

/// The attributes of a release.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct EmitTable {
    /// Its `type`.
    pub(crate) r#type: At<String>,
    /// Its `source`; `railpost/NAME`, with the aggregation's name, unless set.
    pub(crate) source: Option<At<String>>,
}
