//! The list of the segments that are held, the few of them that are open, and the files kept for reuse.

use std::{
    collections::VecDeque,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, RwLock},
};

use crate::{
    disk::Folder,
    error::{Error, OpenError},
    lock::{lock, read, write},
    partition::Keep,
    position::Position,
    segment::{self, SegmentFile},
};

/// How many sealed segments stay open with their index; the one that was not used for longest is closed.
const OPEN_MAX: usize = 64;
/// How many files of dropped segments are kept for reuse; the others give their space back.
pub(crate) const SPARE_MAX: usize = 2;

/// One segment of the log, as retention by age and by size needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// The position of its first event, or of the next event to come when it has none.
    pub first: Position,
    /// The position of its last event; one before `first` when it has none.
    pub last: Position,
    /// The size of its file in bytes.
    pub bytes: u64,
    /// When its last record was written, in milliseconds since 1970; `None` while it is still written to.
    pub sealed_at_ms: Option<u64>,
}

/// What was dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reclaimed {
    /// How many segments.
    pub segments: u64,
    /// How many events were in them.
    pub events: u64,
    /// How many bytes of disk came back; files kept for reuse are not among them.
    pub bytes: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) number: u32,
    pub(crate) info: SegmentInfo,
}

#[derive(Debug)]
pub(crate) struct Catalog {
    folder: Folder,
    /// The size of files that are worth reusing.
    segment_bytes: u64,
    held: RwLock<Held>,
    open: Mutex<VecDeque<Arc<SegmentFile>>>,
    spares: Mutex<Vec<PathBuf>>,
}

#[derive(Debug)]
struct Held {
    segments: VecDeque<Segment>,
    active: Arc<SegmentFile>,
}

impl Catalog {
    /// Takes the segments in order, of which the last is the active one.
    pub(crate) fn new(
        folder: Folder,
        segment_bytes: u64,
        segments: VecDeque<Segment>,
        active: Arc<SegmentFile>,
    ) -> Self {
        Self {
            folder,
            segment_bytes,
            held: RwLock::new(Held { segments, active }),
            open: Mutex::default(),
            spares: Mutex::default(),
        }
    }

    pub(crate) fn add_spare(&self, path: PathBuf) {
        lock(&self.spares).push(path);
    }

    /// Returns the first position still held, or the next to come.
    pub(crate) fn tail(&self) -> Position {
        read(&self.held).segments.front().map_or(Position(1), |segment| segment.info.first)
    }

    /// Returns the segments, oldest first, when `head` is the last position.
    pub(crate) fn infos(&self, head: Position) -> Vec<SegmentInfo> {
        let list = read(&self.held);
        let infos = list.segments.iter().map(|segment| segment.info);
        infos
            .map(|info| if info.sealed_at_ms.is_none() { SegmentInfo { last: head, ..info } } else { info })
            .collect()
    }

    /// Opens the segment that holds a position, which must not be behind the head.
    pub(crate) fn open(&self, wanted: Position) -> Result<Arc<SegmentFile>, OpenError> {
        let (number, before) = {
            let held = read(&self.held);
            let after = held.segments.partition_point(|segment| segment.info.first <= wanted);
            let segment = held.segments[after.saturating_sub(1)];
            if segment.number == held.active.number {
                return Ok(Arc::clone(&held.active));
            }
            (segment.number, Position(segment.info.first.0 - 1))
        };
        if let Some(file) = self.opened(number) {
            return Ok(file);
        }
        let file = Arc::new(SegmentFile::open(&self.folder, number, before)?);
        self.keep_open(Arc::clone(&file));
        Ok(file)
    }

    fn opened(&self, number: u32) -> Option<Arc<SegmentFile>> {
        let mut open = lock(&self.open);
        let at = open.iter().position(|file| file.number == number)?;
        let file = open.remove(at)?;
        open.push_back(Arc::clone(&file));
        Some(file)
    }

    fn keep_open(&self, file: Arc<SegmentFile>) {
        let mut open = lock(&self.open);
        if open.len() == OPEN_MAX {
            open.pop_front();
        }
        open.push_back(file);
    }

    /// Makes the next segment, out of a spare file when there is one.
    pub(crate) fn prepare(&self, number: u32) -> io::Result<SegmentFile> {
        let spare = lock(&self.spares).pop();
        segment::prepare(&self.folder, number, self.segment_bytes, spare.as_deref())
    }

    /// Seals the active segment, whose last event is `last`, and goes on in the next.
    pub(crate) fn rotate(&self, last: Position, next: Arc<SegmentFile>) -> io::Result<()> {
        let info = SegmentInfo { first: last.next(), last, bytes: next.file.len()?, sealed_at_ms: None };
        let mut held = write(&self.held);
        let (bytes, sealed_at_ms) = (held.active.file.len()?, held.active.file.modified_ms()?);
        if let Some(segment) = held.segments.back_mut() {
            segment.info.last = last;
            segment.info.bytes = bytes;
            segment.info.sealed_at_ms = Some(sealed_at_ms);
        }
        held.segments.push_back(Segment { number: next.number, info });
        let sealed = std::mem::replace(&mut held.active, next);
        drop(held);
        self.keep_open(sealed);
        Ok(())
    }

    /// Returns the number of the last segment that may be dropped: sealed, out of what is kept, and its successor on
    /// disk.
    pub(crate) fn droppable(&self, keep: Keep, on_disk: u32) -> Option<u32> {
        let held = read(&self.held);
        let mut excess = Excess::of(keep, held.segments.iter().map(|segment| segment.info.bytes).sum());
        let may_go = |segment: &&Segment| segment.number < on_disk && excess.takes(&segment.info);
        held.segments.iter().take_while(may_go).last().map(|segment| segment.number)
    }

    /// Drops the oldest segment unless its number is beyond the last that may go, and returns what became of its file.
    ///
    /// One caller at a time. The directory must be synced and [`Catalog::add_spare`] called before the next one goes: after
    /// a crash a file that is missing between others is damage, and one that is used again must not come back under its
    /// old name.
    pub(crate) fn drop_oldest(&self, last: u32) -> Result<Option<Dropped>, Error> {
        let Some(segment) = self.pop_through(last) else { return Ok(None) };
        let path = segment::path(&self.folder.dir, segment.number);
        let keep = lock(&self.spares).len() < SPARE_MAX && segment.info.bytes == self.segment_bytes;
        let spare = keep.then(|| path.with_extension("free"));
        let gone = match &spare {
            Some(spare) => self.folder.disk.rename(&path, spare),
            None => self.folder.disk.remove(&path),
        };
        if let Err(cause) = gone {
            write(&self.held).segments.push_front(segment);
            return Err(Error::io(format!("remove `{}`", path.display()), cause));
        }
        Ok(Some(Dropped { info: segment.info, spare }))
    }

    fn pop_through(&self, number: u32) -> Option<Segment> {
        let mut held = write(&self.held);
        let segment = held.segments.front().copied().filter(|segment| segment.number <= number)?;
        held.segments.pop_front();
        drop(held);
        lock(&self.open).retain(|file| file.number != segment.number);
        Some(segment)
    }
}

/// A segment that is held no more.
pub(crate) struct Dropped {
    pub(crate) info: SegmentInfo,
    /// Its file, if that is worth reusing.
    pub(crate) spare: Option<PathBuf>,
}

/// How far a log is beyond what is kept, as its oldest segments go one after another.
pub(crate) struct Excess {
    keep: Keep,
    /// The size of what is left.
    bytes: u64,
}

impl Excess {
    pub(crate) fn of(keep: Keep, bytes: u64) -> Self {
        Self { keep, bytes }
    }

    /// Returns true when the oldest segment that is left may go, and counts it as gone.
    pub(crate) fn takes(&mut self, oldest: &SegmentInfo) -> bool {
        let Some(sealed_at_ms) = oldest.sealed_at_ms else { return false };
        let too_old = self.keep.sealed_before_ms.is_some_and(|limit| sealed_at_ms < limit);
        let too_much = self.keep.bytes_max.is_some_and(|limit| self.bytes > limit);
        let goes = oldest.last < self.keep.from && (too_old || too_much);
        self.bytes -= if goes { oldest.bytes } else { 0 };
        goes
    }
}
