//! A directory opened again: the state as it was last written down, and the log from there on.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use crate::{
    catalog::{SPARE_MAX, Segment, SegmentInfo},
    disk::{self, Folder},
    error::OpenError,
    fields::Fields,
    index::Mark,
    label,
    lock::lock,
    options::{Durability, Options},
    position::{Place, Position},
    record::{Kind, Record},
    segment::{self, FIRST_RECORD, SegmentFile},
    snapshot::{self, Loaded},
    state::State,
    tail::{self, Tail},
    tx::Tx,
    walk::Walk,
    window::Window,
    writer::End,
};

/// How much of a segment is read at once while it is replayed, in bytes.
const STEP_BYTES: usize = 1024 * 1024;

/// What was found when a partition was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// How many records were read, from the beginning of the segment in which the state was last written down.
    pub records: u64,
    /// How many events were in them.
    pub events: u64,
    /// How many bytes of a torn, never acknowledged write were cut off.
    pub torn_bytes: u64,
    /// How long opening took.
    pub took: Duration,
}

pub(crate) struct Recovered {
    pub(crate) state: State,
    pub(crate) window: Window,
    pub(crate) segments: VecDeque<Segment>,
    pub(crate) end: End,
    pub(crate) spares: Vec<PathBuf>,
    /// Up to where the state was written down.
    pub(crate) saved: Option<Place>,
    pub(crate) report: Recovery,
}

/// Opens what is in the directory, which must be locked, or makes an empty partition of an empty one.
pub(crate) fn recover(folder: &Folder, options: &Options) -> Result<Recovered, OpenError> {
    let listing = Listing::read(folder).map_err(OpenError::io(format!("list `{}`", folder.dir.display())))?;
    let loaded = snapshot::load(folder, options.dedup)?;
    let saved = loaded.as_ref().map(|loaded| loaded.state.through);
    let mut numbers = listing.numbers.clone();
    if numbers.is_empty() && saved.is_none() {
        let made = segment::prepare_first(folder, options.segment_bytes);
        made.map_err(OpenError::io(format!("make the first segment in `{}`", folder.dir.display())))?;
        numbers.push(1);
    }
    check_complete(&folder.dir, &numbers, saved)?;
    let mut found =
        numbers.iter().map(|number| Found::read(folder, *number)).collect::<Result<Vec<_>, _>>()?;
    let spare = found.pop_if(|last| last.start.is_none());
    let starts = Start::all(&folder.dir, &found)?;

    let first = Place { segment: numbers[0], byte: FIRST_RECORD };
    let empty = || Loaded { state: State::empty(first), window: Window::new(options.dedup) };
    let mut replay = Replay::new(folder, loaded.unwrap_or_else(empty));
    let (segment, byte) = replay.all(&starts)?;
    let spare = replay.cut(&segment, byte, spare.map(|spare| spare.number))?;
    if options.durability == Durability::Disk {
        replay.settle(&segment, byte)?;
    }
    let spares = listing.tidy(folder, options.segment_bytes);
    let spares = spares.map_err(OpenError::io(format!("tidy `{}`", folder.dir.display())))?;
    let mut state = replay.state;
    let from = if replay.from.segment == segment.number { replay.from.byte } else { FIRST_RECORD };
    let between = found.iter().filter(|found| (replay.from.segment..segment.number).contains(&found.number));
    let replayed_bytes = u64::from(byte - from) + between.map(|found| found.bytes).sum::<u64>();
    state.through = Place { segment: segment.number, byte };
    state.head = replay.head;
    let end = End { segment: Arc::new(segment), byte, head: replay.head, replayed_bytes, spare };
    let (window, report) = (replay.window, replay.report);
    Ok(Recovered { state, window, segments: segments(&found, &starts), end, spares, saved, report })
}

/// The files of a directory by their names.
pub(crate) struct Listing {
    /// The numbers of the segments, in order.
    pub(crate) numbers: Vec<u32>,
    /// Files of dropped segments, with their sizes.
    free: Vec<(PathBuf, u64)>,
    /// Files that were never finished.
    unfinished: Vec<PathBuf>,
}

impl Listing {
    pub(crate) fn read(folder: &Folder) -> io::Result<Self> {
        let mut listing = Self { numbers: Vec::new(), free: Vec::new(), unfinished: Vec::new() };
        for file in folder.list()? {
            let number = file.path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
            let extension = file.path.extension().and_then(|extension| extension.to_str());
            match (extension, number) {
                (Some("log"), Some(number)) => listing.numbers.push(number),
                (Some("free"), Some(_)) => listing.free.push((file.path, file.bytes)),
                (Some("tmp"), _) => listing.unfinished.push(file.path),
                _ => {}
            }
        }
        listing.numbers.sort_unstable();
        Ok(listing)
    }

    /// Removes what is no use any more, and returns the files that are worth reusing.
    fn tidy(self, folder: &Folder, segment_bytes: u64) -> io::Result<Vec<PathBuf>> {
        let (mut kept, mut useless) = (Vec::new(), self.unfinished);
        for (path, bytes) in self.free {
            let useful = bytes == segment_bytes && kept.len() < SPARE_MAX;
            if useful { kept.push(path) } else { useless.push(path) }
        }
        for path in useless {
            match folder.disk.remove(&path) {
                // What made the first segment has used it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
        }
        Ok(kept)
    }
}

/// Checks that no segment is missing that the state needs or that lies between others.
fn check_complete(dir: &Path, numbers: &[u32], saved: Option<Place>) -> Result<(), OpenError> {
    let missing = |number: u32| OpenError::Corrupt {
        file: segment::path(dir, number),
        byte: 0,
        position: Position(1),
        why: "the file is missing".to_owned(),
    };
    let needed = saved.map_or(1, |place| place.segment);
    if numbers.first().is_none_or(|first| *first > needed) {
        return Err(missing(needed));
    }
    let gap = numbers.windows(2).find(|pair| pair[0] + 1 != pair[1]);
    gap.map_or(Ok(()), |pair| Err(missing(pair[0] + 1)))
}

/// A segment's file, and its first record if that is there.
struct Found {
    number: u32,
    bytes: u64,
    written_at_ms: u64,
    start: Option<Start>,
}

/// What the first record of a segment says.
#[derive(Clone, Copy)]
struct Start {
    number: u32,
    before: Position,
    /// Where the segment before it ends.
    previous_end: u32,
}

impl Found {
    fn read(folder: &Folder, number: u32) -> Result<Self, OpenError> {
        let file = SegmentFile::open(folder, number, Position(0))?;
        let reading = || OpenError::io(format!("read `{}`", file.path.display()));
        let bytes = file.file.len().map_err(reading())?;
        let written_at_ms = file.file.modified_ms().map_err(reading())?;
        let record = Walk::new(&file, FIRST_RECORD, 0).peek().map_err(reading())?;
        let start = record.filter(|record| record.header.kind == Kind::Start && record.is_intact());
        let start = start.and_then(|record| {
            let previous_end = Fields(record.payload()).u32()?;
            Some(Start { number, before: record.header.before, previous_end })
        });
        Ok(Self { number, bytes, written_at_ms, start })
    }
}

impl Start {
    fn all(dir: &Path, found: &[Found]) -> Result<Vec<Self>, OpenError> {
        let mut starts: Vec<Self> = Vec::with_capacity(found.len());
        for segment in found {
            let known = starts.last().map_or(Position(0), |start| start.before);
            let why = "its first record is damaged, and it is not the last segment";
            let damaged =
                || corrupt(&segment::path(dir, segment.number), FIRST_RECORD, known, why.to_owned());
            starts.push(segment.start.ok_or_else(damaged)?);
        }
        if starts.is_empty() {
            let why = "no segment begins with a whole record".to_owned();
            return Err(corrupt(&segment::path(dir, 1), FIRST_RECORD, Position(0), why));
        }
        Ok(starts)
    }
}

fn corrupt(file: &Path, byte: u32, head: Position, why: String) -> OpenError {
    OpenError::Corrupt { file: file.to_owned(), byte: u64::from(byte), position: head.next(), why }
}

fn segments(found: &[Found], starts: &[Start]) -> VecDeque<Segment> {
    let nexts = starts.iter().skip(1).map(Some).chain([None]);
    let segment = |((found, start), next): ((&Found, &Start), Option<&Start>)| Segment {
        number: found.number,
        info: SegmentInfo {
            first: start.before.next(),
            last: next.map_or(start.before, |next| next.before),
            bytes: found.bytes,
            sealed_at_ms: next.map(|_| found.written_at_ms),
        },
    };
    found.iter().zip(starts).zip(nexts).map(segment).collect()
}

struct Replay<'a> {
    folder: &'a Folder,
    /// What the state counts already.
    from: Place,
    state: State,
    window: Window,
    head: Position,
    /// Where the last batch of the last segment began.
    batch: u32,
    report: Recovery,
}

impl<'a> Replay<'a> {
    fn new(folder: &'a Folder, loaded: Loaded) -> Self {
        let Loaded { state, window } = loaded;
        let from = state.through;
        let (head, report) = (Position(0), Recovery::default());
        Self { folder, from, state, window, head, batch: FIRST_RECORD, report }
    }

    /// Replays the log from the segment on in which the state was written down, and returns its end.
    fn all(&mut self, starts: &[Start]) -> Result<(SegmentFile, u32), OpenError> {
        let skipped = starts.iter().position(|start| start.number >= self.from.segment);
        let mut rest = &starts[skipped.unwrap_or(starts.len() - 1)..];
        loop {
            let file = SegmentFile::open(self.folder, rest[0].number, rest[0].before)?;
            let end = self.segment(&file, rest[0].before)?;
            let Some(next) = rest.get(1) else {
                return self.check_end(&file, end).map(|()| (file, end));
            };
            if end != next.previous_end || self.head != next.before {
                let why =
                    format!("the next segment says that this one goes on to byte {}", next.previous_end);
                return Err(corrupt(&file.path, end, self.head, why));
            }
            rest = &rest[1..];
        }
    }

    /// Replays one segment up to the first byte without a whole record.
    fn segment(&mut self, file: &SegmentFile, before: Position) -> Result<u32, OpenError> {
        let reading = || OpenError::io(format!("read `{}`", file.path.display()));
        self.head = before;
        self.batch = FIRST_RECORD;
        let mut walk = Walk::new(file, FIRST_RECORD, STEP_BYTES);
        while let Some(record) = walk.peek().map_err(reading())? {
            if !record.is_intact() || !self.follows(&record) {
                break;
            }
            self.record(&record).ok_or_else(|| {
                let why = "a record with a right sum holds no commit".to_owned();
                corrupt(&file.path, walk.byte, self.head, why)
            })?;
            lock(&file.index).note(Mark { before: record.header.before, byte: walk.byte });
            walk.pass(&record);
        }
        Ok(walk.byte)
    }

    /// Returns true when a record goes on where the log ends, or, being a gap, further on.
    fn follows(&self, record: &Record) -> bool {
        match record.header.kind {
            Kind::Gap => record.header.before >= self.head,
            _ => record.header.before == self.head,
        }
    }

    fn record(&mut self, record: &Record) -> Option<()> {
        let events = u64::from(record.event_count()?);
        if record.header.place >= self.from {
            if record.header.kind == Kind::Commit {
                self.state.apply(Tx::decode(record.payload())?);
            }
            record.remembered().into_iter().for_each(|new| self.window.remember(new));
        }
        self.head = Position(record.header.before.0 + events);
        self.batch = record.header.batch;
        self.report.records += 1;
        self.report.events += events;
        Some(())
    }

    /// Checks that what follows the last record is no damage, and that the state counts no more than there is.
    fn check_end(&self, file: &SegmentFile, end: u32) -> Result<(), OpenError> {
        if self.from > (Place { segment: file.number, byte: end }) {
            let why = "the state that was written down counts more of the log than is whole".to_owned();
            return Err(corrupt(&file.path, end, self.head, why));
        }
        Ok(())
    }

    /// Cuts off what a crash tore, in the last segment and in the one that was made ready, which it returns.
    fn cut(
        &mut self,
        last: &SegmentFile,
        byte: u32,
        spare: Option<u32>,
    ) -> Result<Option<SegmentFile>, OpenError> {
        let spare = spare.map(|number| SegmentFile::open(self.folder, number, self.head)).transpose()?;
        let mut cuts = vec![(last, byte)];
        cuts.extend(spare.as_ref().map(|spare| (spare, FIRST_RECORD)));
        let mut torn = Vec::new();
        for (file, byte) in cuts {
            let tail = tail::examine(file, byte);
            match tail.map_err(OpenError::io(format!("read `{}`", file.path.display())))? {
                Tail::Torn { end } => torn.push((file, byte, end)),
                Tail::Damaged { later } => {
                    let why = format!("a later write at byte {later} is whole, so this is no torn write");
                    return Err(corrupt(&file.path, byte, self.head, why));
                }
            }
        }
        for (file, byte, end) in torn {
            let scrubbed = tail::scrub(file, byte, end);
            scrubbed.map_err(OpenError::io(format!("write `{}`", file.path.display())))?;
            self.report.torn_bytes += u64::from(end - byte);
        }
        // One of an older version is made anew when it is needed.
        Ok(spare.filter(|spare| spare.version == label::VERSION))
    }

    /// Makes durable what is there. What wrote it may have ended between a write and its sync, or because the sync
    /// failed; then only the last batch can be in question, and only writing it once more makes the disk take it.
    fn settle(&self, last: &SegmentFile, end: u32) -> Result<(), OpenError> {
        let rewrite = || {
            let (from, bytes) = (u64::from(self.batch), end.saturating_sub(self.batch) as usize);
            let batch = disk::read_at_most(&*last.file, from, bytes)?;
            last.file.write_at(&batch, from)?;
            last.file.sync()?;
            self.folder.sync()
        };
        rewrite().map_err(OpenError::io(format!("write `{}`", last.path.display())))
    }
}
