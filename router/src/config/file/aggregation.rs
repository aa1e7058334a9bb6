//! `[[aggregation]]`: a rule that gathers.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::{At, Complete, Filter, Keys, LengthOfTime, LongForm, Size, TextOr};

/// A rule that gathers the events that belong together into one release, or puts them in sequence.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct AggregationTable {
    /// Its name, unique among the aggregations: 1 to 64 letters, digits, `.`, `_` or `-`.
    pub(crate) name: At<String>,
    /// The bus it reads, and on which its releases appear; `default` unless set.
    pub(crate) bus: Option<At<String>>,
    /// Which events it gathers: a pattern; all events unless set.
    pub(crate) filter: Option<At<Filter>>,
    /// How an event's group is found: a path such as `$.detail.order`, a table, or a list of 1 to 8 of these.
    pub(crate) key: At<Keys>,
    /// What becomes of an event without a key; `ignore` unless set.
    pub(crate) on_missing_key: Option<UnplacedName>,
    /// A template of an event's name within its group, such as `{store}`, with the captures of all expressions of `key`;
    /// the event's `id` unless set. A second event of the same name is a duplicate.
    pub(crate) part: Option<At<String>>,
    /// What becomes of a part whose name is there already; `first` unless set.
    pub(crate) duplicates: Option<At<DuplicatesName>>,
    /// When a group is complete: a table of exactly one condition. Either this or `resequence` must be there.
    pub(crate) complete: Option<At<Complete>>,
    /// How single events are put in sequence, in place of `complete`.
    pub(crate) resequence: Option<At<ResequenceTable>>,
    /// By which clock idle gaps and windows pass: `processing`, `event`, or a table; `processing` unless set.
    pub(crate) time: Option<At<TextOr<TimeTable>>>,
    /// What becomes of a part whose group was released before; `discard` where `complete` has `expected`, `when` or
    /// `window`, and with `resequence`, else `new-group`.
    pub(crate) late: Option<At<LateName>>,
    /// With `expected`: what becomes of a group that time ends while expected parts are missing; `release` unless set.
    pub(crate) partial: Option<At<PartialName>>,
    /// A template of what the parts of a release are sorted by, such as `{n|int}`; the order of arrival unless set.
    pub(crate) order_by: Option<At<String>>,
    /// How often an open group tells what it has so far, such as `10m`; never unless set.
    pub(crate) early: Option<At<LengthOfTime>>,
    /// How long before its deadline a group tells what it lacks, such as `30m`; never unless set.
    pub(crate) warn: Option<At<LengthOfTime>>,
    /// The release.
    pub(crate) emit: EmitTable,
    /// Open groups at most, 1 to 100000000; `100000` unless set.
    pub(crate) groups_max: Option<At<i64>>,
    /// Parts a group at most, 1 to 1000000; `10000` unless set.
    pub(crate) parts_max: Option<At<i64>>,
    /// Bytes a group at most, `1KiB` to `4MiB`: its parts' names, ids and, where a release has them, payloads; `4MiB`
    /// unless set.
    pub(crate) bytes_max: Option<At<Size>>,
    /// What happens to a part for which there is no room; `release` unless set.
    pub(crate) at_limit: Option<AtLimitName>,
}

/// What becomes of an event that belongs to no group.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum UnplacedName {
    /// It is counted as discarded.
    Ignore,
    /// It is counted as discarded, and kept with the aggregation's dead letters.
    DeadLetter,
}

/// What becomes of a part whose name is there already. It is counted in any case.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DuplicatesName {
    /// The first one stays.
    First,
    /// It takes the first one's place.
    Last,
    /// The first one stays, and this one is kept with the aggregation's dead letters.
    Error,
}

/// What becomes of a part whose group was released before.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LateName {
    /// It opens a new group of the same key.
    NewGroup,
    /// It is counted and recorded as late, and gathered no more.
    Discard,
    /// It is told in an event of its own, of the release's type with `.late` after it.
    Side,
    /// The group is released again, with it: a revision that names what it replaces.
    Amend,
}

/// What becomes of a group that time ends while expected parts are missing.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PartialName {
    /// It is released, and says what is missing.
    Release,
    /// It is discarded, and its parts are counted as such.
    Discard,
}

/// What happens to a part for which there is no room.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AtLimitName {
    /// Room is made: at `groups_max` the oldest group is released as it is, at the others the group that is full.
    Release,
    /// It is counted as discarded, and kept with the aggregation's dead letters.
    Refuse,
    /// The bus goes no further until there is room.
    Wait,
}

/// How single events are put in sequence.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct ResequenceTable {
    /// A template of the event's number in its key's sequence, a whole number, such as `$.data.seq`.
    pub(crate) by: At<String>,
    /// The first number; that of the first event that comes unless set.
    pub(crate) start: Option<At<i64>>,
    /// How long an event is held for those before it, such as `30s`; then they are skipped, with a report.
    pub(crate) gap: At<LengthOfTime>,
    /// How long after its last event a key's sequence is forgotten, if nothing is held; `24h` unless set.
    pub(crate) forget: Option<At<LengthOfTime>>,
}

/// Time that events bring along.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct TimeTable {
    /// A path to the event's time, RFC 3339, or seconds or milliseconds since 1970; `$.time` unless set.
    pub(crate) path: Option<At<String>>,
    /// How far behind the latest event of its key one may be and still be in time; `0s` unless set.
    pub(crate) disorder: Option<At<LengthOfTime>>,
    /// After how much silence of a key time goes on with the router's clock; `1m` unless set.
    pub(crate) quiet: Option<At<LengthOfTime>>,
}

impl LongForm for TimeTable {
    const NAME: &'static str = "Time";
    const DESCRIPTION: &'static str = "By which clock idle gaps and windows pass: `processing`, the router's, `event`, that of the events' `time`, or a table.";
    const WANTED: &'static str = "`processing`, `event`, or a table with `path`, `disorder` and `quiet`";

    fn short_form(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": ["processing", "event"] })
    }
}

/// The release.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct EmitTable {
    /// Its `type`.
    pub(crate) r#type: At<String>,
    /// Its `source`; `railpost/NAME`, with the aggregation's name, unless set.
    pub(crate) source: Option<At<String>>,
    /// What it holds of its parts' payloads; `listed` unless set.
    pub(crate) parts: Option<At<PayloadsName>>,
    /// Past how many bytes of payloads it refers to them instead, `1KiB` to `4MiB`; `256KiB` unless set.
    pub(crate) payload_max: Option<At<Size>>,
}

/// What a release holds of its parts' payloads.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PayloadsName {
    /// Nothing but where they are.
    Listed,
    /// Each with its part.
    Included,
    /// All of them merged into one object: of two values of one name the later part's counts, and objects are merged in
    /// turn.
    Merged,
}
