//! [`OneOrMany`]: a value, or a list of such values.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::At;

/// A value alone, or a list.
#[derive(Clone, Debug)]
pub(crate) enum OneOrMany<T> {
    /// A value alone, a text or a table.
    One(T),
    /// A list.
    Many(Vec<At<T>>),
}

/// A text or a table of which there may be a list.
pub(crate) trait Several: DeserializeOwned + JsonSchema {
    /// The name of one or many, in the JSON Schema.
    const NAME: &'static str;
    /// What one or many are.
    const DESCRIPTION: &'static str;
    /// What an error says is wanted here.
    const WANTED: &'static str;
}

impl<T> At<OneOrMany<T>> {
    /// Returns each value with its place, in the order of the file.
    pub(crate) fn each(&self) -> Vec<(&Range<usize>, &T)> {
        match &self.value {
            OneOrMany::One(value) => vec![(&self.span, value)],
            OneOrMany::Many(values) => values.iter().map(|value| (&value.span, &value.value)).collect(),
        }
    }
}

impl<'de, T: Several> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrManyVisitor<T>(PhantomData<T>);

        impl<'de, T: Several> Visitor<'de> for OneOrManyVisitor<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(T::WANTED)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<OneOrMany<T>, E> {
                T::deserialize(text.into_deserializer()).map(OneOrMany::One)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrMany<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(OneOrMany::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<OneOrMany<T>, A::Error> {
                list(items).map(OneOrMany::Many)
            }
        }

        deserializer.deserialize_any(OneOrManyVisitor(PhantomData))
    }
}

/// Reads the rest of a list.
pub(super) fn list<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(mut items: A) -> Result<Vec<T>, A::Error> {
    let mut list = Vec::new();
    while let Some(item) = items.next_element()? {
        list.push(item);
    }
    Ok(list)
}

impl<T: Several> JsonSchema for OneOrMany<T> {
    fn schema_name() -> Cow<'static, str> {
        T::NAME.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "description": T::DESCRIPTION, "anyOf": [one, { "type": "array", "items": one }] })
    }
}
