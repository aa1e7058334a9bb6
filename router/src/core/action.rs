//! What a decision asks the pipeline to do.

use event::stored::Stored;
use event::{Hop, Text, Timestamp};

/// Everything that follows from one event or one timer.
#[derive(Debug, Default)]
pub(crate) struct Decision {
    /// What to do, in order.
    pub(crate) actions: Vec<Action>,
    /// What happened, in order.
    pub(crate) hops: Vec<Hop>,
}

/// One thing to do. Consumers and aggregations are named by their place in the configuration.
#[derive(Debug)]
pub(crate) enum Action {
    /// Queue the event for a consumer.
    Deliver {
        /// The consumer.
        consumer: usize,
    },
    /// Count the event as dropped by policy.
    Drop,
    /// Keep the event with a consumer's dead letters.
    DeadLetter {
        /// The consumer.
        consumer: usize,
        /// Why.
        reason: String,
    },
    /// Keep the event with an aggregation's dead letters.
    RefusePart {
        /// The aggregation.
        aggregation: usize,
        /// Why.
        reason: String,
    },
    /// Put a release on the bus. The hop's position is filled in when it has one.
    Emit {
        /// The release.
        release: Box<Stored>,
        /// Its `released` hop.
        hop: Box<Hop>,
    },
    /// Nothing is to be done: a group ended without a release. A rehearsal tells of it.
    Discard(Box<Discarded>),
}

/// A group that ended without a release.
#[derive(Debug)]
pub(crate) struct Discarded {
    /// Its key.
    pub(crate) key: Text,
    /// Why, with the condition's name in front.
    pub(crate) reason: String,
    /// When its first part came.
    pub(crate) opened: Timestamp,
    /// When the window begins that it stands for.
    pub(crate) window: Option<Timestamp>,
    /// The names of its parts, in order of arrival.
    pub(crate) parts: Vec<Text>,
    /// The expected parts that had not come.
    pub(crate) missing: Vec<String>,
}
