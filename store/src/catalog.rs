//! The list of the segments that are held, the few of them that are open, and the files kept for reuse.

use std::{
    collections::VecDeque,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, RwLock},
};

use crate::{
    disk,
    error::{Error, OpenError},
    lock::{lock, read, write},
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

/// What a truncation dropped.
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
    dir: PathBuf,
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
        dir: &Path,
        segment_bytes: u64,
        segments: VecDeque<Segment>,
        active: Arc<SegmentFile>,
    ) -> Self {
        Self {
            dir: dir.to_owned(),
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
        let file = Arc::new(SegmentFile::open(&self.dir, number, before)?);
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
        segment::prepare(&self.dir, number, self.segment_bytes, spare.as_deref())
    }

    /// Seals the active segment, whose last event is `last`, and goes on in the next.
    pub(crate) fn rotate(&self, last: Position, next: Arc<SegmentFile>) -> io::Result<()> {
        let bytes = next.metadata()?.len();
        let info = SegmentInfo { first: last.next(), last, bytes, sealed_at_ms: None };
        let mut held = write(&self.held);
        let sealed = held.active.metadata()?;
        if let Some(segment) = held.segments.back_mut() {
            segment.info.last = last;
            segment.info.bytes = sealed.len();
            segment.info.sealed_at_ms = Some(disk::written_at_ms(&sealed));
        }
        held.segments.push_back(Segment { number: next.number, info });
        let sealed = std::mem::replace(&mut held.active, next);
        drop(held);
        self.keep_open(sealed);
        Ok(())
    }

    /// Returns the number of the last segment that may be dropped: sealed before the time if one is given, all its
    /// events before the position, and its successor on disk.
    pub(crate) fn droppable(
        &self,
        before: Position,
        sealed_before_ms: Option<u64>,
        on_disk: u32,
    ) -> Option<u32> {
        let held = read(&self.held);
        let may_go = |segment: &&Segment| {
            let old = |at: u64| sealed_before_ms.is_none_or(|limit| at < limit);
            segment.info.sealed_at_ms.is_some_and(old)
                && segment.info.last < before
                && segment.number < on_disk
        };
        held.segments.iter().take_while(may_go).last().map(|segment| segment.number)
    }

    /// Drops the segments up to a number, durably. One caller at a time, so that files go in the order of their numbers.
    pub(crate) fn drop_through(&self, number: u32) -> Result<Reclaimed, Error> {
        let mut reclaimed = Reclaimed::default();
        while let Some(segment) = self.pop_through(number) {
            let path = segment::path(&self.dir, segment.number);
            let kept = self.remove(&path, segment.info.bytes);
            let kept = kept.map_err(|cause| Error::io(format!("remove `{}`", path.display()), cause))?;
            reclaimed.segments += 1;
            reclaimed.events += segment.info.last.0 + 1 - segment.info.first.0;
            reclaimed.bytes += if kept { 0 } else { segment.info.bytes };
        }
        let synced = disk::sync_dir(&self.dir);
        synced.map_err(|cause| Error::io(format!("sync `{}`", self.dir.display()), cause))?;
        Ok(reclaimed)
    }

    fn pop_through(&self, number: u32) -> Option<Segment> {
        let mut held = write(&self.held);
        let segment = held.segments.front().copied().filter(|segment| segment.number <= number)?;
        held.segments.pop_front();
        drop(held);
        lock(&self.open).retain(|file| file.number != segment.number);
        Some(segment)
    }

    /// Removes a segment's file, or keeps it for reuse and returns true.
    fn remove(&self, path: &Path, bytes: u64) -> io::Result<bool> {
        let mut spares = lock(&self.spares);
        if spares.len() < SPARE_MAX && bytes == self.segment_bytes {
            let spare = path.with_extension("free");
            fs::rename(path, &spare)?;
            spares.push(spare);
            return Ok(true);
        }
        fs::remove_file(path)?;
        Ok(false)
    }
}
