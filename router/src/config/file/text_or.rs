//! [`TextOr`]: a value with a short form, a text, and a long one, a table.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A text, or a table that says more.
#[derive(Clone, Debug)]
pub(crate) enum TextOr<T> {
    /// The short form.
    Text(String),
    /// The long form.
    Table(T),
}

/// A table that has a short form.
pub(crate) trait LongForm: DeserializeOwned + JsonSchema {
    /// The name of both forms together, in the JSON Schema.
    const NAME: &'static str;
    /// What both forms are.
    const DESCRIPTION: &'static str;
    /// What an error says is wanted here.
    const WANTED: &'static str;

    /// Returns the JSON Schema of the short form.
    fn short_form(generator: &mut SchemaGenerator) -> Schema;
}

impl<'de, T: LongForm> Deserialize<'de> for TextOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrVisitor<T>(PhantomData<T>);

        impl<'de, T: LongForm> Visitor<'de> for TextOrVisitor<T> {
            type Value = TextOr<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(T::WANTED)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<TextOr<T>, E> {
                Ok(TextOr::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TextOr<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(TextOr::Table)
            }
        }

        deserializer.deserialize_any(TextOrVisitor(PhantomData))
    }
}

impl<T: LongForm> JsonSchema for TextOr<T> {
    fn schema_name() -> Cow<'static, str> {
        T::NAME.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (text, table) = (T::short_form(generator), generator.subschema_for::<T>());
        json_schema!({ "description": T::DESCRIPTION, "oneOf": [text, table] })
    }
}
