//! What a decision asks the pipeline to do.

use event::Hop;
use event::stored::Stored;

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
}
