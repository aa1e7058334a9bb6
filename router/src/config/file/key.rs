//! [`Key`]: how an aggregation finds an event's group, a path or a table.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::At;

/// How an event's group is found: a path, or a table.
#[derive(Clone, Debug)]
pub(crate) enum Key {
    /// A path such as `$.detail.order`.
    Path(String),
    /// A table.
    Table(KeyTable),
}

/// A value of the event, taken apart by a regular expression.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct KeyTable {
    /// A path into the event, such as `$.detail.object.key`.
    pub(crate) path: At<String>,
    /// A regular expression with named captures, such as `sales/(?<day>[0-9-]+)/(?<store>[a-z]+)\.csv`; the whole value
    /// must match, else the event is no part.
    pub(crate) capture: Option<At<String>>,
    /// A template of the group's key, such as `{day}`: `{value}` is the value at `path`, other names are captures,
    /// `{$.detail.part}` is another value of the event. `{value}` unless set.
    pub(crate) key: Option<At<String>>,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path such as `$.detail.order`, or a table")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Key, E> {
                Ok(Key::Path(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Key, A::Error> {
                KeyTable::deserialize(MapAccessDeserializer::new(map)).map(Key::Table)
            }
        }

        deserializer.deserialize_any(KeyVisitor)
    }
}

impl JsonSchema for Key {
    fn schema_name() -> Cow<'static, str> {
        "Key".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<KeyTable>();
        json_schema!({
            "description": "How an event's group is found: a path such as `$.detail.order`, or a table.",
            "oneOf": [{ "type": "string", "pattern": "^\\$\\." }, table]
        })
    }
}
