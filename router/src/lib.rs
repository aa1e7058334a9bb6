//! Decides who gets each event, gathers the events that belong together, and delivers.
//!
//! It is the daemon behind `railpost run`: everything but the command line, the dashboard and the trace formats.
//!
//! ```no_run
//! # use railpost_router as router;
//! # async fn example() -> Result<(), router::StartError> {
//! let running = router::start(router::config::Config::default(), "/var/lib/railpost".into()).await?;
//! println!("listening on http://{}", running.address());
//! println!("{}", running.stop().await);
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//! The way of one event, in reading order:
//! * `server`, `ingest`: decoded, given its trace, made durable
//! * `bus`, `pipeline`: read back in order; one commit a turn
//! * `core`: decides; pure
//! * `state`: how decisions are kept
//! * `deliver`: lanes, workers, targets, retries
//! * `observe`, `report`: what happened and how things stand
//! * [`config`]: what a configuration file means
//! * `router`, `tasks`, `clock`, `retention`: start and stop, spawn, time, disk

pub mod config;
pub mod rehearse;

mod bus;
mod clock;
mod core;
mod deliver;
mod ingest;
mod observe;
mod orders;
mod pipeline;
mod queue;
mod read;
mod report;
mod retention;
mod router;
mod search;
mod server;
mod state;
mod tasks;

pub use crate::core::UnknownSchema;
pub use crate::deliver::targets::ConnectError;
#[cfg(feature = "simulation")]
pub use crate::router::simulation;
pub use crate::router::{Left, Running, StartError, start};
