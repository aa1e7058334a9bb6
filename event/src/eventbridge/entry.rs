//! [`PutEntry`]: one entry of a `PutEvents` request, checked as AWS checks it.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::RESOURCES;
use crate::event::{Data, Event, Text, Value};
use crate::quote::push_string;
use crate::rfc3339;
use crate::time::Timestamp;
use crate::trace::{TraceContext, parse_xray};

/// One entry of a `PutEvents` request, as it stands in the request's JSON.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutEntry {
    /// Becomes the event's `source`.
    pub source: Option<String>,
    /// Becomes the event's `type`.
    pub detail_type: Option<String>,
    /// The payload: a JSON object as text.
    pub detail: Option<String>,
    /// Seconds since the Unix epoch; what is below a second is cut.
    pub time: Option<f64>,
    /// ARNs of what the event is about.
    pub resources: Option<Vec<String>>,
    /// The bus: its name or its ARN.
    pub event_bus_name: Option<String>,
    /// An `X-Amzn-Trace-Id` header that takes the place of the request's.
    pub trace_header: Option<String>,
}

/// Why one entry was refused; the others of its request are not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct EntryError {
    /// The `ErrorCode` that AWS answers.
    pub code: &'static str,
    /// The `ErrorMessage` that AWS answers.
    pub message: String,
}

impl PutEntry {
    /// Returns the bytes that AWS counts towards a request's limit.
    pub fn size(&self) -> usize {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let resources: usize = self.resources.iter().flatten().map(String::len).sum();
        let time = if self.time.is_some() { 14 } else { 0 };
        time + length(&self.source) + length(&self.detail_type) + length(&self.detail) + resources
    }

    /// Returns the event, with the id it is given; `now` is its time if the entry has none.
    ///
    /// # Errors
    /// A required parameter is missing or empty, or `Detail` is not a JSON object.
    pub fn into_event(self, id: String, now: Timestamp) -> Result<Event, EntryError> {
        let source = required("Source", self.source)?;
        let kind = required("DetailType", self.detail_type)?;
        let detail = required("Detail", self.detail)?;
        if !serde_json::from_str::<&RawValue>(&detail).is_ok_and(|raw| raw.get().starts_with('{')) {
            return Err(EntryError { code: "MalformedDetail", message: "Detail is malformed.".to_owned() });
        }
        let mut event = Event::new(id, source, kind);
        event.time = Some(rfc3339::from_timestamp(self.time.map_or(now, from_seconds)).into());
        event.datacontenttype = Some("application/json".into());
        event.data = Some(Data::Json(detail.into()));
        set_resources(&mut event, self.resources.unwrap_or_default());
        set_traceparent(&mut event, self.trace_header.as_deref());
        Ok(event)
    }
}

fn required(name: &str, value: Option<String>) -> Result<String, EntryError> {
    value.filter(|text| !text.is_empty()).ok_or_else(|| EntryError {
        code: "InvalidArgument",
        message: format!("Parameter {name} is not valid. Reason: {name} is a required argument."),
    })
}

/// The seconds of the years that RFC 3339 can write; a time beyond them is taken as the nearest of these.
const SECONDS: (f64, f64) = (-62_167_219_200.0, 253_402_207_200.0);

#[expect(clippy::cast_possible_truncation, reason = "the number is whole and within the calendar")]
fn from_seconds(seconds: f64) -> Timestamp {
    Timestamp::from_micros(seconds.floor().clamp(SECONDS.0, SECONDS.1) as i64 * 1_000_000)
}

fn set_resources(event: &mut Event, mut resources: Vec<String>) {
    if resources.is_empty() {
        return;
    }
    let mut list = Vec::new();
    for resource in &resources {
        list.push(if list.is_empty() { b'[' } else { b',' });
        push_string(&mut list, resource);
    }
    list.push(b']');
    let list = String::from_utf8_lossy(&list).into_owned();
    event.extensions.push((RESOURCES.to_owned(), Value::String(list)));
    if resources.len() == 1 {
        event.subject = resources.pop().filter(|resource| !resource.is_empty()).map(Text::from);
    }
}

/// Keeps the publisher's span where CloudEvents has a place for it; a header without a span starts no trace.
fn set_traceparent(event: &mut Event, header: Option<&str>) {
    let incoming = header.and_then(parse_xray);
    if let Some((incoming, span)) = incoming.and_then(|incoming| Some((incoming, incoming.parent?))) {
        let sampled = incoming.sampled.unwrap_or(false);
        let context = TraceContext { trace: incoming.trace, span, parent: None, sampled };
        event.extensions.push(("traceparent".to_owned(), Value::String(context.traceparent(span))));
    }
}
