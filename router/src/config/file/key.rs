//! [`Key`]: how an event's key is found, a path or a table.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::{At, LongForm, TextOr};

/// How an event's key is found: a path such as `$.detail.order`, or a table.
pub(crate) type Key = TextOr<KeyTable>;

/// A value of the event, taken apart by a regular expression.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct KeyTable {
    /// A path into the event, such as `$.detail.object.key`.
    pub(crate) path: At<String>,
    /// A regular expression with named captures, such as `sales/(?<day>[0-9-]+)/(?<store>[a-z]+)\.csv`; the whole value
    /// must match, else the event has no key.
    pub(crate) capture: Option<At<String>>,
    /// A template of the key, such as `{day}`: `{value}` is the value at `path`, other names are captures,
    /// `{$.detail.part}` is another value of the event. `{value}` unless set.
    pub(crate) key: Option<At<String>>,
}

impl LongForm for KeyTable {
    const NAME: &'static str = "Key";
    const DESCRIPTION: &'static str =
        "How an event's key is found: a path such as `$.detail.order`, or a table.";
    const WANTED: &'static str = "a path such as `$.detail.order`, or a table";

    fn short_form(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^\\$\\." })
    }
}
