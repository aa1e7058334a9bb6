//! Every file of a closed partition checked, and what repair would do about what is found.

use std::{fmt, path::Path, path::PathBuf, sync::Arc};

use crate::{
    disk::{Folder, RealDisk},
    error::OpenError,
    local,
    plan::{self, Plan},
    position::{Position, Positions},
};

/// What was found in a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// How many segments were read.
    pub segments: u64,
    /// How many whole records were in them.
    pub records: u64,
    /// How many events were in those.
    pub events: u64,
    /// What is not as it was written; nothing when all is well.
    pub findings: Vec<Finding>,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: PathBuf,
    /// The byte at which it begins.
    pub byte: u64,
    /// The first position that may be concerned.
    pub position: Position,
    /// What it is.
    pub what: Damage,
    /// What repair would do.
    pub remedy: Remedy,
}

/// What is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The file is not there.
    Missing,
    /// The beginning of a segment's file, which tells what it is.
    Header,
    /// Records, or what stands in their place.
    Records {
        /// How many bytes cannot be read as records.
        bytes: u64,
    },
    /// What follows the last whole record: the rest of a write that was never acknowledged. Damage to the last
    /// acknowledged write alone looks the same.
    Torn {
        /// How many bytes.
        bytes: u64,
    },
    /// A segment's file is shorter than it was made.
    CutShort {
        /// By how many bytes.
        bytes: u64,
    },
    /// A whole record that does not go on where the log before it ends.
    Disorder,
    /// The copy of the keyed state.
    State,
}

/// What repair does about a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing: opening the partition cuts it off.
    CutWhenOpened,
    /// The file is written anew as it was; nothing is lost.
    Rewrite,
    /// The file is written anew with a mark where records were lost, or removed when none of it is left. Every other event
    /// keeps its position.
    MarkLost(Lost),
    /// The file is removed; it holds nothing.
    Remove,
    /// The keyed state is removed; opening builds it again from the whole log.
    Rebuild,
    /// Nothing, and repair refuses the whole directory.
    Impossible {
        /// Why the damage cannot be undone or marked.
        why: &'static str,
    },
}

/// What no longer can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The positions whose events are lost. When the oldest segment lost its beginning, where it began is not known and
    /// the run begins at the lowest possible position.
    pub positions: Positions,
    /// True when commits may be lost that the written keyed state does not count yet: what they changed is lost as well.
    pub commits: bool,
    /// True when the end of the log may be lost as well, and how much of it cannot be told. New events then get positions
    /// that lost ones had.
    pub more: bool,
}

/// Reads every segment and the keyed state of a closed partition, checks every sum and that the log has no hole, and
/// changes nothing.
///
/// Two losses leave no trace and are not found: the file of the oldest segment gone as a whole, because it looks
/// reclaimed, and that of the newest, because it looks never made, unless the written state counts what was in it.
///
/// It fails with [`OpenError::Locked`] when the partition is open, and with [`OpenError::Version`] when a file is whole
/// and of a version that is not known. It reads one segment at a time into memory.
pub fn verify(dir: &Path) -> Result<Verification, OpenError> {
    let folder = Folder::new(Arc::new(RealDisk), dir);
    let exists = folder.disk.exists(&dir.join("lock"));
    let exists = exists.map_err(OpenError::io(format!("look for a lock in `{}`", dir.display())))?;
    let _lock = exists.then(|| local::lock_dir(&folder)).transpose()?;
    let Plan { findings, segments, records, events, .. } = plan::plan(&folder)?;
    Ok(Verification { segments, records, events, findings })
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, byte, position, what, remedy } = self;
        write!(f, "`{}` at byte {byte} (position {position}): {what}; {remedy}", file.display())
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("the file is missing"),
            Self::Header => f.write_str("the header is not the one that was written"),
            Self::Records { bytes } => write!(f, "{bytes} bytes hold no whole record"),
            Self::Torn { bytes } => write!(f, "{bytes} bytes of a write that was not finished"),
            Self::CutShort { bytes } => write!(f, "the file is {bytes} bytes shorter than it was made"),
            Self::Disorder => f.write_str("a record does not go on where the one before it ends"),
            Self::State => f.write_str("the sum of the state is not the one that was written"),
        }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutWhenOpened => f.write_str("opening cuts them off"),
            Self::Rewrite => f.write_str("repair restores it, and nothing is lost"),
            Self::MarkLost(lost) => write!(f, "repair marks the place; {lost}"),
            Self::Remove => f.write_str("repair removes the file, which holds nothing"),
            Self::Rebuild => f.write_str("repair removes it, and opening builds it again from the log"),
            Self::Impossible { why } => write!(f, "repair refuses, because {why}"),
        }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.positions.first(), self.positions.last()) {
            (Some(first), Some(last)) if first != last => {
                write!(f, "the events at positions {first} to {last} are lost")?;
            }
            (Some(only), _) => write!(f, "the event at position {only} is lost")?,
            _ => f.write_str("no event is lost")?,
        }
        f.write_str(if self.commits { ", commits may be" } else { ", and no commit" })?;
        f.write_str(if self.more { ", and so may be any event and commit that followed" } else { "" })
    }
}
