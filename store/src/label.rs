//! What a segment's file says of itself, in a sector of its own at its beginning.
//!
//! ```text
//! magic u64, version u32, number of the segment u32, recycled u32,
//! size of the file when it was made u64 (from version 2 on), crc32c of all before u32
//! ```

use std::path::Path;

use bytes::{BufMut, Bytes};

use crate::{error::OpenError, fields::Fields, position::Position};

const MAGIC: u64 = u64::from_le_bytes(*b"rplogseg");
/// The version that is written. Version 1 is read as well; it has no size, and its segments hold no keyed records and no
/// gaps.
pub(crate) const VERSION: u32 = 2;
/// The size of the largest label.
pub(crate) const LABEL_BYTES: usize = 32;

/// A label that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) version: u32,
    pub(crate) number: u32,
    /// True when the file held other records before, so that bytes after the last record mean nothing.
    pub(crate) recycled: bool,
    /// The least size that the file can have.
    pub(crate) bytes: u64,
}

/// Why there is no label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unlabelled {
    CutShort,
    NoSegment,
    /// The sum tells whether another program may have written it so, if it kept to the layout.
    Version {
        found: u32,
        summed: bool,
    },
    Damaged,
}

impl Label {
    /// Returns the label of a file that is made now.
    pub(crate) fn new(number: u32, recycled: bool, bytes: u64) -> Self {
        Self { version: VERSION, number, recycled, bytes }
    }

    pub(crate) fn encode(self) -> Vec<u8> {
        let mut label = Vec::with_capacity(LABEL_BYTES);
        label.put_u64_le(MAGIC);
        label.put_u32_le(VERSION);
        label.put_u32_le(self.number);
        label.put_u32_le(u32::from(self.recycled));
        label.put_u64_le(self.bytes);
        label.put_u32_le(crc32c::crc32c(&label));
        label
    }

    /// Reads the label of a segment with a number from the beginning of its file.
    pub(crate) fn decode(number: u32, start: &[u8]) -> Result<Self, Unlabelled> {
        let mut fields = Fields(Bytes::copy_from_slice(start));
        let magic = fields.u64().ok_or(Unlabelled::CutShort)?;
        let version = fields.u32().ok_or(Unlabelled::CutShort)?;
        if magic != MAGIC {
            return Err(Unlabelled::NoSegment);
        }
        let summed_bytes = if version == 1 { 20 } else { 28 };
        let (summed, sum) = start.split_at_checked(summed_bytes).ok_or(Unlabelled::CutShort)?;
        let summed = sum.get(..4) == Some(&crc32c::crc32c(summed).to_le_bytes());
        if version == 0 || version > VERSION {
            return Err(Unlabelled::Version { found: version, summed });
        }
        let label = || {
            let (found, recycled) = (fields.u32()?, fields.u32()? == 1);
            let bytes = if version == 1 { 0 } else { fields.u64()? };
            Some(Self { version, number: found, recycled, bytes })
        };
        let label = { label }().ok_or(Unlabelled::CutShort)?;
        if summed && label.number == number { Ok(label) } else { Err(Unlabelled::Damaged) }
    }
}

impl Unlabelled {
    /// Turns it into the reason why a file is not opened.
    pub(crate) fn refuse(self, file: &Path) -> OpenError {
        let why = match self {
            Self::Version { found, .. } => {
                return OpenError::Version { file: file.to_owned(), found, known: VERSION };
            }
            Self::CutShort => "its header is cut short",
            Self::NoSegment => "it does not begin as a segment does",
            Self::Damaged => "its header is not the one that was written",
        };
        damaged(file, 0, why.to_owned())
    }
}

pub(crate) fn damaged(file: &Path, byte: u64, why: String) -> OpenError {
    OpenError::Corrupt { file: file.to_owned(), byte, position: Position(0), why }
}
