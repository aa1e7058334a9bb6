//! All that stands in a segment's file, whole or not: what opening never looks for, and repair needs.

use std::{io, path::PathBuf};

use bytes::Bytes;

use crate::{
    disk::{self, Folder},
    error::OpenError,
    fields::Fields,
    label::{LABEL_BYTES, Label, Unlabelled},
    position::{Place, Position, narrow},
    record::{HEADER_BYTES, Header, Kind, Record},
    segment::{self, FIRST_RECORD},
    tail,
    tx::Tx,
};

/// Records that follow one another without a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) from: u32,
    pub(crate) to: u32,
    /// The position before its first event.
    pub(crate) before: Position,
    /// The position of its last event, or where its last gap ends.
    pub(crate) after: Position,
}

/// What a segment's file holds.
#[derive(Debug)]
pub(crate) struct Scanned {
    pub(crate) number: u32,
    pub(crate) path: PathBuf,
    /// The size of the file; `None` when there is none.
    pub(crate) bytes: Option<u64>,
    /// What the file says of itself; `None` when that is damaged.
    pub(crate) label: Option<Label>,
    /// What the first record says: the position before it, and where the segment before this one ends.
    pub(crate) start: Option<(Position, u32)>,
    pub(crate) runs: Vec<Run>,
    /// Where a later batch began: all before this byte had been synced.
    pub(crate) proven: u32,
    pub(crate) records: u64,
    pub(crate) events: u64,
    /// True when there are gaps that an earlier repair left.
    pub(crate) has_gaps: bool,
    /// The byte of a whole record that does not go on where the one before it ends.
    pub(crate) disorder: Option<u32>,
    /// The byte after the last one that is not zero.
    pub(crate) filled: u32,
}

/// Looks through one segment's file, which may be missing.
pub(crate) fn scan(folder: &Folder, number: u32) -> Result<Scanned, OpenError> {
    let path = segment::path(&folder.dir, number);
    let read = folder.disk.open(&path).and_then(|file| disk::read_all(&*file));
    let bytes = match read {
        Ok(bytes) => Some(Bytes::from(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(cause) => return Err(OpenError::io(format!("read `{}`", path.display()))(cause)),
    };
    let start = bytes.as_ref().map(|bytes| &bytes[..bytes.len().min(LABEL_BYTES)]);
    let label = match start.map(|start| Label::decode(number, start)) {
        Some(Ok(label)) => Some(label),
        Some(Err(unknown @ Unlabelled::Version { summed: true, .. })) => return Err(unknown.refuse(&path)),
        Some(Err(_)) | None => None,
    };
    let mut scanned = Scanned {
        number,
        path,
        bytes: bytes.as_ref().map(|bytes| bytes.len() as u64),
        label,
        start: None,
        runs: Vec::new(),
        proven: FIRST_RECORD,
        records: 0,
        events: 0,
        has_gaps: false,
        disorder: None,
        filled: 0,
    };
    if let Some(bytes) = bytes {
        scanned.filled = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| narrow(last + 1));
        scanned.all(&bytes);
    }
    Ok(scanned)
}

impl Scanned {
    fn all(&mut self, bytes: &Bytes) {
        let mut at = FIRST_RECORD;
        let mut fresh = true;
        while self.disorder.is_none() {
            if let Some(record) = whole(bytes, self.number, at) {
                self.take(&record, fresh);
                fresh = false;
                at = record.end();
            } else {
                let Some(next) = next_whole(bytes, self.number, at) else { return };
                fresh = true;
                at = next;
            }
        }
    }

    fn take(&mut self, record: &Record, fresh: bool) {
        let Header { place, batch, before, kind } = record.header;
        let count = record.event_count().unwrap_or(0);
        if kind == Kind::Start && place.byte == FIRST_RECORD {
            self.start = Fields(record.payload()).u32().map(|previous_end| (before, previous_end));
        }
        let after = Position(before.0 + u64::from(count));
        let end = record.end();
        match self.runs.last_mut().filter(|_| !fresh) {
            Some(run) if before == run.after || (kind == Kind::Gap && before > run.after) => {
                (run.to, run.after) = (end, after);
            }
            Some(_) => {
                self.disorder = Some(place.byte);
                return;
            }
            None => self.runs.push(Run { from: place.byte, to: end, before, after }),
        }
        self.proven = self.proven.max(batch);
        self.records += 1;
        self.events += u64::from(count);
        self.has_gaps |= kind == Kind::Gap;
    }

    /// Returns by how many bytes the file is shorter than it was made.
    pub(crate) fn missing_bytes(&self) -> u64 {
        let made = self.label.map_or(0, |label| label.bytes);
        self.bytes.map_or(0, |bytes| made.saturating_sub(bytes))
    }

    /// Returns true when bytes after the last record can only be what a crash left.
    pub(crate) fn is_fresh(&self) -> bool {
        self.label.is_some_and(|label| !label.recycled)
    }

    /// Returns true when the file holds nothing that was ever written to the log.
    pub(crate) fn is_unused(&self) -> bool {
        self.runs.is_empty()
    }
}

/// Returns the record at a byte if it is whole.
fn whole(bytes: &Bytes, number: u32, at: u32) -> Option<Record> {
    let start = at as usize;
    let rest = bytes.get(start..).map(|_| bytes.slice(start..))?;
    let (header, length) = Header::decode(&rest)?;
    let end = HEADER_BYTES.checked_add(length)?;
    if header.place != (Place { segment: number, byte: at }) || rest.len() < end {
        return None;
    }
    let record = Record::new(header, rest.slice(..end));
    let sound = record.is_intact() && record.events().is_some();
    let sound = sound && (header.kind != Kind::Commit || Tx::decode(record.payload()).is_some());
    sound.then_some(record)
}

/// Returns the byte of the next whole record behind a byte.
fn next_whole(bytes: &Bytes, number: u32, behind: u32) -> Option<u32> {
    let from = behind + 1;
    let rest = bytes.get(from as usize..)?;
    tail::candidates(number, from, rest).find(|byte| whole(bytes, number, *byte).is_some())
}
