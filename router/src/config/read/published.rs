//! An event that a test case publishes.

use std::collections::BTreeMap;
use std::ops::Range;

use event::attribute::Invalid;
use event::event::Value;
use event::{Data, Event, Text, Timestamp, attribute};
use serde_json::value::RawValue;

use super::Reader;
use super::case::shown;
use super::json::Json;
use crate::config::error::Code;
use crate::config::file::{At, Entries, Node};

/// The source of an event, unless set.
const SOURCE: &str = "/case";

/// The names of attributes in patterns of `EventBridge`, and those of CloudEvents.
const OTHER_NAMES: [(&str, &str); 2] = [("detail-type", "type"), ("detail", "data")];

/// What a table says of an event, by the names of CloudEvents, with the key as it is written.
type Members<'e> = BTreeMap<&'e str, (&'e At<String>, &'e At<Node>)>;

impl Reader<'_> {
    /// Reads the event that is the `number`th of its case.
    pub(super) fn event(
        &mut self,
        span: &Range<usize>,
        entries: &Entries,
        number: usize,
        now: Timestamp,
    ) -> Option<Event> {
        let members = self.event_members(entries)?;
        let mut of_name = |name: &str| members.get(name).map(|(key, node)| self.attribute(key, node));
        let (id, source, kind) = (of_name("id"), of_name("source"), of_name("type"));
        let (subject, time) = (of_name("subject"), of_name("time"));
        let (datacontenttype, dataschema) = (of_name("datacontenttype"), of_name("dataschema"));
        let Some(kind) = kind else {
            self.finding(Code::MissingKey, span, "`type` is missing", "in this event")
                .help("add `type = ...`, or `detail-type = ...`");
            return None;
        };
        let id = id.unwrap_or_else(|| Some(format!("e{number}").into()));
        let source = source.unwrap_or_else(|| Some(SOURCE.into()));
        let mut event = Event::new(id?, source?, kind?);
        event.subject = super::all_or_none(subject)?;
        event.time = Some(time.unwrap_or_else(|| Some(shown(now).into()))?);
        event.datacontenttype = super::all_or_none(datacontenttype)?;
        event.dataschema = super::all_or_none(dataschema)?;
        for (key, node) in entries {
            if !is_own(&key.value) {
                event.extensions.push((key.value.clone(), self.extension(key, node)?));
            }
        }
        if let Some((_, node)) = members.get("data") {
            event.data = Some(self.payload(node, event.datacontenttype.as_deref())?);
        }
        let Err(invalid) = attribute::check(&event) else { return Some(event) };
        let place = members.get(invalid.field()).map_or(span, |(key, _)| &key.span);
        let place =
            entries.iter().find(|(key, _)| key.value == invalid.field()).map_or(place, |(key, _)| &key.span);
        let help = match invalid {
            Invalid::Name { .. } => {
                "names of extensions are a-z and 0-9; what is the payload's belongs into `data`"
            }
            _ => "write it as a publisher would: the router would refuse this event too",
        };
        self.finding(Code::Case, place, invalid.to_string(), "not an event of CloudEvents").help(help);
        None
    }

    /// Returns what a table says, each thing under one name.
    fn event_members<'e>(&mut self, entries: &'e Entries) -> Option<Members<'e>> {
        let mut members = Members::new();
        for (key, node) in entries {
            let name = name_of(&key.value);
            if let Some((first, _)) = members.insert(name, (key, node)) {
                let message = format!("`{}` and `{}` are the same", first.value, key.value);
                self.finding(Code::SaidTwice, &key.span, message, "again")
                    .label(&first.span, "the first")
                    .help("leave one of them");
                return None;
            }
        }
        Some(members)
    }

    fn attribute(&mut self, key: &At<String>, node: &At<Node>) -> Option<Text> {
        if let Node::String(text) = &node.value {
            return Some(text.as_str().into());
        }
        let message = format!("`{}` is not a string", key.value);
        self.finding(Code::WrongValue, &node.span, message, "of the wrong type").help("write it in quotes");
        None
    }

    fn extension(&mut self, key: &At<String>, node: &At<Node>) -> Option<Value> {
        let value = match &node.value {
            Node::String(text) => Some(Value::String(text.clone())),
            Node::Boolean(flag) => Some(Value::Boolean(*flag)),
            Node::Number(Some(number)) => number.parse().ok().map(Value::Integer),
            Node::Number(None) | Node::Array(_) | Node::Table(_) => None,
        };
        if value.is_none() {
            let message = format!("`{}` is no attribute of an event", key.value);
            let label = "an extension is a string, a whole number of 32 bits, true or false";
            self.finding(Code::WrongValue, &node.span, message, label)
                .help("what is the payload's belongs into `data`");
        }
        value
    }

    /// Reads a payload: a string is its text as it is, any other value is written as JSON.
    fn payload(&mut self, node: &At<Node>, media_type: Option<&str>) -> Option<Data> {
        let may_be_json = attribute::is_json(media_type);
        let Node::String(text) = &node.value else {
            if !may_be_json {
                let message = "this payload is not of its `datacontenttype`";
                self.finding(Code::WrongValue, &node.span, message, "only JSON can be written so")
                    .help("write the payload's text as a string, or leave `datacontenttype` out");
                return None;
            }
            let mut json = Json::new(Code::WrongValue);
            json.node(self, node)?;
            return Some(Data::Json(json.text.into()));
        };
        let bytes = text.clone().into();
        let is_json = may_be_json && serde_json::from_str::<&RawValue>(text).is_ok();
        if is_json {
            return Some(Data::Json(bytes));
        }
        if may_be_json && media_type.is_some() {
            let message = "this payload is not of its `datacontenttype`";
            self.finding(Code::WrongValue, &node.span, message, "not JSON")
                .help("write JSON, or a table, or another `datacontenttype`");
            return None;
        }
        Some(Data::Text(bytes))
    }
}

/// Returns the name of CloudEvents.
fn name_of(key: &str) -> &str {
    OTHER_NAMES.iter().find(|(other, _)| *other == key).map_or(key, |(_, name)| name)
}

/// Returns whether a key is of CloudEvents itself, and no extension.
fn is_own(key: &str) -> bool {
    ["id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data"]
        .contains(&name_of(key))
}
