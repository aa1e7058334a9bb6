//! What is told beside releases: parts that came late.

use bytes::Bytes;
use serde::Serialize;

use super::Scope;
use super::emit::{Outgoing, id_of};
use super::ended::Ended;
use super::group::{Part, Span};
use super::offer::Offer;
use super::release::{self, Window};

/// A part that came after its group was released.
#[derive(Serialize)]
struct LatePart<'a> {
    aggregation: &'a str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<Window>,
    part: &'a str,
    id: &'a str,
    source: &'a str,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a str>,
    received: String,
    position: u64,
    /// The `id` of the release that it is not in, where that is remembered.
    #[serde(skip_serializing_if = "Option::is_none")]
    missed: Option<String>,
    /// When that was released.
    #[serde(skip_serializing_if = "Option::is_none")]
    released: Option<String>,
}

/// Tells of a part that came late in an event of its own.
pub(super) fn late(
    scope: &mut Scope<'_, '_>,
    key: &str,
    (part, offer): (&Part, &Offer<'_, '_>),
    (ended, window): (Option<&Ended>, Option<Span>),
) {
    let config = &scope.rule.config;
    let missed = ended.map(|ended| {
        let window = ended.window.map(|window| window.start);
        release::id(scope.site.bus, &config.name, key, (ended.first, window)).to_string()
    });
    let payload = LatePart {
        aggregation: &config.name,
        key,
        window: window.map(Window::of),
        part: &part.name,
        id: &part.event,
        source: &part.origin.source,
        r#type: &part.origin.kind,
        time: part.time.as_deref(),
        received: part.received.to_string(),
        position: part.position,
        missed,
        released: ended.map(|ended| ended.at.to_string()),
    };
    // An event is late in each of its windows.
    let start = window.map_or_else(String::new, |window| window.start.as_micros().to_string());
    let id = id_of(&[scope.site.bus, &config.name, "late", &part.position.to_string(), key, &start]);
    Outgoing {
        rule: config,
        key,
        id,
        suffix: ".late",
        // Text and numbers: writing them cannot fail.
        payload: Bytes::from(serde_json::to_vec(&payload).unwrap_or_default()),
        opened: scope.site.now,
        sampled: offer.facts.stored.trace.sampled,
        path: &offer.facts.stored.path,
        reason: format!("late: part {} came after the release", part.name),
        parts: 1,
        missing: Vec::new(),
        links: vec![part.link],
    }
    .send(scope.site);
}

/// Tells of numbers of a sequence that were skipped, and of where the event stands that was held for them.
pub(super) fn gap(
    scope: &mut Scope<'_, '_>,
    key: &str,
    (next, first, position): (i64, i64, u64),
    reason: &str,
    payload: Bytes,
) {
    let config = &scope.rule.config;
    let range = format!("{next}..{first}");
    Outgoing {
        rule: config,
        key,
        id: id_of(&[scope.site.bus, &config.name, "gap", &range, &position.to_string(), key]),
        suffix: ".gap",
        payload,
        opened: scope.site.now,
        sampled: false,
        path: "",
        reason: reason.to_owned(),
        parts: 0,
        missing: vec![if next + 1 == first { next.to_string() } else { format!("{next} to {}", first - 1) }],
        links: Vec::new(),
    }
    .send(scope.site);
}
