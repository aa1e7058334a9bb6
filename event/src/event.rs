//! [`Event`]: one CloudEvents 1.0 event, payload bytes kept verbatim.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// A text that is cheap to clone: those of an event and of the configuration are in every hop.
pub type Text = Arc<str>;

/// One CloudEvents 1.0 event.
///
/// The required attributes are plain fields; `time` keeps the text it came with; `data` keeps the bytes it came with.
/// Decoders check names and values, so that an `Event` made by this crate is valid by construction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Identifies the event within its source; never empty.
    pub id: Text,
    /// Where the event comes from: a URI reference; never empty.
    pub source: Text,
    /// What happened; EventBridge calls it `detail-type`; never empty.
    pub kind: Text,
    /// What it happened to.
    pub subject: Option<Text>,
    /// When it happened: RFC 3339, in the publisher's own text.
    pub time: Option<Text>,
    /// The media type of `data`.
    pub datacontenttype: Option<Text>,
    /// An absolute URI of the schema that `data` follows.
    pub dataschema: Option<Text>,
    /// Extension attributes in the order they came, each name once.
    pub extensions: Vec<(String, Value)>,
    /// The payload.
    pub data: Option<Data>,
}

/// The value of an extension attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Any text; also URIs, timestamps and base64, which the formats do not tell apart.
    String(String),
    /// A 32-bit integer.
    Integer(i32),
    /// True or false.
    Boolean(bool),
}

/// A payload and how a structured encoding writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// One valid JSON value, verbatim.
    Json(Bytes),
    /// UTF-8 text that is not JSON.
    Text(Bytes),
    /// Anything else.
    Binary(Bytes),
}

impl Event {
    /// Returns an event with the required attributes and nothing else.
    pub fn new(id: impl Into<Text>, source: impl Into<Text>, kind: impl Into<Text>) -> Self {
        Self {
            id: id.into(),
            source: source.into(),
            kind: kind.into(),
            subject: None,
            time: None,
            datacontenttype: None,
            dataschema: None,
            extensions: Vec::new(),
            data: None,
        }
    }

    /// Returns the extension of that name.
    pub fn extension(&self, name: &str) -> Option<&Value> {
        self.extensions.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Sets an extension, replacing one of the same name.
    pub fn set_extension(&mut self, name: &str, value: Value) {
        match self.extensions.iter_mut().find(|(key, _)| key == name) {
            Some(slot) => slot.1 = value,
            None => self.extensions.push((name.to_owned(), value)),
        }
    }

    /// Returns the payload as JSON text, if it is JSON.
    pub fn json(&self) -> Option<&Bytes> {
        match &self.data {
            Some(Data::Json(bytes)) => Some(bytes),
            _ => None,
        }
    }
}

impl Data {
    /// Returns the payload's bytes, whatever its form.
    pub fn bytes(&self) -> &Bytes {
        match self {
            Self::Json(bytes) | Self::Text(bytes) | Self::Binary(bytes) => bytes,
        }
    }
}

/// Shows the canonical string form of the CloudEvents type system.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => f.write_str(text),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Boolean(flag) => write!(f, "{flag}"),
        }
    }
}
