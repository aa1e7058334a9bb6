//! `[[case]]`: an example of how aggregations behave.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::filter::entries;
use super::{At, Entries, OneOrMany, Several};

/// A test case of the aggregations of a bus, which `railpost check` runs by a clock of its own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct CaseTable {
    /// Its name, any text, unique among the cases.
    pub(crate) name: At<String>,
    /// The bus; `default` unless set.
    pub(crate) bus: Option<At<String>>,
    /// When it begins; `2026-01-01T00:00:00Z` unless set.
    pub(crate) start: Option<At<String>>,
    /// What happens, in order.
    pub(crate) steps: At<Vec<At<StepTable>>>,
}

/// One step of a test case.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct StepTable {
    /// When: so long after the start of the case, such as `+15m`, or a time such as `2026-11-20T06:00:00Z`; at the time
    /// of the step before unless set.
    pub(crate) at: Option<At<String>>,
    /// The event that is published then, or a list of them.
    pub(crate) publish: Option<At<OneOrMany<EventTable>>>,
    /// What must be the case after that.
    pub(crate) expect: Option<At<ExpectTable>>,
}

/// What must be the case at a step. What is left out may be anything.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct ExpectTable {
    /// The releases, one or a list, since the last step that asked for releases, in order: none other may be there.
    pub(crate) released: Option<At<OneOrMany<ReleaseTable>>>,
    /// The open groups, one or a list: none other may be there.
    pub(crate) open: Option<At<OneOrMany<GroupTable>>>,
    /// Late parts so far.
    pub(crate) late: Option<At<u32>>,
    /// Duplicate parts so far.
    pub(crate) duplicate: Option<At<u32>>,
    /// Discarded parts so far.
    pub(crate) discarded: Option<At<u32>>,
}

/// A release as a test case asks for it. What is left out may be anything.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct ReleaseTable {
    /// Its `type`.
    pub(crate) r#type: Option<At<String>>,
    /// The group's key.
    pub(crate) key: Option<At<String>>,
    /// The parts' names, in the release's order.
    pub(crate) parts: Option<Vec<String>>,
    /// The missing parts' names.
    pub(crate) missing: Option<Vec<String>>,
    /// What completed it, in one word, such as `deadline`.
    pub(crate) by: Option<At<String>>,
    /// Members of its payload, by JSON pointer, such as `{ "/merged/total" = 3 }`.
    pub(crate) data: Option<MembersTable>,
}

/// An open group as a test case asks for it. What is left out may be anything.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct GroupTable {
    /// Its aggregation.
    pub(crate) aggregation: Option<At<String>>,
    /// Its key.
    pub(crate) key: Option<At<String>>,
    /// Its parts' names, in order of arrival.
    pub(crate) parts: Option<Vec<String>>,
    /// The missing parts' names.
    pub(crate) missing: Option<Vec<String>>,
}

impl Several for ReleaseTable {
    const NAME: &'static str = "Releases";
    const DESCRIPTION: &'static str = "The releases that a test case asks for, one or a list.";
    const WANTED: &'static str = "a table, or a list of tables";
}

impl Several for GroupTable {
    const NAME: &'static str = "Groups";
    const DESCRIPTION: &'static str = "The open groups that a test case asks for, one or a list.";
    const WANTED: &'static str = "a table, or a list of tables";
}

impl Several for EventTable {
    const NAME: &'static str = "Events";
    const DESCRIPTION: &'static str = "The events that a test case publishes, one or a list.";
    const WANTED: &'static str = "a table, or a list of tables";
}

/// An event as a test case publishes it: attributes, extensions and payload.
#[derive(Clone, Debug)]
pub(crate) struct EventTable(pub(crate) Entries);

/// Members of a payload, by JSON pointer.
#[derive(Clone, Debug)]
pub(crate) struct MembersTable(pub(crate) Entries);

impl<'de> Deserialize<'de> for EventTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntriesVisitor).map(Self)
    }
}

impl<'de> Deserialize<'de> for MembersTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntriesVisitor).map(Self)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Entries, A::Error> {
        entries(map)
    }
}

impl JsonSchema for EventTable {
    fn schema_name() -> Cow<'static, str> {
        "Event".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text = |description: &str| json_schema!({ "description": description, "type": "string" });
        let any = |description: &str| json_schema!({ "description": description });
        json_schema!({
            "description": "An event: its attributes, and extensions under other names, which are texts, whole numbers, true or false.",
            "type": "object",
            "properties": {
                "id": text("`e1`, `e2` and so on, by its place in the case, unless set."),
                "source": text("`/case` unless set."),
                "type": text("What happened; must be there, unless `detail-type` is."),
                "detail-type": text("Another name of `type`."),
                "subject": text("What it happened to."),
                "time": text("When it happened, RFC 3339; the time of the step unless set."),
                "datacontenttype": text("The media type of `data`; JSON unless set."),
                "dataschema": text("An absolute URI of the schema that `data` follows."),
                "data": any("The payload: any value, or a string with its text as it is."),
                "detail": any("Another name of `data`."),
            },
            "additionalProperties": { "type": ["string", "integer", "boolean"] },
            "anyOf": [{ "required": ["type"] }, { "required": ["detail-type"] }]
        })
    }
}

impl JsonSchema for MembersTable {
    fn schema_name() -> Cow<'static, str> {
        "Members".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Members of a payload, by JSON pointer, and what they must be.",
            "type": "object",
            "propertyNames": { "pattern": "^(/.*)?$" }
        })
    }
}
