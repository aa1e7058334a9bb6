//! [`Outgoing`]: an event that an aggregation puts on its bus.

use std::sync::Arc;

use bytes::Bytes;
use event::attribute;
use event::hop::{Link, Via};
use event::stored::Stored;
use event::{Data, Event, Hop, SpanId, Step, Text, Timestamp, TraceContext, TraceId};
use uuid::Uuid;

use super::Site;
use crate::config::Aggregation;
use crate::core::Action;

/// An event that an aggregation puts on its bus: a release, or what is told of a group beside it.
pub(crate) struct Outgoing<'a> {
    pub(crate) rule: &'a Aggregation,
    pub(crate) key: &'a str,
    /// What makes its `id`: the same group, and the same thing told of it, give the same one, so that a crash between
    /// deciding and saving cannot tell a thing twice under two names.
    pub(crate) id: Uuid,
    /// What stands after the release's `type`: nothing for a release.
    pub(crate) suffix: &'static str,
    pub(crate) payload: Bytes,
    pub(crate) opened: Timestamp,
    pub(crate) sampled: bool,
    /// The buses that its parts came through.
    pub(crate) path: &'a str,
    pub(crate) reason: String,
    pub(crate) parts: usize,
    pub(crate) missing: Vec<String>,
    pub(crate) links: Vec<Link>,
}

impl Outgoing<'_> {
    /// Puts it on the bus, with its `released` hop.
    pub(crate) fn send(self, site: &mut Site<'_>) {
        let kind = format!("{}{}", self.rule.emit.kind, self.suffix);
        let mut event = Event::new(self.id.to_string(), self.rule.emit.source.as_str(), kind);
        event.subject = attribute::check_text("subject", self.key).is_ok().then(|| self.key.into());
        event.time = Some(site.now.to_string().into());
        event.datacontenttype = Some("application/json".into());
        event.data = Some(Data::Json(self.payload));
        let trace = trace_context(self.id, site.now, self.sampled);
        let step = Step::Released {
            aggregation: self.rule.name.as_str().into(),
            key: self.key.to_owned(),
            reason: self.reason,
            parts: self.parts,
            missing: self.missing,
            links: self.links,
        };
        let hop = hop(site, &event, trace, self.opened, step);
        let path = way(self.path, site.bus, &self.rule.name);
        let stored = Stored { path, ..Stored::new(site.now, Via::Release, trace, event) };
        push(site, stored, hop);
    }
}

/// Puts an event on the bus.
pub(super) fn push(site: &mut Site<'_>, stored: Stored, hop: Hop) {
    site.decision.actions.push(Action::Emit { release: Box::new(stored), hop: Box::new(hop) });
}

/// Returns the hop of an event that is put on the bus.
pub(super) fn hop(
    site: &Site<'_>,
    event: &Event,
    trace: TraceContext,
    started: Timestamp,
    step: Step,
) -> Hop {
    Hop {
        bus: Text::clone(site.bus),
        event: Arc::clone(&event.id),
        position: 0,
        started,
        ended: site.now,
        trace: trace.trace,
        span: trace.span,
        parent: trace.parent,
        sampled: trace.sampled,
        step,
    }
}

/// Returns the way of an event that comes out of an aggregation.
pub(super) fn way(path: &str, bus: &str, aggregation: &str) -> String {
    if path.is_empty() { format!("{bus}:{aggregation}") } else { format!("{path},{bus}:{aggregation}") }
}

/// Returns an id that follows from names.
pub(super) fn id_of(names: &[&str]) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, names.join("\0").as_bytes())
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
