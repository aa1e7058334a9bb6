//! What a hop is as an X-Ray document, within the limits of X-Ray.
//!
//! Buses, aggregations and consumers are the nodes of the service map, so what enters or leaves one is a segment:
//! received, released, delivered, dead-lettered. Attempts, refusals by a gate and offers to an aggregation are subsegments
//! of those, each in its own document: what is slow to end need not wait, and no document grows with its trace. An attempt
//! is a call to a remote service. A hop without a parent is a segment too, for X-Ray takes no subsegment without one.
//! A match, and a gate that was passed, have no document: they take no time and nothing follows from them, so that no
//! other document has them as its parent.
//!
//! # What `opentelemetry-aws` does here
//! It writes the trace ids, and its propagator is what the tests compare the headers of [`event::trace`] with. Its X-Ray
//! exporter (version 0.21) is not used: it makes segments of server spans only, so a release or a dead letter would be no
//! node; it refuses a trace id whose first bytes are not a recent time, drops links, and gives up the rest of a batch at
//! the first document that is too large. Nor does its propagator read headers: it refuses lower-case keys and a space
//! after the semicolon, and hands `Self` on to the next service.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use event::hop::Verdict;
use event::{Hop, Step};
use opentelemetry::trace::{SpanContext, Status};
use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_aws::trace::xray_propagator::span_context_to_string;
use opentelemetry_sdk::trace::SpanData;
use serde::Serialize;

use crate::attributes::peer;
use crate::spans::span;

/// Bytes of a document: below 64 kB however that is read, and below what one datagram holds.
const DOCUMENT_BYTES_MAX: usize = 63_000;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 200;
/// Characters of any other string.
const STRING_CHARS_MAX: usize = 250;
/// Links of a segment; the others are in the OTLP span only.
const LINKS_MAX: usize = 20;
/// Attributes that X-Ray indexes; all of them are in the metadata.
const ANNOTATED: [&str; 9] = [
    "cloudevents.event_id",
    "cloudevents.event_source",
    "cloudevents.event_type",
    "railpost.aggregation",
    "railpost.bus",
    "railpost.consumer",
    "railpost.group.key",
    "railpost.outcome",
    "railpost.verdict",
];

/// One document, as the daemon takes it.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) json: Vec<u8>,
    /// Whether it lost links or metadata to a limit.
    pub(crate) truncated: bool,
}

#[derive(Serialize)]
struct Segment {
    name: String,
    id: String,
    trace_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'static str>,
    start_time: f64,
    end_time: f64,
    #[serde(skip_serializing_if = "is_false")]
    error: bool,
    #[serde(skip_serializing_if = "is_false")]
    throttle: bool,
    #[serde(skip_serializing_if = "is_false")]
    fault: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<Http>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<Service>,
    annotations: BTreeMap<String, String>,
    metadata: BTreeMap<&'static str, BTreeMap<String, serde_json::Value>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link>,
}

#[derive(Serialize)]
struct Cause {
    exceptions: [Exception; 1],
}

#[derive(Serialize)]
struct Exception {
    id: String,
    message: String,
    r#type: String,
    remote: bool,
}

#[derive(Serialize)]
struct Http {
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Request>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Response>,
}

#[derive(Serialize)]
struct Request {
    url: String,
}

#[derive(Serialize)]
struct Response {
    status: u16,
}

#[derive(Serialize)]
struct Service {
    version: &'static str,
}

#[derive(Serialize)]
struct Link {
    trace_id: String,
    id: String,
}

/// Whether such a hop has a document.
pub(crate) fn is_documented(step: &Step) -> bool {
    !matches!(step, Step::Matched { .. } | Step::Gated { verdict: Verdict::Deliver, .. })
}

/// Returns the document that a hop is; `service` is the router's name in traces.
pub(crate) fn document(hop: &Hop, service: &str) -> Document {
    let span = span(hop);
    let mut segment = Segment::new(hop, service, &span);
    let json = segment.encode();
    if json.len() <= DOCUMENT_BYTES_MAX {
        return Document { json, truncated: span.links.len() > LINKS_MAX };
    }
    // All else has its own bound.
    segment.metadata =
        BTreeMap::from([("railpost", BTreeMap::from([("truncated".to_owned(), true.into())]))]);
    Document { json: segment.encode(), truncated: true }
}

impl Segment {
    fn new(hop: &Hop, service: &str, span: &SpanData) -> Self {
        let node = node(hop);
        let whole = node.is_some() || hop.parent.is_none();
        let (error, throttle, fault) = flags(&hop.step);
        let remote = matches!(hop.step, Step::Attempted { .. });
        let own_name = match (&hop.step, node) {
            (_, Some((sort, node))) => format!("{service}/{sort}/{node}"),
            (Step::Attempted { target, .. }, None) => peer(target).to_owned(),
            (_, None) => span.name.clone().into_owned(),
        };
        Self {
            name: name(&own_name),
            id: span.span_context.span_id().to_string(),
            trace_id: trace_id(&span.span_context),
            parent_id: hop.parent.map(|parent| parent.to_string()),
            r#type: (!whole).then_some("subsegment"),
            namespace: (!whole && remote).then_some("remote"),
            start_time: seconds(span.start_time),
            end_time: seconds(span.end_time),
            error,
            throttle,
            fault,
            cause: cause(span, remote),
            http: http(&hop.step),
            service: whole.then_some(Service { version: env!("CARGO_PKG_VERSION") }),
            annotations: annotations(&span.attributes, service),
            metadata: BTreeMap::from([("railpost", metadata(&span.attributes))]),
            links: span.links.iter().take(LINKS_MAX).map(|link| Link::new(&link.span_context)).collect(),
        }
    }

    #[expect(clippy::expect_used, reason = "texts, finite numbers and maps keyed by text are always JSON")]
    fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a segment is JSON")
    }
}

impl Link {
    fn new(context: &SpanContext) -> Self {
        Self { trace_id: trace_id(context), id: context.span_id().to_string() }
    }
}

/// Returns the node of the service map that the hop is a visit to, if it is one: its sort and its name.
fn node(hop: &Hop) -> Option<(&'static str, &str)> {
    match &hop.step {
        Step::Received { .. } => Some(("bus", &hop.bus)),
        Step::Released { aggregation, .. } => Some(("aggregation", aggregation)),
        Step::Delivered { consumer, .. } | Step::DeadLettered { consumer, .. } => {
            Some(("consumer", consumer))
        }
        _ => None,
    }
}

/// Returns X-Ray's `error`, `throttle` and `fault`: the caller's mistake, too many calls, anything else that failed.
fn flags(step: &Step) -> (bool, bool, bool) {
    match step {
        Step::Attempted { error: Some(_), status: Some(429), .. } => (true, true, false),
        Step::Attempted { error: Some(_), status: Some(400..=499), .. }
        | Step::Gated { verdict: Verdict::Skip | Verdict::DeadLetter, .. } => (true, false, false),
        Step::Attempted { error: Some(_), .. } | Step::DeadLettered { .. } => (false, false, true),
        _ => (false, false, false),
    }
}

fn cause(span: &SpanData, remote: bool) -> Option<Cause> {
    let Status::Error { description } = &span.status else { return None };
    let kind = span.attributes.iter().find(|attribute| attribute.key.as_str() == "error.type");
    // An exception has an id of its own, which must be the same if the document is sent again.
    let id = u64::from_be_bytes(span.span_context.span_id().to_bytes());
    Some(Cause {
        exceptions: [Exception {
            id: format!("{:016x}", !id),
            message: cut(description, STRING_CHARS_MAX),
            r#type: kind.map_or_else(|| "error".to_owned(), |kind| kind.value.as_str().into_owned()),
            remote,
        }],
    })
}

fn http(step: &Step) -> Option<Http> {
    let Step::Attempted { target, status, .. } = step else { return None };
    let is_url = target.starts_with("http://") || target.starts_with("https://");
    let request = is_url.then(|| Request { url: cut(target, STRING_CHARS_MAX) });
    let response = status.map(|status| Response { status });
    (request.is_some() || response.is_some()).then_some(Http { request, response })
}

fn annotations(attributes: &[KeyValue], service: &str) -> BTreeMap<String, String> {
    let indexed = attributes.iter().filter(|attribute| ANNOTATED.contains(&attribute.key.as_str()));
    // Only letters, digits and underscores may be in the key.
    let text = |attribute: &KeyValue| {
        (attribute.key.as_str().replace('.', "_"), cut(&attribute.value.as_str(), STRING_CHARS_MAX))
    };
    let own = ("service".to_owned(), cut(service, STRING_CHARS_MAX));
    indexed.map(text).chain([own]).collect()
}

fn metadata(attributes: &[KeyValue]) -> BTreeMap<String, serde_json::Value> {
    let json = |value: &Value| match value {
        Value::Bool(value) => (*value).into(),
        Value::I64(value) => (*value).into(),
        Value::F64(value) => (*value).into(),
        Value::Array(Array::String(values)) => {
            values.iter().map(|value| cut(value.as_str(), STRING_CHARS_MAX)).collect()
        }
        other => cut(&other.as_str(), STRING_CHARS_MAX).into(),
    };
    attributes.iter().map(|attribute| (attribute.key.to_string(), json(&attribute.value))).collect()
}

/// Writes the trace as X-Ray does: `1-5759e988-bd862e3fe1be46a994272793`.
fn trace_id(context: &SpanContext) -> String {
    let header = span_context_to_string(context).unwrap_or_default();
    let root = header.split(';').find_map(|pair| pair.strip_prefix("Root="));
    root.unwrap_or_default().to_owned()
}

fn seconds(instant: SystemTime) -> f64 {
    instant.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Returns the name with nothing in it that X-Ray refuses.
fn name(text: &str) -> String {
    let allowed = |c: char| c.is_alphanumeric() || " _.:/%&#=+\\-@".contains(c);
    let name: String = text.chars().map(|c| if allowed(c) { c } else { '_' }).take(NAME_CHARS_MAX).collect();
    if name.is_empty() { "_".to_owned() } else { name }
}

fn cut(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[cfg(test)]
mod tests;
