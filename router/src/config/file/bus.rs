//! `[bus.NAME]`: what a bus keeps, what its events survive, and when two of them count as one.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::{At, LengthOfTime, LongForm, Size, TextOr};

/// One bus.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(crate) struct BusTable {
    /// How long events are kept at least, such as `7d`, or a table; for ever unless set. An event that a consumer still
    /// needs stays whatever this says.
    pub(crate) retention: Option<At<TextOr<RetentionTable>>>,
    /// What an acknowledged event survives; `disk` unless set.
    pub(crate) durability: Option<DurabilityName>,
    /// How long a published event's key is remembered, such as `5m`, or a table, or `off`; `5m` unless set. A second
    /// event of the same key is answered with the first one's position, and not stored.
    pub(crate) dedup: Option<At<TextOr<DedupTable>>>,
}

/// What a bus keeps: `age`, `bytes` or both.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
#[schemars(extend("minProperties" = 1))]
pub(crate) struct RetentionTable {
    /// How long events are kept at least, such as `7d`; for ever unless set.
    pub(crate) age: Option<At<LengthOfTime>>,
    /// How many bytes of log are kept about, such as `10GB`, at least `64MiB`: the oldest go while there are more; all
    /// are kept unless set.
    pub(crate) bytes: Option<At<Size>>,
}

/// What an acknowledged event survives.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DurabilityName {
    /// A power cut.
    Disk,
    /// The end of the process, but not a power cut.
    Memory,
}

/// When two published events count as one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct DedupTable {
    /// How long a key is remembered, at most `1h`; `5m` unless set.
    pub(crate) window: Option<At<LengthOfTime>>,
    /// A path into the event, such as `$.data.order`: what must be the same; `source` and `id` unless set.
    pub(crate) key: Option<At<String>>,
}

impl LongForm for RetentionTable {
    const NAME: &'static str = "Retention";
    const DESCRIPTION: &'static str = "What a bus keeps: a length of time such as `7d`, or a table.";
    const WANTED: &'static str = "a length of time such as `7d`, or a table with `age` and `bytes`";

    fn short_form(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<LengthOfTime>()
    }
}

impl LongForm for DedupTable {
    const NAME: &'static str = "Dedup";
    const DESCRIPTION: &'static str =
        "When two published events count as one: a length of time such as `5m`, a table, or `off`.";
    const WANTED: &'static str = "a length of time such as `5m`, `off`, or a table with `window` and `key`";

    fn short_form(generator: &mut SchemaGenerator) -> Schema {
        let window = generator.subschema_for::<LengthOfTime>();
        json_schema!({ "anyOf": [{ "type": "string", "enum": ["off"] }, window] })
    }
}
