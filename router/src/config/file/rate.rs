//! [`RateLimit`]: events a second, a number or a table.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::At;

/// A limit on events a second.
#[derive(Clone, Debug)]
pub(crate) enum RateLimit {
    /// Events a second.
    PerSecond(f64),
    /// A table.
    Table(RateTable),
}

/// A limit on events a second, and how many may come at once.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct RateTable {
    /// Events a second in the long run, 0.00001 to 1000000; may be a fraction, such as `0.5`.
    pub(crate) per_second: At<f64>,
    /// Events at once after a quiet time, 1 to 1000000; `per_second` rounded up unless set.
    pub(crate) burst: Option<At<i64>>,
}

impl<'de> Deserialize<'de> for RateLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RateVisitor;

        impl<'de> Visitor<'de> for RateVisitor {
            type Value = RateLimit;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number such as `100` or `0.5`, or a table with `per_second` and `burst`")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<RateLimit, E> {
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "numbers so large are out of range in any case"
                )]
                Ok(RateLimit::PerSecond(number as f64))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<RateLimit, E> {
                Ok(RateLimit::PerSecond(number))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RateLimit, A::Error> {
                RateTable::deserialize(MapAccessDeserializer::new(map)).map(RateLimit::Table)
            }
        }

        deserializer.deserialize_any(RateVisitor)
    }
}

impl JsonSchema for RateLimit {
    fn schema_name() -> Cow<'static, str> {
        "RateLimit".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<RateTable>();
        json_schema!({
            "description": "A limit on events a second: a number such as `100` or `0.5`, or a table.",
            "oneOf": [{ "type": "number", "minimum": 0.00001, "maximum": 1_000_000 }, table]
        })
    }
}
