//! [`Key`] and [`Keys`]: how an event's key is found.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::{At, LongForm, OneOrMany, Several, TextOr};

/// How an event's key is found: a path such as `$.detail.order`, or a table.
pub(crate) type Key = TextOr<KeyTable>;

/// The same, or several of these, whose values one after the other are the key.
pub(crate) type Keys = OneOrMany<Key>;

/// A value of the event, taken apart by a regular expression.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct KeyTable {
    /// A path into the event, such as `$.detail.object.key`, or a list of them: the first at which there is a value
    /// counts.
    pub(crate) path: At<OneOrMany<String>>,
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

impl Several for Key {
    const NAME: &'static str = "Keys";
    const DESCRIPTION: &'static str = "How an event's key is found: a path such as `$.detail.order`, a table, or a list of 1 to 8 of these, whose values one after the other are the key.";
    const WANTED: &'static str = "a path such as `$.detail.order`, a table, or a list of these";
}

impl Several for String {
    const NAME: &'static str = "Paths";
    const DESCRIPTION: &'static str = "A path into the event such as `$.detail.order`, or a list of them: the first at which there is a value counts.";
    const WANTED: &'static str = "a path such as `$.detail.order`, or a list of paths";
}
