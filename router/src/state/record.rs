//! What is kept of deliveries, consumers and replays.

use api::{Attempt, ReplayState, ReplayTo};
use event::Timestamp;
use event::hop::Via;
use event::stored::Stored;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A delivery that was tried and is not settled.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tried {
    /// The tries made so far: the first ones and the last ones.
    pub(crate) attempts: Vec<Attempt>,
    /// When to try next.
    pub(crate) next: Timestamp,
}

impl Tried {
    /// Returns how often it was tried.
    pub(crate) fn number(&self) -> u32 {
        self.attempts.last().map_or(0, |last| last.number)
    }
}

/// How a consumer stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Standing {
    /// Whether somebody paused it.
    pub(crate) paused: bool,
    /// Why its target wants no more events, ever.
    pub(crate) stopped: Option<String>,
    /// The earlier events that it has yet to be asked about, if it began before the present.
    pub(crate) backfill: Option<Range>,
}

/// Positions from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Range {
    /// The first that is left.
    pub(crate) next: u64,
    /// The last.
    pub(crate) last: u64,
}

/// A replay, as it is kept and goes on after a restart.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ReplayRecord {
    pub(crate) name: String,
    pub(crate) to: ReplayTo,
    /// The pattern that events must match; none means all.
    pub(crate) filter: Option<String>,
    /// Events a second; none means as fast as they go.
    pub(crate) rate: Option<f64>,
    pub(crate) state: ReplayState,
    pub(crate) first: u64,
    pub(crate) range: Range,
    pub(crate) replayed: u64,
    pub(crate) started: Timestamp,
    pub(crate) ended: Option<Timestamp>,
}

/// What is noted with a dead letter, beside the event itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Letter {
    /// The consumer that did not get the event.
    pub(crate) consumer: String,
    /// Where the event stands, or stood, that was queued for it first, also if a dead letter of it was redriven since.
    pub(crate) position: u64,
    /// Why it was given up.
    pub(crate) reason: String,
    /// When.
    pub(crate) at: Timestamp,
    /// The tries made: the first ones and the last ones.
    pub(crate) attempts: Vec<Attempt>,
    /// The consumer's filter, as EventBridge writes it.
    pub(crate) rule: String,
    /// What EventBridge calls the fault, such as `NO_PERMISSIONS`.
    pub(crate) code: String,
    /// The limit that was reached: EventBridge's `EXHAUSTED_RETRY_CONDITION`.
    pub(crate) exhausted: Option<String>,
    /// Whether the log no longer held the event, so that another stands in its place here.
    #[serde(default)]
    pub(crate) gone: bool,
}

impl Letter {
    /// Reads what is noted with a dead letter; nothing if it is none.
    pub(crate) fn of(stored: &Stored) -> Option<Self> {
        note(stored, Via::DeadLetter)
    }
}

/// What is noted with an event that is replayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replayed {
    /// The replay.
    pub(crate) name: String,
    /// The only consumer that it is for; none means all of the bus.
    pub(crate) consumer: Option<String>,
    /// Where the event was first.
    pub(crate) position: u64,
}

impl Replayed {
    /// Reads what is noted with an event that is replayed; nothing if it is not.
    pub(crate) fn of(stored: &Stored) -> Option<Self> {
        note(stored, Via::Replay)
    }
}

fn note<T: DeserializeOwned>(stored: &Stored, via: Via) -> Option<T> {
    let note = stored.note.as_deref().filter(|_| stored.via == via)?;
    serde_json::from_slice(note).ok()
}
