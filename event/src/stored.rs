//! [`Stored`]: an event with its receipt, in the compact form in which the log keeps it.
//!
//! Version 2: the version byte, how and when the event came, how long after that it came into this log, its trace, its
//! path, its note, its attributes, its payload. Version 1, which is still read, has no time in the log, no path and no
//! note. Lengths and counts are variable-length integers, seven bits a byte, the lowest first. The log has its own
//! checksum; here every length is checked against what is there, and the rules of CloudEvents are not asked again.

use bytes::{Buf, Bytes};

use crate::event::{Data, Event, Text, Value};
use crate::hop::Via;
use crate::time::Timestamp;
use crate::trace::{SpanId, TraceContext, TraceId};

/// The version that is written.
const VERSION: u8 = 2;
/// The oldest version that is read.
const OLDEST: u8 = 1;

const SAMPLED: u8 = 1;
const HAS_PARENT: u8 = 2;

/// An event as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// When it was received.
    pub received: Timestamp,
    /// When it came into this log: later than it was received where it is replayed or a dead letter.
    pub logged: Timestamp,
    /// How it came.
    pub via: Via,
    /// Its place in its trace.
    pub trace: TraceContext,
    /// The buses that it passed through before, of this router and others, the first one first, with commas between;
    /// empty for an event that was published here.
    pub path: String,
    /// What the router keeps with it, in a form that `via` tells.
    pub note: Option<Bytes>,
    /// The event.
    pub event: Event,
}

/// A stored event cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredError {
    /// It was written by a later release, or is no stored event.
    #[error("the stored event has format version {found}, and {VERSION} is the latest known here")]
    Version {
        /// The version it has.
        found: u8,
    },
    /// It ends early.
    #[error("the stored event ends within `{field}`: {wanted} bytes wanted, {left} left")]
    Truncated {
        /// The field.
        field: &'static str,
        /// Bytes that the field takes.
        wanted: u64,
        /// Bytes that are left.
        left: usize,
    },
    /// A text is not UTF-8.
    #[error("`{field}` of the stored event is not UTF-8")]
    NotUtf8 {
        /// The field.
        field: &'static str,
    },
    /// A byte has no meaning at its place.
    #[error("`{field}` of the stored event is {found}, which has no meaning")]
    Unknown {
        /// The field.
        field: &'static str,
        /// What is there.
        found: u64,
    },
    /// It does not end with its payload.
    #[error("the stored event goes on for {left} bytes after its payload")]
    Trailing {
        /// Bytes too many.
        left: usize,
    },
}

impl Stored {
    /// Returns an event that comes into a log as it is received, from nowhere else.
    pub fn new(received: Timestamp, via: Via, trace: TraceContext, event: Event) -> Self {
        Self { received, logged: received, via, trace, path: String::new(), note: None, event }
    }

    /// Writes the event in its stored form.
    pub fn encode(&self) -> Bytes {
        let event = &self.event;
        let data = event.data.as_ref().map_or(0, |data| data.bytes().len());
        let mut out = Vec::with_capacity(192 + event.id.len() + event.source.len() + event.kind.len() + data);
        out.push(VERSION);
        out.push(via_code(self.via));
        push_signed(&mut out, self.received.as_micros());
        push_signed(&mut out, self.logged.as_micros().wrapping_sub(self.received.as_micros()));
        push_trace(&mut out, &self.trace);
        push_bytes(&mut out, self.path.as_bytes());
        out.push(u8::from(self.note.is_some()));
        self.note.iter().for_each(|note| push_bytes(&mut out, note));
        push_attributes(&mut out, event);
        let (code, bytes): (u8, &[u8]) = match &event.data {
            None => (0, &[]),
            Some(Data::Json(bytes)) => (1, bytes),
            Some(Data::Text(bytes)) => (2, bytes),
            Some(Data::Binary(bytes)) => (3, bytes),
        };
        out.push(code);
        if code > 0 {
            push_bytes(&mut out, bytes);
        }
        out.into()
    }

    /// Reads an event from its stored form; the payload is a slice of the input.
    ///
    /// # Errors
    /// The version is unknown, or the bytes are cut, too many, or not what was written.
    pub fn decode(bytes: Bytes) -> Result<Self, StoredError> {
        let mut reader = Reader { rest: bytes };
        let version = match reader.byte("version")? {
            version @ OLDEST..=VERSION => version,
            found => return Err(StoredError::Version { found }),
        };
        let via = via_of(reader.byte("via")?)?;
        let received = reader.signed("received")?;
        let wait = if version > 1 { reader.signed("logged")? } else { 0 };
        let trace = reader.trace()?;
        let path = if version > 1 { reader.text("path")? } else { String::new() };
        let note = if version > 1 { reader.note()? } else { None };
        let mut event = reader.attributes()?;
        event.data = reader.data()?;
        match reader.rest.len() {
            0 => {
                let logged = Timestamp::from_micros(received.wrapping_add(wait));
                let received = Timestamp::from_micros(received);
                Ok(Self { received, logged, via, trace, path, note, event })
            }
            left => Err(StoredError::Trailing { left }),
        }
    }
}

fn via_code(via: Via) -> u8 {
    match via {
        Via::HttpBinary => 0,
        Via::HttpStructured => 1,
        Via::HttpBatch => 2,
        Via::PutEvents => 3,
        Via::Bus => 4,
        Via::Release => 5,
        Via::Replay => 6,
        Via::DeadLetter => 7,
    }
}

fn via_of(code: u8) -> Result<Via, StoredError> {
    Ok(match code {
        0 => Via::HttpBinary,
        1 => Via::HttpStructured,
        2 => Via::HttpBatch,
        3 => Via::PutEvents,
        4 => Via::Bus,
        5 => Via::Release,
        6 => Via::Replay,
        7 => Via::DeadLetter,
        _ => return Err(unknown("via", code)),
    })
}

fn unknown(field: &'static str, found: u8) -> StoredError {
    StoredError::Unknown { field, found: found.into() }
}

fn push_trace(out: &mut Vec<u8>, trace: &TraceContext) {
    let sampled = if trace.sampled { SAMPLED } else { 0 };
    out.push(sampled | if trace.parent.is_some() { HAS_PARENT } else { 0 });
    out.extend_from_slice(&trace.trace.0);
    out.extend_from_slice(&trace.span.0);
    if let Some(parent) = trace.parent {
        out.extend_from_slice(&parent.0);
    }
}

fn push_attributes(out: &mut Vec<u8>, event: &Event) {
    push_bytes(out, event.id.as_bytes());
    push_bytes(out, event.source.as_bytes());
    push_bytes(out, event.kind.as_bytes());
    let optional = [&event.subject, &event.time, &event.datacontenttype, &event.dataschema];
    let present = optional.iter().enumerate().map(|(at, text)| u8::from(text.is_some()) << at).sum();
    out.push(present);
    for text in optional.into_iter().flatten() {
        push_bytes(out, text.as_bytes());
    }
    push_unsigned(out, event.extensions.len() as u64);
    for (name, value) in &event.extensions {
        push_bytes(out, name.as_bytes());
        match value {
            Value::String(text) => {
                out.push(0);
                push_bytes(out, text.as_bytes());
            }
            Value::Integer(number) => {
                out.push(1);
                push_signed(out, i64::from(*number));
            }
            Value::Boolean(flag) => out.push(2 + u8::from(*flag)),
        }
    }
}

fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    push_unsigned(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn push_signed(out: &mut Vec<u8>, number: i64) {
    push_unsigned(out, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

fn push_unsigned(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// What is left of a stored event.
struct Reader {
    rest: Bytes,
}

impl Reader {
    fn byte(&mut self, field: &'static str) -> Result<u8, StoredError> {
        self.rest.try_get_u8().map_err(|_| StoredError::Truncated { field, wanted: 1, left: 0 })
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], StoredError> {
        let mut bytes = [0; N];
        let left = self.rest.len();
        let copied = self.rest.try_copy_to_slice(&mut bytes);
        copied.map(|()| bytes).map_err(|_| StoredError::Truncated { field, wanted: N as u64, left })
    }

    fn unsigned(&mut self, field: &'static str) -> Result<u64, StoredError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte(field)?;
            if shift == 63 && byte > 1 {
                return Err(unknown(field, byte));
            }
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Ok(number)
    }

    fn signed(&mut self, field: &'static str) -> Result<i64, StoredError> {
        let number = self.unsigned(field)?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    fn length(&mut self, field: &'static str) -> Result<usize, StoredError> {
        let wanted = self.unsigned(field)?;
        let left = self.rest.len();
        match usize::try_from(wanted) {
            Ok(length) if length <= left => Ok(length),
            _ => Err(StoredError::Truncated { field, wanted, left }),
        }
    }

    fn bytes(&mut self, field: &'static str) -> Result<Bytes, StoredError> {
        let length = self.length(field)?;
        Ok(self.rest.split_to(length))
    }

    fn text<T: for<'a> From<&'a str>>(&mut self, field: &'static str) -> Result<T, StoredError> {
        let length = self.length(field)?;
        let text = std::str::from_utf8(&self.rest[..length]).map(T::from);
        self.rest.advance(length);
        text.map_err(|_| StoredError::NotUtf8 { field })
    }

    fn trace(&mut self) -> Result<TraceContext, StoredError> {
        let flags = self.byte("trace flags")?;
        if flags > SAMPLED | HAS_PARENT {
            return Err(unknown("trace flags", flags));
        }
        let trace = TraceId(self.array("trace")?);
        let span = SpanId(self.array("span")?);
        let parent = if flags & HAS_PARENT > 0 { Some(SpanId(self.array("parent")?)) } else { None };
        Ok(TraceContext { trace, span, parent, sampled: flags & SAMPLED > 0 })
    }

    fn note(&mut self) -> Result<Option<Bytes>, StoredError> {
        match self.byte("note")? {
            0 => Ok(None),
            1 => self.bytes("note").map(Some),
            code => Err(unknown("note", code)),
        }
    }

    fn attributes(&mut self) -> Result<Event, StoredError> {
        let (id, source, kind): (Text, Text, Text) =
            (self.text("id")?, self.text("source")?, self.text("type")?);
        let mut event = Event::new(id, source, kind);
        let present = self.byte("attributes")?;
        if present > 0b1111 {
            return Err(unknown("attributes", present));
        }
        let mut optional =
            |at: u8, field| if present >> at & 1 == 1 { self.text(field).map(Some) } else { Ok(None) };
        event.subject = optional(0, "subject")?;
        event.time = optional(1, "time")?;
        event.datacontenttype = optional(2, "datacontenttype")?;
        event.dataschema = optional(3, "dataschema")?;
        // An extension takes two bytes at least, so that the count cannot ask for more memory than was read.
        let count = self.length("extensions")?;
        event.extensions.reserve_exact(count.min(self.rest.len() / 2));
        for _ in 0..count {
            let extension = (self.text("extension")?, self.value()?);
            event.extensions.push(extension);
        }
        Ok(event)
    }

    fn value(&mut self) -> Result<Value, StoredError> {
        Ok(match self.byte("extension")? {
            0 => Value::String(self.text("extension")?),
            1 => {
                let number = self.signed("extension")?;
                let found = number.cast_unsigned();
                let number = i32::try_from(number);
                Value::Integer(number.map_err(|_| StoredError::Unknown { field: "extension", found })?)
            }
            2 => Value::Boolean(false),
            3 => Value::Boolean(true),
            code => return Err(unknown("extension", code)),
        })
    }

    fn data(&mut self) -> Result<Option<Data>, StoredError> {
        Ok(match self.byte("data")? {
            0 => None,
            1 => Some(Data::Json(self.utf8_bytes("data")?)),
            2 => Some(Data::Text(self.utf8_bytes("data")?)),
            3 => Some(Data::Binary(self.bytes("data")?)),
            code => return Err(unknown("data", code)),
        })
    }

    fn utf8_bytes(&mut self, field: &'static str) -> Result<Bytes, StoredError> {
        let bytes = self.bytes(field)?;
        std::str::from_utf8(&bytes).map_err(|_| StoredError::NotUtf8 { field })?;
        Ok(bytes)
    }
}
