//! [`Facts`]: one event as filters, gates and expressions see it, its payload parsed at most once.

use std::cell::OnceCell;

use event::eventbridge::{Field as ViewField, Identity, View};
use event::stored::Stored;
use pattern::{Field, FieldValue};
use serde_json::Value;

/// One event with what was found out about it.
pub(crate) struct Facts<'a> {
    /// The event as it is stored.
    pub(crate) stored: &'a Stored,
    /// Its position on its bus.
    pub(crate) position: u64,
    view: View<'a>,
    payload: OnceCell<Option<Value>>,
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

    /// Returns the payload, if it is JSON.
    pub(crate) fn payload(&self) -> Option<&Value> {
        let parse = || self.stored.event.json().and_then(|json| serde_json::from_slice(json).ok());
        self.payload.get_or_init(parse).as_ref()
    }

    /// Returns the scalar at a path of the event as text: strings as they are, numbers and booleans as JSON writes them.
    pub(crate) fn scalar(&self, path: &[String]) -> Option<String> {
        let (first, rest) = path.split_first()?;
        if matches!(first.as_str(), "detail" | "data") {
            return rest.iter().try_fold(self.payload()?, child).and_then(text);
        }
        let (_, field) = self.view.fields().find(|(name, _)| *name == first.as_str())?;
        match field {
            ViewField::Text(value) => rest.is_empty().then(|| value.to_owned()),
            ViewField::Json(json) => {
                let value: Value = serde_json::from_slice(json).ok()?;
                rest.iter().try_fold(&value, child).and_then(text)
            }
        }
    }
}

fn child<'v>(value: &'v Value, name: &String) -> Option<&'v Value> {
    match value {
        Value::Object(members) => members.get(name),
        Value::Array(elements) => elements.get(name.parse::<usize>().ok()?),
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
