//! Delivers: one worker a consumer empties its lane into its target, and says what came of it.
//!
//! A worker never writes the store: each outcome is a [`Settlement`] for the pipeline's next commit. A target that is
//! slow, dead or hanging delays its own lane only.
//!
//! # Layout
//! * [`lane`]: one consumer's queue
//! * [`worker`]: takes deliveries in hand, starts attempts, and says what came of them
//! * [`window`]: the deliveries in hand, and which may be tried now
//! * [`flow`]: how fast, and whether at all, a target is tried
//! * [`attempt`]: one request, and what follows from its outcome
//! * [`retry`]: when to try again
//! * [`record`]: the hops of an attempt and of a delivery
//! * [`targets`]: the clients

pub(crate) mod attempt;
pub(crate) mod flow;
pub(crate) mod lane;
pub(crate) mod record;
pub(crate) mod retry;
pub(crate) mod targets;
#[cfg(test)]
mod tests;
pub(crate) mod window;
pub(crate) mod worker;

use std::sync::Arc;

use api::Attempt;
use event::Hop;
use event::stored::Stored;

use crate::state::record::Tried;

/// What became of one attempt, for the next commit.
pub(crate) struct Settlement {
    /// The consumer, by its place on its bus.
    pub(crate) consumer: usize,
    /// The event.
    pub(crate) position: u64,
    /// Whether attempts at it are saved.
    pub(crate) was_tried: bool,
    /// What the next commit changes.
    pub(crate) result: Settled,
    /// The attempt's hops, in order.
    pub(crate) hops: Vec<Hop>,
}

/// How an attempt changes its delivery.
pub(crate) enum Settled {
    /// It will be tried again.
    Failed(Tried),
    /// It will be tried again only once somebody resumes the consumer.
    Stopped {
        /// The attempts.
        tried: Tried,
        /// Why.
        reason: String,
        /// How often the consumer had been resumed when the attempt began.
        opening: u64,
    },
    /// It succeeded.
    Delivered,
    /// It was given up.
    DeadLettered(Box<GivenUp>),
}

/// A delivery given up.
pub(crate) struct GivenUp {
    /// The event; none if it is gone from the log.
    pub(crate) stored: Option<Arc<Stored>>,
    /// Why.
    pub(crate) reason: String,
    /// What EventBridge calls the fault.
    pub(crate) code: &'static str,
    /// The limit that was reached, as EventBridge names it.
    pub(crate) exhausted: Option<&'static str>,
    /// The tries made.
    pub(crate) attempts: Vec<Attempt>,
}

impl GivenUp {
    /// Returns an event that was never tried.
    pub(crate) fn refused(stored: Option<Arc<Stored>>, reason: String) -> Self {
        Self { stored, reason, code: "SDK_CLIENT_ERROR", exhausted: None, attempts: Vec::new() }
    }
}
