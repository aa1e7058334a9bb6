//! A durable, ordered log of events and the keyed state that follows from it, in one directory.
//!
//! A [`Partition`] is both at once, because the log is the only write-ahead log: an append and a commit are records in
//! it, one `fdatasync` covers everything that waited, and the keyed state is what the commits so far add up to.
//! A kill at any byte leaves whole records, and a commit is in or out as one.
//!
//! It knows bytes and positions. It is not a place for events to be understood, matched or timed: it never looks into
//! what it keeps, never reads the wall clock, and never retries a write or a sync that failed.
//!
//! ```
//! use bytes::Bytes;
//! # use railpost_store as store;
//! use store::{Options, Partition, Position, ReadBudget, Space, Tx};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let dir = tempfile::tempdir()?;
//! let (partition, _recovery) = Partition::open(dir.path(), Options::default())?;
//! partition.append(vec![Bytes::from("an order")]).await?;
//!
//! let tx = Tx {
//!     applied: Some(Position(1)),
//!     put: vec![(Space(0), Bytes::from("orders"), Bytes::from("1"))],
//!     emit: vec![Bytes::from("a receipt")],
//!     ..Tx::default()
//! };
//! partition.commit(tx).await?;
//!
//! let events = partition.read(Position(0), ReadBudget::default())?;
//! assert_eq!(events[1], (Position(2), Bytes::from("a receipt")));
//! assert_eq!(partition.state(Space(0), b"orders"), Some(Bytes::from("1")));
//! partition.close().await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Modules, in reading order
//! * `position`: where an event is among events, and a record among bytes.
//! * `options`, `error`: what may be set, what can go wrong.
//! * `tx`: what one commit changes. `record`: how a record lies in a file.
//! * `segment`, `index`, `catalog`: the files, the way from a position to a byte, the list of what is held.
//! * `walk`, `read`: records of a segment one after another, and events out of them.
//! * `state`, `snapshot`: the keyed state and its copy on disk.
//! * `writer`, `committer`: the one thread that writes.
//! * `tail`, `recovery`: what a crash left, and how it is opened again.
//! * `core`, `partition`: what the threads share, and the handle.

mod catalog;
mod committer;
mod core;
mod disk;
mod error;
mod fields;
mod index;
mod lock;
mod options;
mod partition;
mod position;
mod read;
mod record;
mod recovery;
mod segment;
mod snapshot;
mod state;
mod tail;
mod tx;
mod walk;
mod writer;

pub use crate::catalog::{Reclaimed, SegmentInfo};
pub use crate::error::{Error, OpenError};
pub use crate::options::{Durability, Options, ReadBudget};
pub use crate::partition::Partition;
pub use crate::position::{Position, Positions};
pub use crate::recovery::Recovery;
pub use crate::tx::{Committed, Space, Tx};
