//! [`Error`]: why a folder of schemas was refused.

use std::io;
use std::path::PathBuf;

/// Why a folder of schemas was refused; every variant names the file or folder at fault.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file or folder has no place in `REGISTRY/NAME/VERSION.json`.
    #[error("`{}` is not part of `REGISTRY/NAME/VERSION.json`: {reason}", path.display())]
    Misplaced {
        /// The file or folder.
        path: PathBuf,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// Two files are the same version.
    #[error("`{}` and `{}` are the same version, {version}", first.display(), second.display())]
    Duplicate {
        /// One of the files.
        first: PathBuf,
        /// The other one.
        second: PathBuf,
        /// The version with all its parts.
        version: semver::Version,
    },
    /// A file is not JSON.
    #[error("`{}` is not JSON", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A file is JSON, and not a valid JSON Schema.
    #[error("`{}` is not a valid JSON Schema: at `{pointer}`: {reason}", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// A JSON pointer into the file; empty for the whole of it.
        pointer: String,
        /// Why.
        reason: String,
    },
}
