//! Trace identity: one context, read from and written to `traceparent` and `X-Amzn-Trace-Id`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A 16-byte trace id. X-Ray and W3C write the same bytes differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TraceId(pub [u8; 16]);

/// An 8-byte span id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SpanId(pub [u8; 8]);

/// The place of an event in its trace; stored with the event, so that retries, restarts and replays stay in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The span of this router's `received` hop: the parent of every later hop.
    pub span: SpanId,
    /// The publisher's span, if it sent one.
    pub parent: Option<SpanId>,
    /// Whether exporters record the trace.
    pub sampled: bool,
}

/// An id was not the hexadecimal text it should be.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not {digits} hexadecimal digits with at least one that is not zero")]
pub struct InvalidId {
    text: String,
    digits: usize,
}

/// What a publisher's header says of the trace it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The trace.
    pub trace: TraceId,
    /// The publisher's span; a load balancer that starts a trace has none.
    pub parent: Option<SpanId>,
    /// The publisher's decision to record the trace; none if it leaves that to us.
    pub sampled: Option<bool>,
}

/// Ids that nobody has used: the span for this event, and the trace if no header brings one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// The trace that is started if there is none.
    pub trace: TraceId,
    /// The span of the `received` hop.
    pub span: SpanId,
}

/// Reads a W3C `traceparent`; nothing if it is malformed or all zero.
pub fn parse_traceparent(text: &str) -> Option<Incoming> {
    let text = text.trim_ascii();
    let mut fields = text.split('-');
    let (version, trace, parent, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let lower = |field: &str| field.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let well_formed =
        [version, trace, parent, flags].into_iter().all(lower) && version.len() == 2 && flags.len() == 2;
    // A later version may add fields; the first one has these four.
    if !well_formed || version == "ff" || (version == "00" && fields.next().is_some()) {
        return None;
    }
    let flags = u8::from_str_radix(flags, 16).ok()?;
    Some(Incoming {
        trace: trace.parse().ok()?,
        parent: Some(parent.parse().ok()?),
        sampled: Some(flags & 1 == 1),
    })
}

/// Reads an `X-Amzn-Trace-Id`; nothing if it has no valid `Root`.
///
/// Keys are read in any case and order; what is not `Root`, `Parent` or `Sampled` is left out.
pub fn parse_xray(text: &str) -> Option<Incoming> {
    let (mut trace, mut parent, mut sampled) = (None, None, None);
    for (key, value) in text.split(';').filter_map(|pair| pair.split_once('=')) {
        let (key, value) = (key.trim_ascii(), value.trim_ascii());
        if key.eq_ignore_ascii_case("root") {
            trace = trace.or_else(|| TraceId::from_xray(value));
        } else if key.eq_ignore_ascii_case("parent") {
            parent = parent.or_else(|| value.parse().ok());
        } else if key.eq_ignore_ascii_case("sampled") && matches!(value, "0" | "1") {
            sampled = sampled.or(Some(value == "1"));
        }
    }
    Some(Incoming { trace: trace?, parent, sampled })
}

impl TraceContext {
    /// Takes up the trace of the first header that can be read, or starts the fresh one.
    ///
    /// The headers are those of the hop (`X-Amzn-Trace-Id`, then `traceparent`), then the event's own `ce-traceparent`.
    pub fn start(
        xray: Option<&str>,
        traceparent: Option<&str>,
        ce_traceparent: Option<&str>,
        fresh: Fresh,
        default_sampled: bool,
    ) -> Self {
        let incoming = xray
            .and_then(parse_xray)
            .or_else(|| traceparent.and_then(parse_traceparent))
            .or_else(|| ce_traceparent.and_then(parse_traceparent));
        Self {
            trace: incoming.map_or(fresh.trace, |incoming| incoming.trace),
            span: fresh.span,
            parent: incoming.and_then(|incoming| incoming.parent),
            sampled: incoming.and_then(|incoming| incoming.sampled).unwrap_or(default_sampled),
        }
    }

    /// Writes the W3C `traceparent` that makes `span` the parent of what follows.
    pub fn traceparent(&self, span: SpanId) -> String {
        let flags = if self.sampled { "01" } else { "00" };
        ["00-", Hex::of(&self.trace.0).text(), "-", Hex::of(&span.0).text(), "-", flags].concat()
    }

    /// Writes the `X-Amzn-Trace-Id` that makes `span` the parent of what follows.
    pub fn xray(&self, span: SpanId) -> String {
        let trace = Hex::of(&self.trace.0);
        let (time, rest) = trace.text().split_at(8);
        let sampled = if self.sampled { "1" } else { "0" };
        ["Root=1-", time, "-", rest, ";Parent=", Hex::of(&span.0).text(), ";Sampled=", sampled].concat()
    }
}

impl TraceId {
    /// Returns the id as X-Ray writes it: `1-5759e988-bd862e3fe1be46a994272793`.
    pub fn to_xray(self) -> String {
        let hex = Hex::of(&self.0);
        let (time, rest) = hex.text().split_at(8);
        ["1-", time, "-", rest].concat()
    }

    /// Reads the id as X-Ray writes it; nothing if it is not.
    pub fn from_xray(text: &str) -> Option<Self> {
        let (time, rest) = text.strip_prefix("1-")?.split_once('-')?;
        if time.len() == 8 { format!("{time}{rest}").parse().ok() } else { None }
    }
}

fn decode_hex<const N: usize>(text: &str) -> Result<[u8; N], InvalidId> {
    let invalid = || InvalidId { text: text.to_owned(), digits: 2 * N };
    let digits = text.as_bytes();
    if digits.len() != 2 * N || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(invalid());
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let nibble = |digit: u8| match digit {
            b'0'..=b'9' => digit - b'0',
            _ => (digit | 0x20) - b'a' + 10,
        };
        *byte = nibble(pair[0]) << 4 | nibble(pair[1]);
    }
    if bytes.iter().all(|byte| *byte == 0) { Err(invalid()) } else { Ok(bytes) }
}

/// The digits of an id, which has 16 bytes at most: every delivery writes four.
struct Hex {
    digits: [u8; 32],
    length: usize,
}

impl Hex {
    fn of(bytes: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [b'0'; 32];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 0xf)];
        }
        Self { digits, length: 2 * bytes.len() }
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.digits[..self.length]).unwrap_or_default()
    }
}

macro_rules! hex_id {
    ($name:ident) => {
        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                decode_hex(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        /// Shows lower-case hexadecimal digits.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Hex::of(&self.0).text())
            }
        }
    };
}

hex_id!(TraceId);
hex_id!(SpanId);
