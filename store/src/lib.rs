//! A durable, ordered log of events and the keyed state that follows from it.
//!
//! A [`Partition`] is both at once, because the log is the only write-ahead log: an append and a commit are records in
//! it, one `fdatasync` covers everything that waited, and the keyed state is what the commits so far add up to.
//! A kill at any byte leaves whole records, and a commit is in or out as one. [`Local`] keeps one directory, [`Memory`]
//! keeps nothing; both answer alike.
//!
//! It knows bytes, positions and the keys by which a repeated event is told. It is not a place for events to be
//! understood, matched or timed: it never looks into what it keeps, never reads the wall clock, and never retries a
//! write or a sync that failed.
//!
//! ```
//! use bytes::Bytes;
//! # use railpost_store as store;
//! use store::{Appended, Local, NewEvent, Options, Partition, Position, ReadBudget, Scan, Space, Tx};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let dir = tempfile::tempdir()?;
//! let (partition, _recovery) = Local::open(dir.path(), Options::default())?;
//! let order = NewEvent { bytes: Bytes::from("an order"), key: Some(0x5eed), at_ms: 1_750_000_000_000 };
//! assert_eq!(partition.append(vec![order.clone()]).await?, [Appended::At(Position(1))]);
//! assert_eq!(partition.append(vec![order]).await?, [Appended::DuplicateOf(Position(1))]);
//!
//! let tx = Tx {
//!     applied: Some(Position(1)),
//!     put: vec![(Space(0), Bytes::from("orders"), Bytes::from("1"))],
//!     emit: vec![Bytes::from("a receipt")],
//!     ..Tx::default()
//! };
//! partition.commit(tx).await?;
//!
//! let events = partition.read(Position(0), ReadBudget::default()).await?;
//! assert_eq!(events[1], (Position(2), Bytes::from("a receipt")));
//! let all = Scan { space: Space(0), prefix: Bytes::new(), after: None, limit: 100 };
//! assert_eq!(partition.scan(all).await?, [(Bytes::from("orders"), Bytes::from("1"))]);
//! partition.close().await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Modules, in reading order
//! * `position`: where an event is among events, and a record among bytes.
//! * `append`, `tx`: what an append brings, what one commit changes.
//! * `partition`: what every engine does. `options`, `error`: what may be set, what can go wrong.
//! * `state`, `window`: the keyed state, and the keys by which a repeated event is told.
//! * `memory`: the engine that keeps nothing.
//! * `disk`: the files under the engine that keeps a directory, real or simulated.
//! * `record`, `label`, `segment`, `index`, `catalog`: how a record lies in a file, the files, the way from a position to a byte,
//!   the list of what is held.
//! * `walk`, `read`: records of a segment one after another, and events out of them; `recent`: the last events.
//! * `snapshot`: the copy of state and window on disk.
//! * `writer`, `aside`, `committer`, `driver`: the one who writes, on a thread or by hand.
//! * `tail`, `recovery`: what a crash left, and how it is opened again.
//! * `core`, `local`: what the threads share, and the handle.
//! * `scan`, `plan`, `verify`, `repair`: what is left in damaged files, what is to be done about it, said or done.

mod append;
mod aside;
mod catalog;
mod committer;
mod core;
mod disk;
mod driver;
mod error;
mod fields;
mod index;
mod label;
mod local;
mod lock;
mod memory;
mod options;
mod partition;
mod plan;
mod position;
mod read;
mod recent;
mod record;
mod recovery;
mod repair;
mod scan;
mod segment;
mod snapshot;
mod state;
mod tail;
mod tx;
mod verify;
mod walk;
mod window;
mod writer;

pub use crate::append::{Appended, NewEvent};
pub use crate::catalog::{Reclaimed, SegmentInfo};
pub use crate::disk::{Disk, DiskFile, Listed, Lock, RealDisk};
#[cfg(any(test, feature = "simulation"))]
pub use crate::disk::{Faults, SimulatedDisk};
pub use crate::driver::Driver;
pub use crate::error::{Error, OpenError};
pub use crate::local::Local;
pub use crate::memory::Memory;
pub use crate::options::{Dedup, Durability, Options, ReadBudget};
pub use crate::partition::{Keep, Partition, Scan};
pub use crate::position::{Position, Positions};
pub use crate::recovery::Recovery;
pub use crate::repair::{Repaired, repair};
pub use crate::tx::{Committed, Space, Tx};
pub use crate::verify::{Damage, Finding, Lost, Remedy, Verification, verify};
