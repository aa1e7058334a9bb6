//! Takes events in: limits, trace context, and the wait until they are durable.

use std::sync::Arc;

use event::hop::Via;
use event::stored::Stored;
use event::trace::Fresh;
use event::{Event, SpanId, Timestamp, TraceContext, TraceId, Value};
use http::HeaderMap;

use crate::bus::Bus;
use crate::clock;

/// The largest body of a request, and so the largest event: what EventBridge takes in one request.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;

/// The trace that a request belongs to, as its headers say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upstream {
    xray: Option<String>,
    traceparent: Option<String>,
}

impl Upstream {
    /// Reads the trace headers of a request.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Self { xray: text("x-amzn-trace-id"), traceparent: text("traceparent") }
    }

    /// Returns the same with an entry's own trace header, which counts more than the request's.
    pub(crate) fn with_entry_header(&self, header: Option<&str>) -> Self {
        Self {
            xray: header.map(str::to_owned).or_else(|| self.xray.clone()),
            traceparent: self.traceparent.clone(),
        }
    }
}

/// Puts events into a bus's log and returns once they are durable. Each event gets a trace context: the publisher's, or
/// one that starts here and is recorded with probability `sample`.
pub(crate) async fn accept(
    bus: &Arc<Bus>,
    events: Vec<(Event, Upstream)>,
    via: Via,
    sample: f64,
) -> Result<(), store::Error> {
    if events.is_empty() {
        return Ok(());
    }
    let received = clock::now();
    let stored = events.into_iter().map(|(event, upstream)| {
        let trace = trace_context(&event, &upstream, received, sample);
        Stored { received, via, trace, event }
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
