//! Deliveries given up and kept: `GET /api/v1/dead-letters?consumer=NAME&limit=N`.

use event::Timestamp;
use serde::{Deserialize, Serialize};

/// One delivery given up, with its payload, attempts and reason.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The consumer that did not get it.
    pub consumer: String,
    /// The bus of the event.
    pub bus: String,
    /// The event's position there.
    pub position: u64,
    /// The event's `id`; empty if the log no longer holds the event.
    pub id: String,
    /// Why it was given up.
    pub reason: String,
    /// When it was given up.
    pub at: Timestamp,
    /// The tries made: the first ones and the last ones, at most 20.
    pub attempts: Vec<Attempt>,
    /// The event in the CloudEvents JSON format; `null` if the log no longer holds it.
    pub event: Box<serde_json::value::RawValue>,
}

/// One try at a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// The target's own status where it has one.
    pub status: Option<u16>,
    /// What went wrong.
    pub error: String,
}
