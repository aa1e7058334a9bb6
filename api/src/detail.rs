//! One event and why it went where it went: `GET /api/v1/event?id=ID`.

use event::{Hop, Timestamp};
use serde::{Deserialize, Serialize};

/// One stored event with its hops and, consumer by consumer, the decision and its reasons.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventDetail {
    /// The bus that holds it.
    pub bus: String,
    /// Its position there.
    pub position: u64,
    /// When it was accepted.
    pub received: Timestamp,
    /// The event in the CloudEvents JSON format.
    pub event: Box<serde_json::value::RawValue>,
    /// Its recorded hops, oldest first; those of an earlier process are not kept.
    pub hops: Vec<Hop>,
    /// What each consumer and aggregation of the bus makes of it, under the rules in force now.
    pub decisions: Vec<Decision>,
}

/// What one consumer or aggregation makes of an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The consumer or aggregation.
    pub name: String,
    /// Whether it is an aggregation.
    pub aggregation: bool,
    /// Whether its filter holds.
    pub matched: bool,
    /// Field by field, what the filter wanted and what was there.
    pub fields: Vec<FieldReason>,
    /// The schema's answer, where the consumer has a gate and the filter holds.
    pub schema: Option<String>,
    /// How the delivery stands, for a consumer that matched.
    pub standing: Option<Standing>,
}

/// One field of a filter held against an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldReason {
    /// The field's dotted path.
    pub path: String,
    /// The filter's alternatives, the first 20 of them, each cut after 200 characters.
    pub wanted: String,
    /// The event's values, cut likewise, or `absent`.
    pub found: String,
    /// Whether the field holds.
    pub matched: bool,
    /// What the event lacks of the alternative that it came closest to: `40 is not > 100`. None where the field or the
    /// whole filter holds, where the event has no value there, and in the answer of a router that does not tell it.
    #[serde(default)]
    pub closest: Option<String>,
}

/// How a delivery stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Standing {
    /// Not delivered yet.
    Pending {
        /// Tries made so far.
        attempts: u32,
    },
    /// Given up and kept.
    DeadLettered {
        /// Why.
        reason: String,
    },
    /// Neither pending nor dead: delivered, dropped by policy, or decided under other rules.
    Settled,
}
