//! The event that a completed group becomes.

use std::time::Duration;

use bytes::Bytes;
use event::attribute;
use event::hop::Via;
use event::stored::Stored;
use event::{Data, Event, Hop, SpanId, Step, Text, Timestamp, TraceContext, TraceId};
use serde::Serialize;
use uuid::Uuid;

use super::condition::Condition;
use super::group::Group;
use crate::config::Aggregation;

/// The payload of a release.
#[derive(Serialize)]
struct Payload<'a> {
    aggregation: &'a str,
    key: &'a str,
    /// Which condition completed the group, in one word: `count`, `expected`, `idle`, `deadline`, `when`, `limit`.
    completed_by: &'a str,
    reason: &'a str,
    parts: Vec<PartView<'a>>,
    missing: Vec<&'a str>,
    duplicates: u64,
    opened: String,
    last_part: String,
    released: String,
    /// Milliseconds from the first part to the release.
    waited_ms: u128,
    /// Milliseconds by which a timed release came after its time, as it does after a downtime.
    late_by_ms: u128,
}

#[derive(Serialize)]
struct PartView<'a> {
    name: &'a str,
    id: &'a str,
    source: &'a str,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a str>,
    received: String,
    position: u64,
}

/// A group that is complete.
pub(crate) struct Completed<'a> {
    pub(crate) rule: &'a Aggregation,
    pub(crate) condition: &'a Condition,
    pub(crate) group: &'a Group,
    /// Why, with the condition's name in front: `count: 3 parts came`.
    pub(crate) reason: &'a str,
    pub(crate) now: Timestamp,
}

impl Completed<'_> {
    /// Returns the release and its `released` hop. The same group gives the same `id`, so that a crash between deciding
    /// and saving cannot release twice under two names.
    pub(crate) fn release(&self, bus: &Text) -> (Stored, Hop) {
        let id = release_id(bus, &self.rule.name, self.group);
        let mut event =
            Event::new(id.to_string(), self.rule.emit.source.as_str(), self.rule.emit.kind.as_str());
        let key = self.group.key.as_str();
        event.subject = attribute::check_text("subject", key).is_ok().then(|| key.into());
        event.time = Some(self.now.to_string().into());
        event.datacontenttype = Some("application/json".into());
        event.data = Some(Data::Json(self.payload()));
        let trace = trace_context(id, self.now, self.group.sampled);
        let hop = Hop {
            bus: Text::clone(bus),
            event: event.id.clone(),
            position: 0,
            started: self.group.opened,
            ended: self.now,
            trace: trace.trace,
            span: trace.span,
            parent: None,
            sampled: trace.sampled,
            step: self.step(),
        };
        let here = format!("{bus}:{}", self.rule.name);
        let path = [self.group.path.as_str(), &here].join(",");
        let path = path.trim_start_matches(',').to_owned();
        (Stored { path, ..Stored::new(self.now, Via::Release, trace, event) }, hop)
    }

    fn step(&self) -> Step {
        Step::Released {
            aggregation: self.rule.name.as_str().into(),
            key: self.group.key.clone(),
            reason: self.reason.to_owned(),
            parts: self.group.parts.len(),
            missing: missing(self.condition, self.group).into_iter().map(str::to_owned).collect(),
            links: self.group.parts.iter().map(|part| part.link).collect(),
        }
    }

    fn payload(&self) -> Bytes {
        let payload = Payload {
            aggregation: &self.rule.name,
            key: &self.group.key,
            completed_by: self.completed_by(),
            reason: self.reason,
            parts: self.group.parts.iter().map(PartView::new).collect(),
            missing: missing(self.condition, self.group),
            duplicates: self.group.duplicates,
            opened: self.group.opened.to_string(),
            last_part: self.group.last_part.to_string(),
            released: self.now.to_string(),
            waited_ms: self.now.since(self.group.opened).as_millis(),
            late_by_ms: self.late_by().as_millis(),
        };
        // Text, numbers and lists only: writing them cannot fail.
        Bytes::from(serde_json::to_vec(&payload).unwrap_or_default())
    }

    fn completed_by(&self) -> &str {
        self.reason.split(':').next().unwrap_or(self.reason)
    }

    /// How long after its time a timed release came, as it does after a downtime.
    fn late_by(&self) -> Duration {
        let due = match self.completed_by() {
            "idle" => self.condition.idle_until(self.group),
            "deadline" => self.condition.deadline(self.group),
            _ => None,
        };
        due.map(|due| self.now.since(due)).unwrap_or_default()
    }
}

impl<'a> PartView<'a> {
    fn new(part: &'a super::group::Part) -> Self {
        Self {
            name: &part.name,
            id: &part.event,
            source: &part.source,
            r#type: &part.kind,
            time: part.time.as_deref(),
            received: part.received.to_string(),
            position: part.position,
        }
    }
}

/// Returns the expected parts that a group does not have.
pub(crate) fn missing<'a>(condition: &'a Condition, group: &Group) -> Vec<&'a str> {
    let expected = condition.expected().unwrap_or_default();
    expected.iter().filter(|name| !group.holds(name)).map(String::as_str).collect()
}

fn release_id(bus: &str, aggregation: &str, group: &Group) -> Uuid {
    let name = format!("{bus}\0{aggregation}\0{}\0{}", group.first, group.key);
    Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())
}

/// A release starts a trace of its own, linked to those of its parts. X-Ray wants the time in front.
fn trace_context(id: Uuid, now: Timestamp, sampled: bool) -> TraceContext {
    let mut trace = *id.as_bytes();
    let seconds = u32::try_from(now.as_seconds()).unwrap_or(0);
    trace[..4].copy_from_slice(&seconds.to_be_bytes());
    let mut span = [0; 8];
    span.copy_from_slice(&id.as_bytes()[8..]);
    TraceContext { trace: TraceId(trace), span: SpanId(span), parent: None, sampled }
}
