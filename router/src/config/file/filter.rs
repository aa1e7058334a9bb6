//! [`Filter`]: a pattern as the file has it, a table or a string of JSON.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::At;

/// A table's keys and values, in the order of the file.
pub(crate) type Entries = Vec<(At<String>, At<Node>)>;

/// A pattern: a table, or a string of JSON exactly as `EventBridge` takes it.
#[derive(Clone, Debug)]
pub(crate) enum Filter {
    /// A string of JSON.
    Text(String),
    /// A table.
    Table(Entries),
}

/// A value within a table.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// A table.
    Table(Entries),
    /// An array.
    Array(Vec<At<Node>>),
    /// A string.
    String(String),
    /// A number as JSON writes it, where the file's own text is not JSON; none for infinity and what is no number.
    Number(Option<String>),
    /// True or false.
    Boolean(bool),
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FilterVisitor;

        impl<'de> Visitor<'de> for FilterVisitor {
            type Value = Filter;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table, or a string of JSON")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Filter, E> {
                Ok(Filter::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Filter, A::Error> {
                entries(map).map(Filter::Table)
            }
        }

        deserializer.deserialize_any(FilterVisitor)
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NodeVisitor;

        impl<'de> Visitor<'de> for NodeVisitor {
            type Value = Node;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value that JSON has")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
                Ok(Node::String(text.to_owned()))
            }

            fn visit_bool<E: Error>(self, flag: bool) -> Result<Node, E> {
                Ok(Node::Boolean(flag))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Node, E> {
                Ok(Node::Number(Some(number.to_string())))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Node, E> {
                Ok(Node::Number(Some(number.to_string())))
            }

            fn visit_i128<E: Error>(self, number: i128) -> Result<Node, E> {
                Ok(Node::Number(Some(number.to_string())))
            }

            fn visit_u128<E: Error>(self, number: u128) -> Result<Node, E> {
                Ok(Node::Number(Some(number.to_string())))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Node, E> {
                Ok(Node::Number(number.is_finite().then(|| number.to_string())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
                let mut nodes = Vec::new();
                while let Some(node) = items.next_element()? {
                    nodes.push(node);
                }
                Ok(Node::Array(nodes))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Node, A::Error> {
                entries(map).map(Node::Table)
            }
        }

        deserializer.deserialize_any(NodeVisitor)
    }
}

/// Reads a table's keys and values.
pub(super) fn entries<'de, A: MapAccess<'de>>(mut map: A) -> Result<Entries, A::Error> {
    let mut entries = Vec::new();
    while let Some(entry) = map.next_entry()? {
        entries.push(entry);
    }
    entries.sort_by_key(|(key, _): &(At<String>, At<Node>)| key.span.start);
    Ok(entries)
}

impl JsonSchema for Filter {
    fn schema_name() -> Cow<'static, str> {
        "Filter".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A pattern of EventBridge: a table, or a string of JSON exactly as EventBridge takes it.",
            "oneOf": [{ "type": "object", "minProperties": 1 }, { "type": "string" }]
        })
    }
}
