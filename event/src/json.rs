//! The JSON event format: one event (`application/cloudevents+json`) and a batch of them.
//!
//! Decoding walks the document once. The payload is a slice of the input: its numbers, key order and spaces survive.

mod members;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use std::fmt;

use crate::attribute::{self, is_json};
use crate::error::DecodeError;
use crate::event::{Data, Event, Value};
use crate::quote::{push_base64, push_member, push_string};
use members::{Members, MembersSeed};

/// Decodes one event.
///
/// # Errors
/// The document is not a JSON object, a member is there twice, or an attribute is missing or wrong.
pub fn decode(bytes: &Bytes) -> Result<Event, DecodeError> {
    let mut failure = None;
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    let members = MembersSeed { failure: &mut failure }.deserialize(&mut parser);
    match members.and_then(|members| parser.end().map(|()| members)) {
        Ok(members) => into_event(members, bytes),
        Err(error) => Err(failure.map_or_else(|| document(&error), DecodeError::Invalid)),
    }
}

/// Decodes a batch; `[]` is one too.
///
/// # Errors
/// The document is not a JSON array, or one of its events is wrong: the error says which.
pub fn decode_batch(bytes: &Bytes) -> Result<Vec<Event>, DecodeError> {
    let mut batch = Batch { input: bytes, events: Vec::new(), failure: None };
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    let read = serde::Deserializer::deserialize_seq(&mut parser, &mut batch).and_then(|()| parser.end());
    match (read, batch.failure) {
        (Ok(()), _) => Ok(batch.events),
        (Err(_), Some(cause)) => {
            Err(DecodeError::Batch { index: batch.events.len(), cause: Box::new(cause) })
        }
        (Err(error), None) => Err(DecodeError::NotBatch { reason: error.to_string() }),
    }
}

/// Encodes one event.
pub fn encode(event: &Event) -> Vec<u8> {
    let mut out = Vec::with_capacity(size_hint(event));
    push_event(&mut out, event);
    out
}

/// Encodes a batch.
pub fn encode_batch<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<u8> {
    let mut out = vec![b'['];
    for (at, event) in events.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        push_event(&mut out, event);
    }
    out.push(b']');
    out
}

struct Batch<'b> {
    input: &'b Bytes,
    events: Vec<Event>,
    failure: Option<DecodeError>,
}

impl<'de> Visitor<'de> for &mut Batch<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        loop {
            let mut failure = None;
            let element = elements.next_element_seed(MembersSeed { failure: &mut failure });
            if let Some(invalid) = failure {
                self.failure = Some(invalid.into());
            }
            let Some(members) = element? else { return Ok(()) };
            match into_event(members, self.input) {
                Ok(event) => self.events.push(event),
                Err(cause) => {
                    self.failure = Some(cause);
                    return Err(serde::de::Error::custom("an event of the batch is wrong"));
                }
            }
        }
    }
}

fn document(error: &serde_json::Error) -> DecodeError {
    DecodeError::Document { reason: error.to_string() }
}

fn into_event(members: Members<'_>, input: &Bytes) -> Result<Event, DecodeError> {
    let Members { mut event, data, data_base64 } = members;
    attribute::check(&event)?;
    event.data = match (data, data_base64) {
        (Some(_), Some(_)) => return Err(DecodeError::TwoPayloads),
        (None, None) => None,
        (None, Some(text)) => Some(from_base64(&text)?),
        (Some(raw), None) if is_json(event.datacontenttype.as_deref()) => {
            Some(Data::Json(input.slice_ref(raw.get().as_bytes())))
        }
        (Some(raw), None) => Some(from_string(raw.get())?),
    };
    Ok(event)
}

fn from_base64(text: &str) -> Result<Data, DecodeError> {
    match STANDARD.decode(text) {
        Ok(bytes) => Ok(Data::Binary(bytes.into())),
        Err(error) => {
            Err(DecodeError::Data { field: "data_base64", wanted: "base64", reason: error.to_string() })
        }
    }
}

fn from_string(raw: &str) -> Result<Data, DecodeError> {
    match serde_json::from_str::<String>(raw) {
        Ok(text) => Ok(Data::Text(text.into())),
        Err(error) => {
            let wanted = "a JSON string, as a `datacontenttype` that is not JSON asks for";
            Err(DecodeError::Data { field: "data", wanted, reason: error.to_string() })
        }
    }
}

fn size_hint(event: &Event) -> usize {
    let data = event.data.as_ref().map_or(0, |data| data.bytes().len());
    256 + event.id.len() + event.source.len() + event.kind.len() + data + 48 * event.extensions.len()
}

fn push_event(out: &mut Vec<u8>, event: &Event) {
    out.extend_from_slice(br#"{"specversion":"1.0","#);
    push_member(out, "id", &event.id);
    push_member(out, "source", &event.source);
    push_member(out, "type", &event.kind);
    let optional = [
        ("subject", &event.subject),
        ("time", &event.time),
        ("datacontenttype", &event.datacontenttype),
        ("dataschema", &event.dataschema),
    ];
    for (name, text) in optional {
        if let Some(text) = text {
            push_member(out, name, text);
        }
    }
    for (name, value) in &event.extensions {
        push_string(out, name);
        out.push(b':');
        push_value(out, value);
        out.push(b',');
    }
    if let Some(data) = &event.data {
        push_data(out, data, is_json(event.datacontenttype.as_deref()));
    } else {
        out.pop();
    }
    out.push(b'}');
}

/// Writes the payload in the one form from which a reader gets the same bytes back.
fn push_data(out: &mut Vec<u8>, data: &Data, reads_as_json: bool) {
    let text = match data {
        Data::Json(bytes) if reads_as_json => {
            out.extend_from_slice(br#""data":"#);
            return out.extend_from_slice(bytes);
        }
        Data::Json(bytes) | Data::Text(bytes) if !reads_as_json => std::str::from_utf8(bytes).ok(),
        _ => None,
    };
    if let Some(text) = text {
        out.extend_from_slice(br#""data":"#);
        push_string(out, text);
    } else {
        out.extend_from_slice(br#""data_base64":"#);
        push_base64(out, data.bytes());
    }
}

/// Writes an extension's value as a JSON value.
pub(crate) fn push_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::String(text) => push_string(out, text),
        Value::Integer(_) | Value::Boolean(_) => out.extend_from_slice(value.to_string().as_bytes()),
    }
}
