//! [`View`]: the fields of an event that patterns ask, under EventBridge's names and under those of CloudEvents.

use std::borrow::Cow;
use std::ops::Range;

use super::{
    Identity, account, detail_verbatim, push_detail, push_resources, region, resources_verbatim, time,
};
use crate::event::{Data, Event, Value};
use crate::json::push_value;
use crate::quote::push_string;
use crate::time::Timestamp;

/// The value of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    /// A string, without quotes or escapes.
    Text(&'a str),
    /// One JSON value.
    Json(&'a [u8]),
}

/// An event's top-level fields, made once an event and without building an envelope.
///
/// An extension that has the name of an EventBridge field is not a field of its own: it is a member of `ce`.
#[derive(Clone, Debug)]
pub struct View<'a> {
    time: Cow<'a, str>,
    slots: Vec<(&'a str, Slot<'a>)>,
    /// The JSON that the event does not hold as it stands.
    made: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Slot<'a> {
    Text(&'a str),
    Json(&'a [u8]),
    Made(Range<usize>),
}

impl<'a> View<'a> {
    /// Returns the view; `received` stands in for an event's missing `time`.
    pub fn new(event: &'a Event, identity: &'a Identity, received: Timestamp) -> Self {
        let slots = Vec::with_capacity(16 + event.extensions.len());
        let mut view = Self { time: time(event, received), slots, made: Vec::new() };
        view.add_eventbridge(event, identity);
        view.add_cloudevents(event);
        for (name, value) in event.extensions.iter().filter(|(name, _)| !is_taken(name)) {
            view.add_extension(name, value);
        }
        if event.extensions.iter().any(|(name, _)| is_taken(name)) {
            view.add_made("ce", |out| push_taken(out, event));
        }
        view
    }

    /// Returns every field with its name, each name once.
    pub fn fields(&self) -> impl Iterator<Item = (&str, Field<'_>)> {
        let time = std::iter::once(("time", Field::Text(&self.time)));
        time.chain(self.slots.iter().map(|(name, slot)| (*name, self.field(slot))))
    }

    fn field<'s>(&'s self, slot: &'s Slot<'a>) -> Field<'s> {
        match slot {
            Slot::Text(text) => Field::Text(text),
            Slot::Json(json) => Field::Json(json),
            Slot::Made(range) => Field::Json(&self.made[range.clone()]),
        }
    }

    fn add_eventbridge(&mut self, event: &'a Event, identity: &'a Identity) {
        self.slots.extend([
            ("version", Slot::Text("0")),
            ("id", Slot::Text(&event.id)),
            ("detail-type", Slot::Text(&event.kind)),
            ("source", Slot::Text(&event.source)),
            ("account", Slot::Text(account(event, identity))),
            ("region", Slot::Text(region(event, identity))),
        ]);
        match resources_verbatim(event) {
            Some(text) => self.slots.push(("resources", Slot::Json(text.as_bytes()))),
            None => self.add_made("resources", |out| push_resources(out, event)),
        }
        match detail_verbatim(event) {
            Some(json) => self.slots.push(("detail", Slot::Json(json))),
            None => self.add_made("detail", |out| push_detail(out, event)),
        }
    }

    fn add_cloudevents(&mut self, event: &'a Event) {
        self.slots.extend([("specversion", Slot::Text("1.0")), ("type", Slot::Text(&event.kind))]);
        let optional = [
            ("subject", &event.subject),
            ("datacontenttype", &event.datacontenttype),
            ("dataschema", &event.dataschema),
        ];
        self.slots
            .extend(optional.into_iter().filter_map(|(name, text)| Some((name, Slot::Text(text.as_ref()?)))));
        let data = match &event.data {
            Some(Data::Json(bytes)) => Some(Slot::Json(bytes)),
            Some(Data::Text(bytes)) => std::str::from_utf8(bytes).ok().map(Slot::Text),
            Some(Data::Binary(_)) | None => None,
        };
        self.slots.extend(data.map(|slot| ("data", slot)));
    }

    fn add_extension(&mut self, name: &'a str, value: &'a Value) {
        match value {
            Value::String(text) => self.slots.push((name, Slot::Text(text))),
            Value::Boolean(true) => self.slots.push((name, Slot::Json(b"true"))),
            Value::Boolean(false) => self.slots.push((name, Slot::Json(b"false"))),
            Value::Integer(_) => self.add_made(name, |out| push_value(out, value)),
        }
    }

    fn add_made(&mut self, name: &'a str, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.made.len();
        write(&mut self.made);
        self.slots.push((name, Slot::Made(start..self.made.len())));
    }
}

/// Tells whether EventBridge, or the view itself, has given the name a meaning.
fn is_taken(name: &str) -> bool {
    matches!(name, "version" | "account" | "region" | "resources" | "detail" | "ce")
}

fn push_taken(out: &mut Vec<u8>, event: &Event) {
    out.push(b'{');
    for (name, value) in event.extensions.iter().filter(|(name, _)| is_taken(name)) {
        push_string(out, name);
        out.push(b':');
        push_value(out, value);
        out.push(b',');
    }
    out.pop();
    out.push(b'}');
}
