//! The members of one JSON event, read in one walk and not yet checked against each other.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::attribute::{EXTENSIONS_MAX, Invalid, check_extension_name};
use crate::event::{Event, Text, Value};

/// What one document holds; the payload is as it stands there.
pub(super) struct Members<'de> {
    /// The attributes, without a payload.
    pub(super) event: Event,
    /// The raw `data`.
    pub(super) data: Option<&'de RawValue>,
    /// The text of `data_base64`.
    pub(super) data_base64: Option<Cow<'de, str>>,
}

/// Reads [`Members`]; what is wrong with an attribute goes to `failure`, since a parser's error is text.
pub(super) struct MembersSeed<'f> {
    /// Set if the error is an attribute's.
    pub(super) failure: &'f mut Option<Invalid>,
}

impl<'de> DeserializeSeed<'de> for MembersSeed<'_> {
    type Value = Members<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Members<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MembersSeed<'_> {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut reader = Reader::default();
        while let Some(Scalar::Text(name)) = map.next_key_seed(ScalarSeed)? {
            let read = if name == "data" {
                let data = map.next_value::<&'de RawValue>()?;
                reader.data.replace(data).map_or(Ok(()), |_| Err(Invalid::Duplicate { field: name.into() }))
            } else {
                let value = map.next_value_seed(ScalarSeed)?;
                reader.set(name, value)
            };
            if let Err(invalid) = read {
                return Err(fail(self.failure, invalid));
            }
        }
        reader.finish().map_err(|invalid| fail(self.failure, invalid))
    }
}

fn fail<E: Error>(slot: &mut Option<Invalid>, invalid: Invalid) -> E {
    *slot = Some(invalid);
    E::custom("an attribute is wrong")
}

/// The attributes that are plain fields, and `data_base64`; their place in [`Reader::known`].
const KNOWN: [&str; 9] = [
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "dataschema",
    "data_base64",
];

/// Collects members as they come.
#[derive(Default)]
struct Reader<'de> {
    known: [Option<Scalar<'de>>; KNOWN.len()],
    extensions: Vec<(String, Value)>,
    /// Extensions that are null: unset, and still not to be there again.
    unset: Vec<String>,
    data: Option<&'de RawValue>,
}

impl<'de> Reader<'de> {
    fn set(&mut self, name: Cow<'de, str>, value: Scalar<'de>) -> Result<(), Invalid> {
        if let Some(at) = KNOWN.iter().position(|known| *known == name) {
            let earlier = self.known[at].replace(value);
            return earlier.map_or(Ok(()), |_| Err(Invalid::Duplicate { field: name.into_owned() }));
        }
        check_extension_name(&name)?;
        let mut names = self.extensions.iter().map(|(name, _)| name).chain(&self.unset);
        if names.any(|earlier| *earlier == name) {
            return Err(Invalid::Duplicate { field: name.into_owned() });
        }
        if self.extensions.len() + self.unset.len() >= EXTENSIONS_MAX {
            return Err(Invalid::TooMany { field: name.into_owned() });
        }
        let wanted = "a string, an integer or a boolean";
        let value = match value {
            Scalar::Null => {
                self.unset.push(name.into_owned());
                return Ok(());
            }
            Scalar::Text(text) => Value::String(text.into_owned()),
            Scalar::Boolean(flag) => Value::Boolean(flag),
            Scalar::Integer(number) => match i32::try_from(number) {
                Ok(number) => Value::Integer(number),
                Err(_) => {
                    return Err(Invalid::Integer { field: name.into_owned(), value: number.to_string() });
                }
            },
            Scalar::Fraction(number) => {
                return Err(Invalid::Integer { field: name.into_owned(), value: number.to_string() });
            }
            Scalar::Nested(found) => return Err(Invalid::Type { field: name.into_owned(), found, wanted }),
        };
        self.extensions.push((name.into_owned(), value));
        Ok(())
    }

    fn finish(self) -> Result<Members<'de>, Invalid> {
        let [version, id, source, kind, subject, time, datacontenttype, dataschema, base64] = self.known;
        let version = required("specversion", version)?;
        if version != "1.0" {
            return Err(Invalid::SpecVersion { found: version.into_owned() });
        }
        let event = Event {
            id: required("id", id)?.into(),
            source: required("source", source)?.into(),
            kind: required("type", kind)?.into(),
            subject: text("subject", subject)?.map(Text::from),
            time: text("time", time)?.map(Text::from),
            datacontenttype: text("datacontenttype", datacontenttype)?.map(Text::from),
            dataschema: text("dataschema", dataschema)?.map(Text::from),
            extensions: self.extensions,
            data: None,
        };
        Ok(Members { event, data: self.data, data_base64: text("data_base64", base64)? })
    }
}

fn required<'de>(field: &'static str, value: Option<Scalar<'de>>) -> Result<Cow<'de, str>, Invalid> {
    text(field, value)?.ok_or(Invalid::Missing { field })
}

fn text<'de>(field: &'static str, value: Option<Scalar<'de>>) -> Result<Option<Cow<'de, str>>, Invalid> {
    let found = match value {
        None | Some(Scalar::Null) => return Ok(None),
        Some(Scalar::Text(text)) => return Ok(Some(text)),
        Some(Scalar::Boolean(_)) => "a boolean",
        Some(Scalar::Integer(_) | Scalar::Fraction(_)) => "a number",
        Some(Scalar::Nested(found)) => found,
    };
    Err(Invalid::Type { field: field.to_owned(), found, wanted: "a string" })
}

/// A member's name, or the value of an attribute.
enum Scalar<'de> {
    Null,
    Boolean(bool),
    Integer(i64),
    Fraction(f64),
    Text(Cow<'de, str>),
    /// An object or an array, which no attribute can be.
    Nested(&'static str),
}

struct ScalarSeed;

impl<'de> DeserializeSeed<'de> for ScalarSeed {
    type Value = Scalar<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Scalar<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ScalarSeed {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, an integer, a boolean or null")
    }

    fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Boolean(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Integer(i64::try_from(number).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Fraction(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut elements: A) -> Result<Scalar<'de>, A::Error> {
        while elements.next_element::<serde::de::IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nested("an array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar<'de>, A::Error> {
        while map.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nested("an object"))
    }
}
