//! The records of one segment, one after another.

use std::io;

use bytes::Bytes;

use crate::{
    disk,
    position::{Place, narrow},
    record::{self, Header, Record},
    segment::SegmentFile,
};

/// A walk over the records of a segment from one byte on. It ends at the first byte where no record of this place
/// stands, and does not look at sums.
pub(crate) struct Walk<'a> {
    segment: &'a SegmentFile,
    /// Where the next record is expected.
    pub(crate) byte: u32,
    /// How much is read at once.
    step: usize,
    /// What was read and not yet passed; it begins at `byte`.
    chunk: Bytes,
}

impl<'a> Walk<'a> {
    /// Starts at a byte, reading `step` bytes at once, or more when a record is larger.
    pub(crate) fn new(segment: &'a SegmentFile, byte: u32, step: usize) -> Self {
        Self { segment, byte, step: step.max(record::HEADER_BYTES), chunk: Bytes::new() }
    }

    /// Returns the record at the byte without passing it, or `None` when no whole one is there.
    pub(crate) fn peek(&mut self) -> io::Result<Option<Record>> {
        if self.chunk.len() < record::HEADER_BYTES {
            self.fill(self.step)?;
        }
        let Some((header, length)) = Header::decode(&self.chunk) else { return Ok(None) };
        if header.place != (Place { segment: self.segment.number, byte: self.byte }) {
            return Ok(None);
        }
        let whole = record::HEADER_BYTES + length;
        if self.chunk.len() < whole {
            let left = self.segment.file.len()?.saturating_sub(u64::from(self.byte));
            if left < whole as u64 {
                return Ok(None);
            }
            self.fill(whole.max(self.step))?;
        }
        Ok((self.chunk.len() >= whole).then(|| Record::new(header, self.chunk.slice(..whole))))
    }

    /// Goes on behind a record that was peeked at.
    pub(crate) fn pass(&mut self, record: &Record) {
        self.chunk = self.chunk.split_off((record.end() - self.byte) as usize);
        self.byte = record.end();
    }

    /// Returns the bytes that a record claims whose header stands here, up to the end of the file.
    pub(crate) fn claimed(&mut self) -> io::Result<u32> {
        self.fill(record::HEADER_BYTES)?;
        let Some((header, length)) = Header::decode(&self.chunk) else { return Ok(0) };
        if header.place != (Place { segment: self.segment.number, byte: self.byte }) {
            return Ok(0);
        }
        let left = self.segment.file.len()?.saturating_sub(u64::from(self.byte));
        let claimed = (record::HEADER_BYTES + length) as u64;
        Ok(narrow(usize::try_from(claimed.min(left)).unwrap_or(0)))
    }

    fn fill(&mut self, bytes: usize) -> io::Result<()> {
        self.chunk = Bytes::from(disk::read_at_most(&*self.segment.file, u64::from(self.byte), bytes)?);
        Ok(())
    }
}
