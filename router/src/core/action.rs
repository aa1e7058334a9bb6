//! What a decision asks the pipeline to do.

use event::Hop;
use event::stored::Stored;

use super::group::{Group, Part};

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
    /// Save a group's head: all of it but its parts.
    SaveGroup {
        /// The aggregation.
        aggregation: usize,
        /// The group, without its parts.
        group: Box<Group>,
    },
    /// Save one part of a group.
    SavePart {
        /// The aggregation.
        aggregation: usize,
        /// The group's key.
        key: String,
        /// The part's place in the group.
        index: usize,
        /// The part.
        part: Part,
    },
    /// Forget a group and its parts.
    CloseGroup {
        /// The aggregation.
        aggregation: usize,
        /// The group's key.
        key: String,
        /// How many parts were saved.
        parts: usize,
    },
    /// Remember that a key's group was released, so that what comes after is late.
    RememberKey {
        /// The aggregation.
        aggregation: usize,
        /// The key.
        key: String,
        /// The place in the order of releases.
        order: u64,
    },
    /// Forget a remembered key.
    ForgetKey {
        /// The aggregation.
        aggregation: usize,
        /// The key.
        key: String,
    },
    /// Put a release on the bus. The hop's position is filled in when it has one.
    Emit {
        /// The release.
        release: Box<Stored>,
        /// Its `released` hop.
        hop: Box<Hop>,
    },
}
