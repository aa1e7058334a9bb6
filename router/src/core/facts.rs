//! [`Facts`]: one event as filters, gates and expressions see it, its payload checked and parsed at most once.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;

use event::eventbridge::{Field as ViewField, Identity, View};
use event::stored::Stored;
use pattern::{Checked, Field, FieldValue};
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
}

/// Walks down JSON text without reading what is beside the way, so that numbers keep their digits.
fn scalar_in(json: &[u8], path: &[String]) -> Option<String> {
    let mut value: &RawValue = serde_json::from_slice(json).ok()?;
    for name in path {
        value = child(value, name)?;
    }
    let text = value.get();
    match text.as_bytes().first()? {
        b'"' => serde_json::from_str(text).ok(),
        b'{' | b'[' | b'n' => None,
        _ => Some(text.to_owned()),
    }
}

fn child<'v>(value: &'v RawValue, name: &str) -> Option<&'v RawValue> {
    if value.get().starts_with('[') {
        let elements: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
        return elements.get(name.parse::<usize>().ok()?).copied();
    }
    let members: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_str(value.get()).ok()?;
    members.get(name).copied()
}

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
