//! Takes events in: limits, trace context, and the wait until they are durable.

use std::sync::Arc;

use event::hop::Via;
use event::stored::Stored;
use event::trace::Fresh;
use event::{Event, SpanId, Timestamp, TraceContext, TraceId, Value};
use http::HeaderMap;
use store::Appended;

use crate::bus::Bus;
use crate::clock;

/// The largest body of a request of CloudEvents, and so the largest event.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;

/// How deep a payload may nest: what patterns, schemas and keys can all read.
pub(crate) const DEPTH_MAX: usize = 100;

/// Bytes of one attribute, at most: what an event of the size that everybody must forward could hold.
pub(crate) const ATTRIBUTE_BYTES_MAX: usize = 64 << 10;

/// Why an event that is valid is not taken all the same.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("the payload nests deeper than {DEPTH_MAX} levels")]
    Deep,
    #[error("`{field}` is longer than {ATTRIBUTE_BYTES_MAX} bytes")]
    Long { field: String },
}

impl Unfit {
    /// Returns the attribute at fault.
    pub(crate) fn field(&self) -> &str {
        match self {
            Self::Deep => "data",
            Self::Long { field } => field,
        }
    }
}

/// Checks what the formats leave open and the router does not.
pub(crate) fn check(event: &Event) -> Result<(), Unfit> {
    let required = [("id", Some(&event.id)), ("source", Some(&event.source)), ("type", Some(&event.kind))];
    let attributes = required.into_iter().chain([("subject", event.subject.as_ref())]);
    for (field, text) in attributes {
        if text.is_some_and(|text| text.len() > ATTRIBUTE_BYTES_MAX) {
            return Err(Unfit::Long { field: field.to_owned() });
        }
    }
    if is_too_deep(event) { Err(Unfit::Deep) } else { Ok(()) }
}

fn is_too_deep(event: &Event) -> bool {
    let Some(json) = event.json() else { return false };
    // Most payloads have too few brackets to nest so deep; counting them is quicker than following them.
    if json.iter().filter(|byte| matches!(byte, b'{' | b'[')).count() <= DEPTH_MAX {
        return false;
    }
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    json.iter().any(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > DEPTH_MAX
    })
}

/// The trace that a request belongs to, as its headers say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upstream {
    xray: Option<String>,
    traceparent: Option<String>,
    path: String,
}

/// The header in which an event's path comes from another router and goes to the next.
const PATH_HEADER: &str = "railpost-path";
/// Bytes of a path, at most; a longer one is cut to its last part, which is long enough to be stopped.
const PATH_BYTES_MAX: usize = 4 << 10;

impl Upstream {
    /// Reads the trace headers of a request.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let path = text(PATH_HEADER).map(|path| last_part(&path).to_owned()).unwrap_or_default();
        Self { xray: text("x-amzn-trace-id"), traceparent: text("traceparent"), path }
    }

    /// Returns the same with an entry's own trace header, which counts more than the request's.
    pub(crate) fn with_entry_header(&self, header: Option<&str>) -> Self {
        Self {
            xray: header.map(str::to_owned).or_else(|| self.xray.clone()),
            traceparent: self.traceparent.clone(),
            path: self.path.clone(),
        }
    }
}

/// Returns the end of a path that is too long, from a comma on.
fn last_part(path: &str) -> &str {
    let path = path.trim();
    let Some(cut) = path.len().checked_sub(PATH_BYTES_MAX).filter(|cut| *cut > 0) else { return path };
    let tail = path.get(cut..).unwrap_or_default();
    tail.split_once(',').map_or(tail, |(_, rest)| rest)
}

/// Puts events into a bus's log and returns where they are once they are durable. Each event gets a trace context: the publisher's, or
/// one that starts here and is recorded with probability `sample`.
pub(crate) async fn accept(
    bus: &Arc<Bus>,
    events: Vec<(Event, Upstream)>,
    via: Via,
    sample: f64,
) -> Result<Vec<Appended>, store::Error> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let received = clock::now();
    let stored = events.into_iter().map(|(event, upstream)| {
        let trace = trace_context(&event, &upstream, received, sample);
        Stored { path: upstream.path, ..Stored::new(received, via, trace, event) }
    });
    bus.accept(stored.collect()).await
}

fn trace_context(event: &Event, upstream: &Upstream, now: Timestamp, sample: f64) -> TraceContext {
    let own = match event.extension("traceparent") {
        Some(Value::String(text)) => Some(text.as_str()),
        _ => None,
    };
    TraceContext::start(
        upstream.xray.as_deref(),
        upstream.traceparent.as_deref(),
        own,
        fresh(now),
        fastrand::f64() < sample,
    )
}

/// Returns ids for a trace that starts here; X-Ray wants the seconds in front.
fn fresh(now: Timestamp) -> Fresh {
    let mut trace = fastrand::u128(1..).to_be_bytes();
    let seconds = u32::try_from(now.as_seconds()).unwrap_or(0);
    trace[..4].copy_from_slice(&seconds.to_be_bytes());
    Fresh { trace: TraceId(trace), span: SpanId(fastrand::u64(1..).to_be_bytes()) }
}
