//! The HTTP binding: which mode a request is in, and events as headers and body.

use std::borrow::Cow;

use ::http::HeaderMap;
use ::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use bytes::Bytes;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};
use serde_json::value::RawValue;

use crate::attribute::{self, EXTENSIONS_MAX, Invalid, essence, is_json};
use crate::error::DecodeError;
use crate::event::{Data, Event, Text, Value};
use crate::json;

/// The media type of one event in structured mode.
pub const STRUCTURED: &str = "application/cloudevents+json";

/// The media type of a batch of events.
pub const BATCH: &str = "application/cloudevents-batch+json";

/// How a request or a response carries events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode<'a> {
    /// The body is a JSON array of events.
    Batch,
    /// The body is one event.
    Structured,
    /// The headers are the attributes, the body is the payload.
    Binary,
    /// CloudEvents in another format than JSON, named by its media type; answer it with status 415.
    Unsupported(&'a str),
}

/// Tells the mode by the content type, whatever its case.
pub fn mode(content_type: Option<&str>) -> Mode<'_> {
    let essence = essence(content_type.unwrap_or_default());
    let is_or_begins = |text: &str| {
        essence.get(..text.len()).map(|start| (start.eq_ignore_ascii_case(text), essence.len() == text.len()))
    };
    match (is_or_begins(BATCH), is_or_begins(STRUCTURED), is_or_begins("application/cloudevents")) {
        (Some((true, true)), _, _) => Mode::Batch,
        (_, Some((true, true)), _) => Mode::Structured,
        (_, _, Some((true, _))) => Mode::Unsupported(essence),
        _ => Mode::Binary,
    }
}

/// Decodes an event in binary mode: `ce-` headers, the content type, and the body as payload.
///
/// An attribute other than the standard ones is a string: headers have no types.
///
/// # Errors
/// A header cannot be read, an attribute is missing or wrong, or the body is not the JSON its content type says.
pub fn decode_binary(headers: &HeaderMap, body: Bytes) -> Result<Event, DecodeError> {
    let mut attributes = Attributes::default();
    for (name, value) in headers {
        if let Some(attribute) = name.as_str().strip_prefix("ce-") {
            let text = decode_value(value.as_bytes()).map_err(|reason| header(name.as_str(), reason))?;
            attributes.set(attribute, &text)?;
        }
    }
    let mut event = attributes.finish()?;
    event.datacontenttype = content_type(headers)?;
    attribute::check(&event)?;
    event.data = payload(event.datacontenttype.as_deref(), body)?;
    Ok(event)
}

/// Encodes an event in binary mode.
///
/// A JSON payload without a media type gets `application/json`, since a body alone does not say what it is.
///
/// # Errors
/// The event was made by hand and an attribute of it fits no header; an event that was decoded never fails.
pub fn encode_binary(event: &Event) -> Result<(HeaderMap, Bytes), Invalid> {
    let mut headers = HeaderMap::with_capacity(10);
    headers.insert("ce-specversion", HeaderValue::from_static("1.0"));
    headers.insert("ce-id", encode_value("id", &event.id)?);
    headers.insert("ce-source", encode_value("source", &event.source)?);
    headers.insert("ce-type", encode_value("type", &event.kind)?);
    let optional =
        [("ce-subject", &event.subject), ("ce-time", &event.time), ("ce-dataschema", &event.dataschema)];
    for (name, text) in optional {
        if let Some(text) = text {
            headers.insert(name, encode_value(&name[3..], text)?);
        }
    }
    for (at, (name, value)) in event.extensions.iter().enumerate() {
        if at >= EXTENSIONS_MAX {
            return Err(Invalid::TooMany { field: name.clone() });
        }
        attribute::check_extension_name(name)?;
        let header = HeaderName::try_from(format!("ce-{name}"));
        let header = header.map_err(|_| Invalid::Name { field: name.clone() })?;
        headers.insert(header, extension_value(name, value)?);
    }
    let implied = matches!(event.data, Some(Data::Json(_))).then_some("application/json");
    if let Some(media_type) = event.datacontenttype.as_deref().or(implied) {
        let form = "a media type such as `application/json`";
        let value = HeaderValue::from_str(media_type).map_err(|_| Invalid::Form {
            field: "datacontenttype".to_owned(),
            value: media_type.to_owned(),
            form,
        })?;
        headers.insert(CONTENT_TYPE, value);
    }
    let body = event.data.as_ref().map(|data| data.bytes().clone()).unwrap_or_default();
    Ok((headers, body))
}

/// Encodes an event in structured mode.
pub fn encode_structured(event: &Event) -> (HeaderMap, Bytes) {
    let mut headers = HeaderMap::with_capacity(1);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(STRUCTURED));
    (headers, json::encode(event).into())
}

/// Encodes events in batched mode, which only a receiver that asked for it may get.
pub fn encode_batch<'a>(events: impl IntoIterator<Item = &'a Event>) -> (HeaderMap, Bytes) {
    let mut headers = HeaderMap::with_capacity(1);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(BATCH));
    (headers, json::encode_batch(events).into())
}

/// What the `ce-` headers say, as they come.
#[derive(Default)]
struct Attributes {
    version: Option<Text>,
    id: Option<Text>,
    source: Option<Text>,
    kind: Option<Text>,
    subject: Option<Text>,
    time: Option<Text>,
    dataschema: Option<Text>,
    extensions: Vec<(String, Value)>,
}

impl Attributes {
    fn set(&mut self, name: &str, text: &str) -> Result<(), DecodeError> {
        let slot = match name {
            "specversion" => &mut self.version,
            "id" => &mut self.id,
            "source" => &mut self.source,
            "type" => &mut self.kind,
            "subject" => &mut self.subject,
            "time" => &mut self.time,
            "dataschema" => &mut self.dataschema,
            "datacontenttype" => {
                return Err(header("ce-datacontenttype", "cannot be used: over HTTP it is `content-type`"));
            }
            _ if self.extensions.len() > EXTENSIONS_MAX => {
                return Err(Invalid::TooMany { field: name.to_owned() }.into());
            }
            _ => {
                self.extensions.push((name.to_owned(), Value::String(text.to_owned())));
                return Ok(());
            }
        };
        match slot.replace(text.into()) {
            Some(_) => Err(Invalid::Duplicate { field: name.to_owned() }.into()),
            None => Ok(()),
        }
    }

    fn finish(self) -> Result<Event, Invalid> {
        let version = self.version.ok_or(Invalid::Missing { field: "specversion" })?;
        if *version != *"1.0" {
            return Err(Invalid::SpecVersion { found: version.to_string() });
        }
        Ok(Event {
            id: self.id.ok_or(Invalid::Missing { field: "id" })?,
            source: self.source.ok_or(Invalid::Missing { field: "source" })?,
            kind: self.kind.ok_or(Invalid::Missing { field: "type" })?,
            subject: self.subject,
            time: self.time,
            datacontenttype: None,
            dataschema: self.dataschema,
            extensions: self.extensions,
            data: None,
        })
    }
}

fn header(name: &str, reason: &'static str) -> DecodeError {
    DecodeError::Header { name: name.to_owned(), reason }
}

/// The content type, unless there is none; the check of its form comes later, with all the others.
fn content_type(headers: &HeaderMap) -> Result<Option<Text>, DecodeError> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(header("content-type", "is there more than once"));
    }
    let text = value.to_str().map_err(|_| header("content-type", "holds characters that are not ASCII"))?;
    Ok(Some(text.trim_matches([' ', '\t']).into()))
}

fn payload(media_type: Option<&str>, body: Bytes) -> Result<Option<Data>, DecodeError> {
    if body.is_empty() {
        return Ok(None);
    }
    let Some(media_type) = media_type else { return Ok(Some(Data::Binary(body))) };
    if is_json(Some(media_type)) {
        return match serde_json::from_slice::<&RawValue>(&body) {
            Ok(_) => Ok(Some(Data::Json(body))),
            Err(error) => Err(DecodeError::Data {
                field: "data",
                wanted: "the JSON that `content-type` says",
                reason: error.to_string(),
            }),
        };
    }
    let is_text = is_text(media_type) && std::str::from_utf8(&body).is_ok();
    Ok(Some(if is_text { Data::Text(body) } else { Data::Binary(body) }))
}

/// Tells whether a media type is text for people, in UTF-8 or a part of it.
fn is_text(media_type: &str) -> bool {
    let lower = media_type.to_ascii_lowercase();
    let essence = essence(&lower);
    let text = essence.starts_with("text/") || essence.ends_with("/xml") || essence.ends_with("+xml");
    let charset = lower.split_once("charset=").map(|(_, rest)| rest.trim_start_matches('"'));
    text && charset.is_none_or(|name| name.starts_with("utf-8") || name.starts_with("us-ascii"))
}

/// Undoes the quotes of RFC 7230 if the whole value is quoted, then one round of percent-encoding.
fn decode_value(raw: &[u8]) -> Result<Cow<'_, str>, &'static str> {
    let unquoted = unquote(raw.trim_ascii())?;
    let utf8 = "is not UTF-8 once percent-decoded";
    match unquoted {
        Cow::Borrowed(bytes) if !bytes.contains(&b'%') => {
            std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| utf8)
        }
        bytes => String::from_utf8(percent_decode(&bytes).collect()).map(Cow::Owned).map_err(|_| utf8),
    }
}

fn unquote(raw: &[u8]) -> Result<Cow<'_, [u8]>, &'static str> {
    let Some(inner) = raw.strip_prefix(b"\"") else { return Ok(Cow::Borrowed(raw)) };
    let mut text = Vec::with_capacity(inner.len());
    let mut rest = inner.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'"' if rest.as_slice().is_empty() => return Ok(Cow::Owned(text)),
            b'"' => return Err("goes on after its closing quote"),
            b'\\' => text.push(*rest.next().ok_or("ends within its quotes")?),
            _ => text.push(*byte),
        }
    }
    Err("ends within its quotes")
}

/// What a header value cannot hold as it is: space, `"`, `%`, and all that is not printable ASCII.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

fn encode_value(field: &str, text: &str) -> Result<HeaderValue, Invalid> {
    let encoded: Cow<'_, str> = utf8_percent_encode(text, ESCAPED).into();
    HeaderValue::from_str(&encoded).map_err(|_| Invalid::Form {
        field: field.to_owned(),
        value: text.to_owned(),
        form: "a value for a header",
    })
}

fn extension_value(name: &str, value: &Value) -> Result<HeaderValue, Invalid> {
    match value {
        Value::String(text) => encode_value(name, text),
        Value::Integer(number) => Ok(HeaderValue::from(*number)),
        Value::Boolean(true) => Ok(HeaderValue::from_static("true")),
        Value::Boolean(false) => Ok(HeaderValue::from_static("false")),
    }
}
