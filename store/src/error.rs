//! What can go wrong, while a partition is opened and afterwards.

use std::{io, path::PathBuf, sync::Arc};

use crate::position::Position;

/// Why a request to an open partition was not done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Too much waits for the committer already. Nothing was written; the same request may be sent again later.
    #[error("the queue is full: {requests_max} requests or {bytes_max} bytes wait to be written")]
    Full {
        /// The limit on requests.
        requests_max: usize,
        /// The limit on bytes.
        bytes_max: usize,
    },
    /// One request is larger than all requests together may be. Nothing was written.
    #[error("a request of {bytes} bytes is larger than the queue's limit of {bytes_max} bytes")]
    TooLarge {
        /// The size of the request.
        bytes: usize,
        /// The limit on bytes.
        bytes_max: usize,
    },
    /// The partition was closed before the request was taken. Nothing was written.
    #[error("the partition is closed")]
    Closed,
    /// A write or a sync failed once, now or earlier, and the partition has stopped for good. Whether the request that
    /// met the failure is on disk is unknown until the directory is opened again.
    #[error("the partition stopped because it could not {action}")]
    Failed {
        /// What could not be done, with the file or directory.
        action: String,
        /// What the operating system said.
        #[source]
        cause: Arc<io::Error>,
    },
    /// A file could not be read or removed. The partition goes on.
    #[error("could not {action}")]
    Io {
        /// What could not be done, with the file or directory.
        action: String,
        /// What the operating system said.
        #[source]
        cause: Arc<io::Error>,
    },
    /// What is held at a position is damaged on disk. The partition goes on.
    #[error(
        "`{file}` is damaged at or after byte {byte} (position {position}); restore the file from a copy while the \
         partition is closed"
    )]
    Corrupt {
        /// The segment file.
        file: PathBuf,
        /// The byte from which on no whole record was found.
        byte: u64,
        /// The first position that cannot be read.
        position: Position,
    },
}

impl Error {
    pub(crate) fn io(action: impl Into<String>, cause: io::Error) -> Self {
        Self::Io { action: action.into(), cause: Arc::new(cause) }
    }
}

/// Why a directory was not opened. Nothing in it was changed, except where [`OpenError::Io`] tells of a write.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// An option is outside its limits.
    #[error("option `{name}` is {value} and must be from {min} to {max}")]
    Option {
        /// The option's name.
        name: &'static str,
        /// Its value.
        value: u64,
        /// The least value.
        min: u64,
        /// The greatest value.
        max: u64,
    },
    /// Somebody else has the directory open.
    #[error("`{dir}` is in use by another process or by another part of this one")]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// A file was written by a version that this one does not know.
    #[error(
        "`{file}` has format version {found} and this program reads version {known}; use the program that wrote it"
    )]
    Version {
        /// The file.
        file: PathBuf,
        /// The version in the file.
        found: u32,
        /// The version that is known.
        known: u32,
    },
    /// A file is damaged in a way that no crash explains, so that opening it would lose what was acknowledged.
    #[error(
        "`{file}` is damaged at byte {byte} (position {position}): {why}; restore the file from a copy, or move the \
         directory aside to start empty"
    )]
    Corrupt {
        /// The file.
        file: PathBuf,
        /// The byte at which the damage begins.
        byte: u64,
        /// The first position that may be lost.
        position: Position,
        /// How the damage was told from a torn write.
        why: String,
    },
    /// A file or the directory could not be read or written.
    #[error("could not {action}")]
    Io {
        /// What could not be done, with the file or directory.
        action: String,
        /// What the operating system said.
        #[source]
        cause: io::Error,
    },
}

impl OpenError {
    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        |cause| Self::Io { action, cause }
    }
}
