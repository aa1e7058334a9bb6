//! The HTTP surface of a router under `/api/v1`: its wire types and a client.
//!
//! It is all that the dashboard and the command line know of a router. It holds no routing logic.
//!
//! ```no_run
//! # use railpost_api as api;
//! # async fn example() -> Result<(), api::Error> {
//! let client = api::Client::new("http://127.0.0.1:7245")?;
//! for consumer in client.overview().await?.consumers {
//!     println!("{}: {} pending", consumer.name, consumer.pending);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//! * [`status`]: buses, consumers, aggregations
//! * [`groups`]: groups in flight and what each waits for
//! * [`detail`]: one event with its hops and decisions
//! * [`dead_letters`]: deliveries given up, and orders about them
//! * [`replay`]: sending a range of a bus again
//! * [`archive`]: what each bus retains
//! * [`publish`]: what a publisher is answered where not all was new
//! * [`problem`]: the body of every error answer
//! * [`client`], with [`Client`]

pub mod archive;
pub mod client;
pub mod dead_letters;
pub mod detail;
pub mod groups;
pub mod problem;
pub mod publish;
pub mod replay;
pub mod status;

pub use archive::ArchiveStatus;
pub use client::{Client, Error};
pub use dead_letters::{Attempt, DeadLetter, DeadLetterFilter, DeadLetterOrder, DeadLetterReport};
pub use detail::{Decision, EventDetail, FieldReason, Standing};
pub use groups::{
    GROUPS_LISTED_MAX, GroupAction, GroupDifference, GroupEnd, GroupOrder, GroupStatus, HandlingRecord,
    MissingPart, PartStatus, TriedAggregation, TriedGroup, TryOrder, TryReport, WindowStatus,
};
pub use problem::Problem;
pub use publish::{Duplicate, Published};
pub use replay::{Place, ReplayOrder, ReplayState, ReplayStatus, ReplayTo};
pub use status::{
    AggregationStatus, BusStatus, ConsumerState, ConsumerStatus, Durability, Latency, Overview, Phase,
    Restraint,
};
