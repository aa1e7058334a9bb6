//! [`Order`]: what somebody asks of a bus that its pipeline must commit.

use api::HandlingRecord;
use tokio::sync::oneshot;

use crate::core::HandleError;
use crate::state::record::ReplayRecord;

/// Orders that wait for a pipeline; who orders more waits.
pub(crate) const ORDERS_MAX: usize = 64;

/// What is asked.
#[derive(Debug)]
pub(crate) enum Order {
    /// Deliver nothing to a consumer until it is resumed.
    Pause {
        /// The consumer, by its place on its bus.
        consumer: usize,
    },
    /// Deliver to a consumer again that was paused or stopped.
    Resume {
        /// The consumer, by its place on its bus.
        consumer: usize,
    },
    /// Queue dead letters for their consumer again; those that are gone meanwhile are passed over. Answers how many.
    Redrive {
        /// The consumer's name.
        consumer: String,
        /// The letters' positions.
        letters: Vec<u64>,
    },
    /// Forget dead letters; those that are gone meanwhile are passed over. Answers how many.
    Purge {
        /// The consumer's name.
        consumer: String,
        /// The letters' positions.
        letters: Vec<u64>,
    },
    /// Do something to a group. Answers to how many.
    Group {
        /// The aggregation, by its place on its bus.
        aggregation: usize,
        /// The group's key or id, or `*`.
        group: String,
        /// What, by whom and why.
        record: HandlingRecord,
        /// To how many it was done so far.
        done: u64,
    },
    /// Begin a replay.
    Replay(Box<ReplayRecord>),
    /// End a replay where it is.
    CancelReplay {
        /// Its name.
        name: String,
    },
    /// Answers the oldest position that anything but a dead letter needs.
    Needed,
    /// Write the dead letters before a position anew at the log's end, so that their old place may go. Answers how many.
    Carry {
        /// The position.
        before: u64,
    },
}

/// An order and who waits for it.
#[derive(Debug)]
pub(crate) struct Ordered {
    pub(crate) order: Order,
    pub(crate) answer: oneshot::Sender<Result<u64, OrderError>>,
}

/// Why an order was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OrderError {
    /// The router stops, or its store failed.
    #[error("the router is stopping")]
    Stopped,
    /// There is no such thing, or it is over.
    #[error("there is no {what} `{name}`")]
    Unknown {
        /// What: `consumer`, `replay`.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// It cannot be done to that group.
    #[error(transparent)]
    Group(#[from] HandleError),
    /// The name is taken.
    #[error("there is a replay `{name}` already, and it is not over")]
    Taken {
        /// The name.
        name: String,
    },
}
