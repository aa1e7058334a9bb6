//! What is told of a group: its release, its revisions, its early results, and that it may not be complete in time.

use std::borrow::Cow;
use std::time::Duration;

use api::{GroupAction, HandlingRecord, MissingPart};
use bytes::Bytes;
use event::{Data, Text, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::Site;
use super::condition::{Condition, Scene};
use super::emit::{Outgoing, id_of};
use super::group::{Group, Part, Span};
use super::merge::{self, Node};
use crate::config::{Aggregation, Payloads};

/// Links and missing names in the hop of a release: thousands of hops are kept in memory. The release has all.
const HOP_LIST_MAX: usize = 100;
/// From so much delay on a release says why it came late.
const LATE_FROM: Duration = Duration::from_secs(1);

/// What is told of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Telling {
    /// It is complete; says when that was due, where a timer did it.
    Release(Option<Timestamp>),
    /// It was complete, and got another part: so many times by now.
    Revision(u32),
    /// What it has so far, for the so many-th time.
    Early(u32),
    /// It may not be complete in time, with its deadline put off by so many milliseconds.
    Warning(u64),
}

/// A group of which something is told.
pub(crate) struct Told<'a> {
    pub(crate) rule: &'a Aggregation,
    pub(crate) condition: &'a Condition,
    pub(crate) scene: Scene<'a>,
    /// Why, with the condition's name in front: `count: 3 parts came`.
    pub(crate) reason: &'a str,
    pub(crate) telling: Telling,
    /// When the parts that are missing usually come.
    pub(crate) missing: Vec<MissingPart>,
}

/// The payload of what is told.
#[derive(Serialize)]
struct Payload<'a> {
    aggregation: &'a str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<Window>,
    /// How often the release was revised.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u32>,
    /// The `id` of the release, or the revision, that this one replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
    /// 1 for the first early result.
    #[serde(skip_serializing_if = "Option::is_none")]
    early: Option<u32>,
    /// Which condition completed the group, in one word: `count`, `expected`, `idle`, `deadline`, `window`, `when`,
    /// `while`, `limit`, `order`.
    #[serde(skip_serializing_if = "str::is_empty")]
    completed_by: &'a str,
    reason: &'a str,
    parts: Vec<PartView<'a>>,
    missing: Vec<&'a str>,
    /// When the missing parts usually come, where that is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    usually_by: Vec<Usually<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    optional_missing: Vec<&'a str>,
    #[serde(skip_serializing_if = "<[Text]>::is_empty")]
    late: &'a [Text],
    duplicates: u32,
    #[serde(skip_serializing_if = "<[Text]>::is_empty")]
    repeated: &'a [Text],
    opened: String,
    last_part: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    released: Option<String>,
    /// Milliseconds from the first part to the release.
    #[serde(skip_serializing_if = "Option::is_none")]
    waited_ms: Option<u128>,
    /// Milliseconds by which a timed release came after its time, as it does after a downtime.
    #[serde(skip_serializing_if = "Option::is_none")]
    late_by_ms: Option<u128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    late_because: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    history: Vec<Handled<'a>>,
    /// `referred` where the payloads are too large to be here.
    #[serde(skip_serializing_if = "Option::is_none")]
    payloads: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merged: Option<Node<'a>>,
}

/// A window, as an event tells of it.
#[derive(Serialize)]
pub(super) struct Window {
    start: String,
    end: String,
}

#[derive(Serialize)]
struct Usually<'a> {
    name: &'a str,
    by: String,
}

#[derive(Serialize)]
struct Handled<'a> {
    at: String,
    by: &'a str,
    why: &'a str,
    action: &'a GroupAction,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Cow<'a, RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
    /// Where the payload can be had, on this router.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
}

/// Returns the `id` of a group's release, which is the group's own.
pub(crate) fn group_id(bus: &str, aggregation: &str, key: &str, group: &Group) -> Uuid {
    id(bus, aggregation, key, (group.first, group.window.map(|window| window.start)))
}

/// Returns the `id` of the release of a group with that first event and window.
pub(crate) fn id(bus: &str, aggregation: &str, key: &str, of: (u64, Option<Timestamp>)) -> Uuid {
    let (first, window) = of;
    let window = window.map_or_else(String::new, |start| start.as_micros().to_string());
    id_of(&[bus, aggregation, &first.to_string(), key, &window])
}

impl Window {
    pub(super) fn of(window: Span) -> Self {
        Self { start: window.start.to_string(), end: window.end.to_string() }
    }
}

impl Telling {
    /// Returns the `id` of what is told of a group.
    fn id(self, group: Uuid) -> Uuid {
        let of = |what: &str, number: u64| id_of(&[&group.to_string(), what, &number.to_string()]);
        match self {
            Self::Release(_) | Self::Revision(0) => group,
            Self::Revision(number) => of("revision", number.into()),
            Self::Early(number) => of("early", number.into()),
            Self::Warning(number) => of("warning", number),
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Release(_) | Self::Revision(_) => "",
            Self::Early(_) => ".early",
            Self::Warning(_) => ".warning",
        }
    }

    fn is_final(self) -> bool {
        matches!(self, Self::Release(_) | Self::Revision(_))
    }
}

impl Told<'_> {
    /// Puts it on the bus.
    pub(crate) fn send(self, site: &mut Site<'_>) {
        let group = self.scene.group;
        let own = group_id(site.bus, &self.rule.name, self.scene.key, group);
        let payload = self.payload(site, own);
        Outgoing {
            rule: self.rule,
            key: self.scene.key,
            id: self.telling.id(own),
            suffix: self.telling.suffix(),
            payload,
            opened: group.opened,
            sampled: group.sampled,
            path: group.more.as_ref().map_or("", |more| &more.path),
            reason: self.reason.to_owned(),
            parts: group.parts().len(),
            missing: self.missing.iter().take(HOP_LIST_MAX).map(|missing| missing.name.clone()).collect(),
            links: group.parts().iter().take(HOP_LIST_MAX).map(|part| part.link).collect(),
        }
        .send(site);
    }

    fn payload(&self, site: &Site<'_>, own: Uuid) -> Bytes {
        let group = self.scene.group;
        let more = group.more.as_deref();
        let is_final = self.telling.is_final();
        let parts = self.sorted();
        let wanted = self.condition.wanted(self.scene.key, group);
        let late_by = if is_final { self.late_by() } else { Duration::ZERO };
        let is_small = group_payloads(&parts) <= self.rule.emit.payload_bytes_max;
        let payload = Payload {
            aggregation: &self.rule.name,
            key: self.scene.key,
            window: group.window.map(Window::of),
            revision: self.revision().filter(|number| *number > 0),
            replaces: self
                .revision()
                .and_then(|number| Some(Telling::Revision(number.checked_sub(1)?).id(own).to_string())),
            early: if let Telling::Early(number) = self.telling { Some(number) } else { None },
            completed_by: if is_final { self.completed_by() } else { "" },
            reason: self.reason,
            missing: self.missing.iter().map(|missing| missing.name.as_str()).collect(),
            usually_by: self.missing.iter().filter_map(usually).collect(),
            optional_missing: wanted.map(|wanted| wanted.optional_missing().collect()).unwrap_or_default(),
            late: more.map(|more| more.late.as_slice()).unwrap_or_default(),
            duplicates: group.duplicates,
            repeated: more.map(|more| more.repeated.as_slice()).unwrap_or_default(),
            opened: group.opened.to_string(),
            last_part: group.last_part.to_string(),
            deadline: (!is_final)
                .then(|| self.condition.due_of("deadline", &self.scene))
                .flatten()
                .map(|deadline| deadline.to_string()),
            released: is_final.then(|| site.now.to_string()),
            waited_ms: is_final.then(|| site.now.since(group.opened).as_millis()),
            late_by_ms: is_final.then_some(late_by.as_millis()),
            late_because: (late_by >= LATE_FROM).then(|| self.why_late(site, late_by)),
            history: more.map(|more| more.history.iter().map(handled).collect()).unwrap_or_default(),
            payloads: (!is_small && self.rule.emit.parts != Payloads::Listed).then_some("referred"),
            merged: (is_small && self.rule.emit.parts == Payloads::Merged)
                .then(|| merge::all(parts.iter().filter_map(|part| part.payload()))),
            parts: parts.iter().map(|part| self.part(part, site.bus, is_small)).collect(),
        };
        // Text, numbers, lists and JSON that was checked: writing them cannot fail.
        Bytes::from(serde_json::to_vec(&payload).unwrap_or_default())
    }

    fn part<'p>(&self, part: &'p Part, bus: &str, is_small: bool) -> PartView<'p> {
        let is_there = is_small && self.rule.emit.parts == Payloads::Included;
        let payload = part.payload().filter(|_| is_there);
        let refers = !is_small && self.rule.emit.parts != Payloads::Listed;
        PartView {
            name: &part.name,
            id: &part.event,
            source: &part.origin.source,
            r#type: &part.origin.kind,
            time: part.time.as_deref(),
            received: part.received.to_string(),
            position: part.position,
            data: payload.and_then(json),
            data_base64: payload.and_then(base64),
            reference: refers.then(|| format!("/api/v1/payload?bus={bus}&position={}", part.position)),
        }
    }

    /// Returns the parts in the order that is asked for; those that have nothing to sort by come last.
    fn sorted(&self) -> Vec<&Part> {
        let mut parts: Vec<&Part> = self.scene.group.parts().iter().collect();
        if self.rule.order_by.is_some() {
            parts.sort_by_cached_key(|part| {
                let order = part.more.as_ref().and_then(|more| more.order.clone());
                (order.is_none(), order.map(|order| Rank::of(&order)))
            });
        }
        parts
    }

    fn revision(&self) -> Option<u32> {
        if let Telling::Revision(number) = self.telling { Some(number) } else { None }
    }

    fn completed_by(&self) -> &str {
        self.reason.split(':').next().unwrap_or(self.reason)
    }

    /// How long after its time a timed release came.
    fn late_by(&self) -> Duration {
        if let Telling::Release(Some(due)) = self.telling {
            self.scene.now.since(due)
        } else {
            Duration::ZERO
        }
    }

    fn why_late(&self, site: &Site<'_>, late_by: Duration) -> &'static str {
        if self.scene.now.before(late_by) < site.started {
            "the router was not running when it was due"
        } else {
            "the router had not read its log so far when it was due"
        }
    }
}

/// What parts are sorted by: numbers before texts, and numbers by their value.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Whole(i128),
    Text(String),
}

impl Rank {
    /// Fractions are kept in millionths.
    fn of(text: &str) -> Self {
        if let Ok(whole) = text.parse::<i64>() {
            return Self::Whole(i128::from(whole) * 1_000_000);
        }
        #[expect(clippy::cast_possible_truncation, reason = "a number that large saturates")]
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Self::Whole((number * 1e6).round() as i128),
            _ => Self::Text(text.to_owned()),
        }
    }
}

fn group_payloads(parts: &[&Part]) -> usize {
    parts.iter().filter_map(|part| part.payload()).map(|payload| payload.bytes().len()).sum()
}

fn json(payload: &Data) -> Option<Cow<'_, RawValue>> {
    match payload {
        Data::Json(bytes) => serde_json::from_slice::<&RawValue>(bytes).ok().map(Cow::Borrowed),
        Data::Text(bytes) => {
            let text = String::from_utf8_lossy(bytes);
            serde_json::value::to_raw_value(&text).ok().map(Cow::Owned)
        }
        Data::Binary(_) => None,
    }
}

fn base64(payload: &Data) -> Option<String> {
    use base64::Engine;
    let Data::Binary(bytes) = payload else { return None };
    Some(base64::engine::general_purpose::STANDARD.encode(bytes))
}

fn usually(missing: &MissingPart) -> Option<Usually<'_>> {
    Some(Usually { name: &missing.name, by: missing.usually_by?.to_string() })
}

fn handled(record: &HandlingRecord) -> Handled<'_> {
    Handled { at: record.at.to_string(), by: &record.by, why: &record.why, action: &record.action }
}
