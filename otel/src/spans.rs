//! What a hop is as a span: names, kinds, ids, attributes, links, status.
//!
//! Attributes follow the semantic conventions of messaging and of CloudEvents; what they have no word for begins with
//! `railpost.`. One event is one trace, except that a release starts its own and links to the parts.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use event::hop::{Failure, Link as PartLink, Verdict, Via};
use event::{Hop, SpanId, Step, Timestamp, TraceId};
use opentelemetry::InstrumentationScope;
use opentelemetry::trace::{Link, SpanContext, SpanKind, Status, TraceFlags, TraceState};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use crate::attributes::attributes;

/// Returns the span that a hop is.
pub(crate) fn span(hop: &Hop) -> SpanData {
    let parent = hop.parent.map(|span| opentelemetry::SpanId::from_bytes(span.0));
    SpanData {
        span_context: context(hop.trace, hop.span),
        parent_span_id: parent.unwrap_or(opentelemetry::SpanId::INVALID),
        parent_span_is_remote: parent.is_some() && from_outside(&hop.step),
        span_kind: kind(&hop.step),
        name: Cow::Owned(name(hop)),
        start_time: instant(hop.started),
        end_time: instant(hop.ended.max(hop.started)),
        attributes: attributes(hop),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: links(&hop.step),
        status: status(&hop.step),
        instrumentation_scope: InstrumentationScope::builder("railpost")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build(),
    }
}

fn name(hop: &Hop) -> String {
    match &hop.step {
        Step::Received { .. } => format!("publish {}", hop.bus),
        Step::Matched { .. } => format!("match {}", hop.bus),
        Step::Gated { schema, .. } => format!("validate {schema}"),
        Step::Offered { aggregation, .. } => format!("aggregate.add {aggregation}"),
        Step::Released { aggregation, .. } => format!("aggregate {aggregation}"),
        Step::Attempted { consumer, .. } => format!("attempt {consumer}"),
        Step::Delivered { consumer, .. } => format!("deliver {consumer}"),
        Step::DeadLettered { consumer, .. } => format!("dead-letter {consumer}"),
    }
}

fn kind(step: &Step) -> SpanKind {
    match step {
        Step::Received { via: Via::Bus | Via::Release | Via::Replay | Via::DeadLetter, .. }
        | Step::Released { .. } => SpanKind::Consumer,
        Step::Received { .. } => SpanKind::Server,
        Step::Matched { .. } | Step::Gated { .. } | Step::Offered { .. } => SpanKind::Internal,
        Step::Attempted { .. } => SpanKind::Client,
        Step::Delivered { .. } | Step::DeadLettered { .. } => SpanKind::Producer,
    }
}

fn status(step: &Step) -> Status {
    match step {
        Step::Gated { verdict: Verdict::Skip | Verdict::DeadLetter, failure, schema, .. } => {
            Status::error(failure.as_ref().map_or_else(|| format!("not valid by {schema}"), gate_failure))
        }
        Step::Attempted { error: Some(error), .. } => Status::error(error.clone()),
        Step::DeadLettered { reason, .. } => Status::error(reason.clone()),
        _ => Status::Unset,
    }
}

fn links(step: &Step) -> SpanLinks {
    let mut links = SpanLinks::default();
    if let Step::Released { links: parts, .. } = step {
        let link = |part: &PartLink| Link::with_context(context(part.trace, part.span));
        links.links = parts.iter().map(link).collect();
    }
    links
}

fn gate_failure(failure: &Failure) -> String {
    match failure.path.as_str() {
        "" => failure.reason.clone(),
        path => format!("{path}: {}", failure.reason),
    }
}

/// Whether the span's parent is the publisher's.
fn from_outside(step: &Step) -> bool {
    matches!(step, Step::Received { via, .. } if !matches!(via, Via::Bus | Via::Release | Via::Replay | Via::DeadLetter))
}

fn context(trace: TraceId, span: SpanId) -> SpanContext {
    let trace = opentelemetry::TraceId::from_bytes(trace.0);
    let span = opentelemetry::SpanId::from_bytes(span.0);
    SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::default())
}

fn instant(timestamp: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(u64::try_from(timestamp.as_micros()).unwrap_or(0))
}
