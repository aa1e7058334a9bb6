//! [`Facts`]: one event as filters, gates and expressions see it, its payload checked and parsed at most once.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;

use event::eventbridge::{Field as ViewField, Identity, View};
use event::stored::Stored;
use pattern::{Checked, Field, FieldValue};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// One event with what was found out about it.
pub(crate) struct Facts<'a> {
    /// The event as it is stored.
    pub(crate) stored: &'a Stored,
    /// Its position on its bus.
    pub(crate) position: u64,
    view: View<'a>,
    /// The payload, if it is well-formed JSON.
    checked: OnceCell<Option<Checked<'a>>>,
    payload: OnceCell<Result<Value, String>>,
}

impl<'a> Facts<'a> {
    /// Returns what there is to know of an event; reads nothing of its payload yet.
    pub(crate) fn new(stored: &'a Stored, position: u64, identity: &'a Identity) -> Self {
        let view = View::new(&stored.event, identity, stored.received);
        Self { stored, position, view, checked: OnceCell::new(), payload: OnceCell::new() }
    }

    /// Returns the event's top-level fields under the names of both worlds.
    pub(crate) fn fields(&self) -> Vec<Field<'_>> {
        self.view
            .fields()
            .map(|(name, field)| match field {
                ViewField::Text(text) => Field { name, value: FieldValue::Text(text) },
                ViewField::Json(json) => Field { name, value: self.json(json) },
            })
            .collect()
    }

    /// Returns the value of a field, which may be the payload under one of its names.
    fn json<'s>(&'s self, json: &'s [u8]) -> FieldValue<'s> {
        let payload = self.stored.event.json().filter(|payload| std::ptr::eq(payload.as_ref(), json));
        payload.and_then(|payload| self.checked(payload)).map_or(FieldValue::Json(json), FieldValue::Checked)
    }

    /// Checks the payload the first time.
    fn checked(&self, payload: &'a [u8]) -> Option<Checked<'a>> {
        *self.checked.get_or_init(|| Checked::value(payload).ok())
    }

    /// Returns the payload as a schema sees it, or why no schema can.
    pub(crate) fn payload(&self) -> Result<&Value, &str> {
        let parse = || match self.stored.event.json() {
            Some(json) => {
                serde_json::from_slice(json).map_err(|error| format!("the payload cannot be read: {error}"))
            }
            None => Err("the payload is not JSON".to_owned()),
        };
        self.payload.get_or_init(parse).as_ref().map_err(String::as_str)
    }

    /// Returns the scalar at a path of the event as text: strings as they are, numbers and booleans as JSON writes them.
    pub(crate) fn scalar(&self, path: &[String]) -> Option<String> {
        let (first, rest) = path.split_first()?;
        if matches!(first.as_str(), "detail" | "data") {
            return scalar_in(self.stored.event.json()?, rest);
        }
        let (_, field) = self.view.fields().find(|(name, _)| *name == first.as_str())?;
        match field {
            ViewField::Text(value) => rest.is_empty().then(|| value.to_owned()),
            ViewField::Json(json) => scalar_in(json, rest),
        }
    }

    /// Returns the scalars at a path on whose way an array stands for each of its elements.
    pub(crate) fn scalars(&self, path: &[String]) -> Vec<String> {
        let Some((first, rest)) = path.split_first() else { return Vec::new() };
        let json = match first.as_str() {
            "detail" | "data" => self.stored.event.json().map(AsRef::as_ref),
            name => self.view.fields().find(|(field, _)| *field == name).and_then(|(_, field)| match field {
                ViewField::Text(_) => None,
                ViewField::Json(json) => Some(json),
            }),
        };
        let value = json.and_then(|json| serde_json::from_slice::<&RawValue>(json).ok());
        let Some(value) = value else { return self.scalar(path).into_iter().collect() };
        let mut found = Vec::new();
        scalars_in(value, rest, &mut found);
        found
    }
}

/// Walks down JSON text without reading what is beside the way, so that numbers keep their digits.
fn scalar_in(json: &[u8], path: &[String]) -> Option<String> {
    let mut json = json.trim_ascii();
    for name in path {
        json = child(json, name)?.get().as_bytes();
    }
    text_of(json)
}

/// Walks down JSON text along all elements of the arrays on the way, and takes the scalars at its end.
fn scalars_in(value: &RawValue, path: &[String], found: &mut Vec<String>) {
    if value.get().starts_with('[') {
        let elements: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
        return elements.into_iter().for_each(|element| scalars_in(element, path, found));
    }
    match path.split_first() {
        None => found.extend(text_of(value.get().as_bytes())),
        Some((name, rest)) => {
            if let Some(child) = child(value.get().as_bytes(), name) {
                scalars_in(child, rest, found);
            }
        }
    }
}

fn text_of(json: &[u8]) -> Option<String> {
    match json.first()? {
        b'"' => serde_json::from_slice(json).ok(),
        b'{' | b'[' | b'n' => None,
        _ => Some(String::from_utf8_lossy(json).into_owned()),
    }
}

fn child<'v>(json: &'v [u8], name: &str) -> Option<&'v RawValue> {
    if json.starts_with(b"[") {
        let elements: Vec<&RawValue> = serde_json::from_slice(json).ok()?;
        return elements.get(name.parse::<usize>().ok()?).copied();
    }
    let mut object = serde_json::Deserializer::from_slice(json);
    object.deserialize_map(Member(name)).ok()?
}

/// Finds one member of an object and skips the others; of two of one name the last counts.
struct Member<'n>(&'n str);

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = members.next_key::<Name<'de>>()? {
            if *name.0 == *self.0 {
                found = Some(members.next_value()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// A member's name, borrowed where it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use event::hop::Via;
    use event::{Data, Event, SpanId, Timestamp, TraceContext, TraceId};
    use pattern::Pattern;

    use super::*;

    /// Calls `look` with the fields of an event that has the payload.
    fn check(payload: &'static str, look: impl FnOnce(&[Field<'_>])) {
        let mut event = Event::new("1", "/shop", "order");
        event.data = Some(Data::Json(Bytes::from_static(payload.as_bytes())));
        let trace =
            TraceContext { trace: TraceId([1; 16]), span: SpanId([2; 8]), parent: None, sampled: true };
        let stored = Stored::new(Timestamp::EPOCH, Via::HttpStructured, trace, event);
        let identity = Identity { account: "0".to_owned(), region: "r".to_owned() };
        look(&Facts::new(&stored, 1, &identity).fields());
    }

    fn values<'f>(fields: &[Field<'f>]) -> Vec<FieldValue<'f>> {
        let is_payload = |field: &&Field<'_>| matches!(field.name, "detail" | "data");
        fields.iter().filter(is_payload).map(|field| field.value).collect()
    }

    #[test]
    fn a_payload_was_checked_under_both_of_its_names() {
        for payload in [r#"{"total": 40}"#, " [1] ", "40", "null"] {
            let checked = FieldValue::Checked(Checked::value(payload.as_bytes()).unwrap());
            check(payload, |fields| assert_eq!(values(fields), [checked; 2]));
        }
    }

    #[test]
    fn a_broken_payload_stays_an_error() {
        let pattern = Pattern::parse(r#"{"data": {"total": [40]}}"#).unwrap();
        for payload in [r#"{"total": 40"#, r#"{"total": 40} x"#, ""] {
            check(payload, |fields| {
                assert_eq!(values(fields), [FieldValue::Json(payload.as_bytes()); 2]);
                let error = pattern.explain_fields(fields).unwrap_err().to_string();
                assert!(error.contains("detail"), "{error}");
            });
        }
    }
}
