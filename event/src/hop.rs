//! [`Hop`]: one recorded step of one event. The trace, the metrics, the dashboard, `tail` and `explain` read hops.

use serde::{Deserialize, Serialize};

use crate::event::Text;
use crate::time::Timestamp;
use crate::trace::{SpanId, TraceId};

/// One step of one event, with its place in the trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hop {
    /// The bus that holds the event.
    pub bus: Text,
    /// The event's `id`.
    pub event: Text,
    /// The event's position on its bus.
    pub position: u64,
    /// When the step began.
    pub started: Timestamp,
    /// When the step ended.
    pub ended: Timestamp,
    /// The event's trace.
    pub trace: TraceId,
    /// The step's own span.
    pub span: SpanId,
    /// The span that caused the step.
    pub parent: Option<SpanId>,
    /// Whether the trace is recorded by exporters.
    pub sampled: bool,
    /// What happened.
    pub step: Step,
}

/// What happened at a hop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Step {
    /// The event was accepted and is durable.
    Received {
        /// How it came.
        via: Via,
        /// Its `source`.
        source: Text,
        /// Its `type`.
        r#type: Text,
        /// Its `subject`.
        subject: Option<Text>,
        /// Payload bytes.
        bytes: usize,
    },
    /// The rules of the bus were applied.
    Matched {
        /// The consumers whose filter held.
        consumers: Vec<Text>,
        /// The aggregations whose filter held.
        aggregations: Vec<Text>,
        /// How many filters were asked.
        evaluated: usize,
    },
    /// A schema was asked for one consumer.
    Gated {
        /// The consumer.
        consumer: Text,
        /// The schema and version asked, as `shop.orders/OrderPlaced@2`.
        schema: String,
        /// The answer.
        verdict: Verdict,
        /// The place in the payload that failed, as a JSON pointer, and why.
        failure: Option<Failure>,
    },
    /// The event was offered to an aggregation.
    Offered {
        /// The aggregation.
        aggregation: Text,
        /// The group's key.
        key: String,
        /// The part's name.
        part: String,
        /// What became of it.
        outcome: Outcome,
        /// Parts in the group afterwards.
        received: usize,
        /// Parts the group waits for, where that is known.
        expected: Option<usize>,
    },
    /// A group was completed; this hop belongs to the release, the new event.
    Released {
        /// The aggregation.
        aggregation: Text,
        /// The group's key.
        key: String,
        /// What completed it, in words.
        reason: String,
        /// Parts it holds.
        parts: usize,
        /// Expected parts that never came.
        missing: Vec<String>,
        /// The spans of the parts, in order of arrival.
        links: Vec<Link>,
    },
    /// One try at a delivery ended.
    Attempted {
        /// The consumer.
        consumer: Text,
        /// Where to, without secrets.
        target: Text,
        /// 1 for the first.
        attempt: u32,
        /// The target's own status where it has one, such as an HTTP status.
        status: Option<u16>,
        /// Why it failed; none if it did not.
        error: Option<String>,
        /// When it will be tried again, if it failed and will be.
        retry_at: Option<Timestamp>,
    },
    /// A delivery succeeded.
    Delivered {
        /// The consumer.
        consumer: Text,
        /// Tries it took.
        attempts: u32,
    },
    /// A delivery was given up and kept.
    DeadLettered {
        /// The consumer.
        consumer: Text,
        /// Tries made.
        attempts: u32,
        /// Why.
        reason: String,
    },
}

/// How an event came to its bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// CloudEvents over HTTP, binary mode.
    HttpBinary,
    /// CloudEvents over HTTP, structured mode.
    HttpStructured,
    /// CloudEvents over HTTP, batched mode.
    HttpBatch,
    /// The EventBridge API.
    PutEvents,
    /// Another bus of this router.
    Bus,
    /// A group that was completed.
    Release,
    /// A replay of an earlier event.
    Replay,
    /// A delivery that was given up: the event is kept for its consumer and goes to nobody else.
    DeadLetter,
}

/// What a schema gate decided for one consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The payload is valid; the consumer gets it.
    Deliver,
    /// It is not; the consumer does not get it.
    Skip,
    /// It is not; the consumer's dead letters get it.
    DeadLetter,
}

/// Where and why a payload failed its schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A JSON pointer into the payload; empty for the whole of it.
    pub path: String,
    /// What the schema wanted.
    pub reason: String,
}

/// What became of an event offered to an aggregation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is a part of the open group.
    Added,
    /// A part of that name is there already.
    Duplicate,
    /// Its group was released before.
    Late,
    /// It cannot be a part: it has no key or no name.
    Discarded,
    /// It is no part; it says something of its group.
    Marker,
    /// There is no room for it.
    Refused,
}

/// A span of another trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its trace.
    pub trace: TraceId,
    /// The span.
    pub span: SpanId,
}

impl Step {
    /// Returns the step's name in the vocabulary: `received`, `matched`, ...
    pub fn name(&self) -> &'static str {
        match self {
            Self::Received { .. } => "received",
            Self::Matched { .. } => "matched",
            Self::Gated { .. } => "gated",
            Self::Offered { .. } => "offered",
            Self::Released { .. } => "released",
            Self::Attempted { .. } => "attempted",
            Self::Delivered { .. } => "delivered",
            Self::DeadLettered { .. } => "dead-lettered",
        }
    }
}
