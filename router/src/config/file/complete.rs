//! `complete`: when a group is complete.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::one_or_many::list;
use super::{At, Filter, Key, Keys, LengthOfTime, LongForm, TextOr};

/// When a group is complete.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", expecting = "a table of one condition")]
pub(crate) enum Complete {
    /// It has so many parts: a number, a template such as `{total}` of the number that a part says, or a table.
    Count(At<CountShape>),
    /// It has these parts, by name: a list, or a table.
    Expected(At<ExpectedShape>),
    /// No part came for so long, such as `15m`.
    Idle(At<LengthOfTime>),
    /// The window that it stands for is over: a length such as `1h`, or a table. At most one in a completion.
    Window(At<TextOr<WindowTable>>),
    /// So long after its first part, such as `2h`; or the first such time of day after it, such as
    /// `06:00 Europe/Paris`; or `none`: never.
    Deadline(At<String>),
    /// An event of the group's key came that this pattern matches, whether or not the filter holds for it.
    When(At<Filter>),
    /// What its parts add up to has reached a limit.
    While(At<WhileTable>),
    /// Any of these, whichever is first.
    Any(At<Vec<At<Complete>>>),
    /// All of these.
    All(At<Vec<At<Complete>>>),
}

/// How many parts a group has.
#[derive(Clone, Debug)]
pub(crate) enum CountShape {
    /// So many.
    Number(i64),
    /// A template of the number, which any part may say.
    Text(String),
    /// A table.
    Table(CountTable),
}

/// A number of parts that events say.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct CountTable {
    /// A template of the number, such as `{total}` or `$.data.total`.
    pub(crate) read: At<String>,
    /// Which part says it; `any` unless set.
    pub(crate) from: Option<At<FromName>>,
    /// A pattern: an event of the group's key that matches it says the number, whether or not the filter holds for it.
    pub(crate) manifest: Option<At<Filter>>,
}

/// Which part says how many parts there are.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FromName {
    /// The first part alone.
    First,
    /// The first part that has the number.
    Any,
}

/// The parts that a group waits for.
#[derive(Clone, Debug)]
pub(crate) enum ExpectedShape {
    /// Their names.
    Names(Vec<At<String>>),
    /// A table.
    Table(Box<ExpectedTable>),
}

/// The parts that a group waits for: exactly one of `names`, `file` and `manifest`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct ExpectedTable {
    /// Their names.
    pub(crate) names: Option<At<Vec<At<String>>>>,
    /// A TOML or JSON file of their names, relative to this file: a list, under the key `names` in TOML, or a list for
    /// each key, in which `*` stands for any characters.
    pub(crate) file: Option<At<String>>,
    /// The event that names them.
    pub(crate) manifest: Option<At<ManifestTable>>,
    /// Names that belong to the group as well, and that it does not wait for; none unless set.
    pub(crate) optional: Option<At<Vec<At<String>>>>,
    /// How many of the names are enough; all unless set.
    pub(crate) quorum: Option<At<i64>>,
}

/// An event that names the parts of a group. It may come before, between or after them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct ManifestTable {
    /// A pattern: what tells it from other events, whether or not the aggregation's filter holds for it.
    pub(crate) filter: At<Filter>,
    /// How its group is found; as that of a part unless set.
    pub(crate) key: Option<At<Keys>>,
    /// How the names are found: a path such as `$.data.files.name`, or a table. On its way an array stands for each of
    /// its elements.
    pub(crate) names: At<Key>,
}

/// Windows of time: a group of each key for each of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct WindowTable {
    /// How long one is, such as `1h`.
    pub(crate) size: At<LengthOfTime>,
    /// How long after one begins the next one begins, at most `size` and at least a hundredth of it; `size` unless set.
    pub(crate) slide: Option<At<LengthOfTime>>,
    /// How much later than at midnight UTC of 1970 one begins; `0s` unless set.
    pub(crate) offset: Option<At<LengthOfTime>>,
    /// With the time of events: how long after its end a window still takes parts, before it is released; `0s` unless
    /// set.
    pub(crate) lateness: Option<At<LengthOfTime>>,
}

impl LongForm for WindowTable {
    const NAME: &'static str = "Window";
    const DESCRIPTION: &'static str = "Windows of time: a length such as `1h`, or a table.";
    const WANTED: &'static str = "a length of time such as `1h`, or a table with `size`";

    fn short_form(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<LengthOfTime>()
    }
}

/// A group goes on while what its parts add up to is below a limit: one of `sum`, `count` and `distinct`, and one of
/// `below` and `at_most`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct WhileTable {
    /// A path to a number of each part, such as `$.data.amount`: their sum. Parts without one add nothing.
    pub(crate) sum: Option<At<String>>,
    /// A path: how many parts have a value there.
    pub(crate) count: Option<At<String>>,
    /// A path: how many different values the parts have there.
    pub(crate) distinct: Option<At<String>>,
    /// The group goes on while it is less than this.
    pub(crate) below: Option<At<f64>>,
    /// The group goes on while it is this at most.
    pub(crate) at_most: Option<At<f64>>,
}

impl<'de> Deserialize<'de> for CountShape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountVisitor;

        impl<'de> Visitor<'de> for CountVisitor {
            type Value = CountShape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, a template such as `{total}`, or a table with `read`")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<CountShape, E> {
                Ok(CountShape::Number(number))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<CountShape, E> {
                Ok(CountShape::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<CountShape, A::Error> {
                CountTable::deserialize(MapAccessDeserializer::new(map)).map(CountShape::Table)
            }
        }

        deserializer.deserialize_any(CountVisitor)
    }
}

impl JsonSchema for CountShape {
    fn schema_name() -> Cow<'static, str> {
        "Count".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<CountTable>();
        json_schema!({
            "description": "How many parts a group has: a number, a template of the number that any part may say, or a table.",
            "oneOf": [{ "type": "integer", "minimum": 1 }, { "type": "string" }, table]
        })
    }
}

impl<'de> Deserialize<'de> for ExpectedShape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ExpectedVisitor;

        impl<'de> Visitor<'de> for ExpectedVisitor {
            type Value = ExpectedShape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of names, or a table with `names`, `file` or `manifest`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<ExpectedShape, A::Error> {
                list(items).map(ExpectedShape::Names)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ExpectedShape, A::Error> {
                let table = ExpectedTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ExpectedShape::Table(Box::new(table)))
            }
        }

        deserializer.deserialize_any(ExpectedVisitor)
    }
}

impl JsonSchema for ExpectedShape {
    fn schema_name() -> Cow<'static, str> {
        "Expected".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<ExpectedTable>();
        json_schema!({
            "description": "The parts that a group waits for: a list of names, or a table.",
            "oneOf": [{ "type": "array", "items": { "type": "string" } }, table]
        })
    }
}
