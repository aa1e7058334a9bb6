//! [`Facts`]: one event as filters, gates and expressions see it, its payload parsed at most once.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;

use event::eventbridge::{Field as ViewField, Identity, View};
use event::stored::Stored;
use pattern::{Field, FieldValue};
use serde_json::Value;
use serde_json::value::RawValue;

/// One event with what was found out about it.
pub(crate) struct Facts<'a> {
    /// The event as it is stored.
    pub(crate) stored: &'a Stored,
    /// Its position on its bus.
    pub(crate) position: u64,
    view: View<'a>,
    payload: OnceCell<Result<Value, String>>,
}

impl<'a> Facts<'a> {
    /// Returns what there is to know of an event; parses nothing yet.
    pub(crate) fn new(stored: &'a Stored, position: u64, identity: &'a Identity) -> Self {
        let view = View::new(&stored.event, identity, stored.received);
        Self { stored, position, view, payload: OnceCell::new() }
    }

    /// Returns the event's top-level fields under the names of both worlds.
    pub(crate) fn fields(&self) -> Vec<Field<'_>> {
        self.view
            .fields()
            .map(|(name, field)| match field {
                ViewField::Text(text) => Field { name, value: FieldValue::Text(text) },
                ViewField::Json(json) => Field { name, value: FieldValue::Json(json) },
            })
            .collect()
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
