//! What is wrong with a directory, and for each file what to write in place of what is damaged.

use std::path::PathBuf;

use crate::{
    disk::Folder,
    error::OpenError,
    options::Dedup,
    position::{Place, Position, Positions, narrow},
    record::HEADER_BYTES,
    recovery::Listing,
    scan::{self, Scanned},
    segment::FIRST_RECORD,
    snapshot,
    verify::{Damage, Finding, Lost, Remedy},
};

/// The size of the first record of a segment.
const START_BYTES: u32 = narrow_const(HEADER_BYTES) + 4;
/// The size of the smallest mark.
const GAP_BYTES: u32 = narrow_const(HEADER_BYTES);

#[expect(clippy::cast_possible_truncation, reason = "a header has less than 100 bytes")]
const fn narrow_const(bytes: usize) -> u32 {
    bytes as u32
}

/// What was found, and what is to be done.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) findings: Vec<Finding>,
    pub(crate) patches: Vec<Patch>,
    pub(crate) removals: Vec<PathBuf>,
    pub(crate) segments: u64,
    pub(crate) records: u64,
    pub(crate) events: u64,
}

/// A segment's file to be written anew: its header, and what follows over what was there.
#[derive(Debug)]
pub(crate) struct Patch {
    pub(crate) number: u32,
    pub(crate) recycled: bool,
    /// The size of the file when it was made, if that is known.
    pub(crate) bytes: u64,
    /// The position before it and where the segment before it ends, if its first record is to be written anew.
    pub(crate) start: Option<(Position, u32)>,
    pub(crate) gaps: Vec<Gap>,
}

/// A mark that records were lost from one byte to another, and the position before the next event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gap {
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) before: Position,
}

/// The state's file.
enum State {
    Absent,
    Damaged,
    /// Up to where it counts the log, and the position of the last event there.
    Whole(Place, Position),
}

/// Reads everything and says what is to be done; it changes nothing.
pub(crate) fn plan(folder: &Folder) -> Result<Plan, OpenError> {
    let listing = Listing::read(folder).map_err(OpenError::io(format!("list `{}`", folder.dir.display())))?;
    let state = read_state(folder)?;
    let through = match state {
        State::Whole(through, head) => Some((through, head)),
        State::Absent | State::Damaged => None,
    };
    let needed = through.map(|(place, _)| place.segment);
    let first = listing.numbers.first().copied().into_iter().chain(needed).min();
    let last = listing.numbers.last().copied().into_iter().chain(needed).max();
    let mut planner = Planner {
        folder,
        through,
        plan: Plan::default(),
        head: Position(0),
        end: 0,
        previous_end: 0,
        open: None,
    };
    let mut scanned = Vec::new();
    if let (Some(first), Some(last)) = (first, last) {
        for number in first..=last {
            scanned.push(scan::scan(folder, number)?);
        }
        planner.segments(&scanned);
    }
    planner.state(&state, &scanned);
    Ok(planner.plan)
}

fn read_state(folder: &Folder) -> Result<State, OpenError> {
    match snapshot::load(folder, Dedup::default()) {
        Ok(Some(loaded)) => Ok(State::Whole(loaded.state.through, loaded.state.head)),
        Ok(None) => Ok(State::Absent),
        Err(OpenError::Corrupt { .. }) => Ok(State::Damaged),
        Err(OpenError::Version { .. }) if !snapshot::is_summed(folder) => Ok(State::Damaged),
        Err(error) => Err(error),
    }
}

/// Goes through the segments in order, with the log's end so far.
struct Planner<'a> {
    folder: &'a Folder,
    /// Up to where the state counts, and the position of the last event there.
    through: Option<(Place, Position)>,
    plan: Plan,
    head: Position,
    /// Where what was looked at ends.
    end: u32,
    /// Where the segment before ends.
    previous_end: u32,
    /// The patch of the segment that is looked at.
    open: Option<Patch>,
}

/// Bytes without a whole record that held some.
#[derive(Clone, Copy)]
struct Hole {
    from: u32,
    to: u32,
    /// The position before what follows.
    after: Position,
}

impl Planner<'_> {
    fn segments(&mut self, scanned: &[Scanned]) {
        for segment in scanned {
            self.plan.segments += u64::from(segment.bytes.is_some());
            self.plan.records += segment.records;
            self.plan.events += segment.events;
        }
        let needed = self.through.map_or(0, |(place, _)| place.segment);
        let used = scanned.iter().rposition(|segment| !segment.is_unused() || segment.number <= needed);
        let Some(used) = used else {
            return self.nothing_used(scanned);
        };
        for (at, segment) in scanned[..=used].iter().enumerate() {
            let next = scanned[..=used].get(at + 1);
            self.segment(segment, at == 0, next);
        }
        for (at, spare) in scanned[used + 1..].iter().enumerate() {
            self.spare(spare, at == 0);
        }
    }

    fn nothing_used(&mut self, scanned: &[Scanned]) {
        let bytes = scanned[0].bytes.unwrap_or(0);
        let why =
            "no segment holds a whole record; restore a copy, or move the directory aside to start empty";
        let remedy = Remedy::Impossible { why };
        self.find(&scanned[0], FIRST_RECORD, Damage::Records { bytes }, remedy);
    }

    fn segment(&mut self, segment: &Scanned, oldest: bool, next: Option<&Scanned>) {
        (self.previous_end, self.open) = (self.end, None);
        self.header(segment);
        if let Some(byte) = segment.disorder {
            return self.disorder(segment, byte);
        }
        if let Some((before, end)) = segment.start {
            if !oldest && (before, end) != (self.head, self.previous_end) {
                return self.disorder(segment, FIRST_RECORD);
            }
            self.head = before;
        }
        self.end = FIRST_RECORD;
        let proven = self.proven(segment, next.is_some());
        let mut torn = None;
        for run in &segment.runs {
            if run.from > self.end {
                if self.end >= proven {
                    torn = Some(segment.runs.last().map_or(run.to, |last| last.to));
                    break;
                }
                self.hole(segment, Hole { from: self.end, to: run.from, after: run.before }, oldest);
            } else if run.before != self.head {
                return self.disorder(segment, run.from);
            }
            (self.head, self.end) = (run.after, run.to);
        }
        match next {
            Some(next) => self.sealed_end(segment, next, oldest),
            None => self.last_end(segment, torn, oldest),
        }
        self.plan.patches.extend(self.open.take());
    }

    /// Returns up to which byte everything had been synced.
    fn proven(&self, segment: &Scanned, sealed: bool) -> u32 {
        let counted = self.through.filter(|(place, _)| place.segment == segment.number);
        let counted = counted.map_or(0, |(place, _)| place.byte);
        if sealed { u32::MAX } else { segment.proven.max(counted) }
    }

    fn header(&mut self, segment: &Scanned) {
        if segment.bytes.is_some() && segment.label.is_none() {
            self.find(segment, 0, Damage::Header, Remedy::Rewrite);
            self.patch(segment);
        }
    }

    /// Looks at the end of a segment as the next one tells it.
    fn sealed_end(&mut self, segment: &Scanned, next: &Scanned, oldest: bool) {
        if segment.missing_bytes() > 0 {
            self.cut_short(segment, false);
        }
        let begun = self.end > FIRST_RECORD;
        match next.start {
            Some((after, to)) if to > self.end => {
                self.hole(segment, Hole { from: self.end, to, after }, oldest);
                (self.head, self.end) = (after, to);
            }
            Some((after, to)) if to < self.end || after != self.head => self.disorder(next, FIRST_RECORD),
            None if !begun => {
                let to = FIRST_RECORD + START_BYTES;
                self.hole(segment, Hole { from: FIRST_RECORD, to, after: self.head }, oldest);
                self.end = to;
            }
            _ => {}
        }
    }

    /// Looks at the end of the last segment: what the state counts must be there, and what follows was never acknowledged.
    fn last_end(&mut self, segment: &Scanned, torn: Option<u32>, oldest: bool) {
        let counted = self.through.filter(|(place, _)| place.segment == segment.number);
        if let Some((place, after)) = counted.filter(|(place, _)| place.byte > self.end) {
            self.hole(segment, Hole { from: self.end, to: place.byte, after }, oldest);
            (self.head, self.end) = (after, place.byte);
        }
        let to = torn.unwrap_or(0).max(if segment.is_fresh() { segment.filled } else { 0 });
        if segment.missing_bytes() > 0 {
            self.cut_short(segment, true);
        } else if to > self.end {
            let what = Damage::Torn { bytes: u64::from(to - self.end) };
            self.find(segment, self.end, what, Remedy::CutWhenOpened);
        }
    }

    /// Lets a file be made as long as it was. What was at the end of the last one cannot be told.
    fn cut_short(&mut self, segment: &Scanned, last: bool) {
        let unknown = Lost { positions: Positions::new(self.head, 0), commits: true, more: true };
        let remedy = if last { Remedy::MarkLost(unknown) } else { Remedy::Rewrite };
        let byte = narrow(usize::try_from(segment.bytes.unwrap_or(0)).unwrap_or(usize::MAX));
        self.find(segment, byte, Damage::CutShort { bytes: segment.missing_bytes() }, remedy);
        self.patch(segment);
    }

    /// Marks a hole as lost, with the segment's first record if it was in it.
    fn hole(&mut self, segment: &Scanned, hole: Hole, oldest: bool) {
        let Hole { mut from, to, after } = hole;
        let missing = segment.bytes.is_none();
        let what = if missing { Damage::Missing } else { Damage::Records { bytes: u64::from(to - from) } };
        let unknown = oldest && from == FIRST_RECORD && segment.number > 1;
        let first = if unknown { Position(0) } else { self.head };
        let start =
            (from == FIRST_RECORD).then_some((if unknown { after } else { self.head }, self.previous_end));
        from += if start.is_some() { START_BYTES } else { 0 };
        let only_start = start.is_some() && from == to;
        let room = only_start || to.checked_sub(from).is_some_and(|room| room >= GAP_BYTES);
        let exact = !only_start || unknown || after == self.head;
        if after < first || !room || !exact {
            return self.disorder(segment, hole.from);
        }
        let commits =
            self.through.is_none_or(|(place, _)| Place { segment: segment.number, byte: to } > place);
        let count = usize::try_from(after.0 - first.0).unwrap_or(usize::MAX);
        let lost = Lost { positions: Positions::new(first, count), commits, more: false };
        let remedy = if only_start { Remedy::Rewrite } else { Remedy::MarkLost(lost) };
        self.find(segment, hole.from, what, remedy);
        let patch = self.patch(segment);
        patch.start = patch.start.or(start);
        if !only_start {
            patch.gaps.push(Gap { from, to, before: after });
        }
    }

    fn disorder(&mut self, segment: &Scanned, byte: u32) {
        let why = "what is left does not fit together; restore a copy";
        self.find(segment, byte, Damage::Disorder, Remedy::Impossible { why });
    }

    /// Looks at a file that holds no whole record behind all that do. Only one is ever made ready; what it held, if it was
    /// used already, cannot be told from a file that is damaged.
    fn spare(&mut self, spare: &Scanned, first: bool) {
        let whole = spare.label.is_some() && spare.missing_bytes() == 0;
        let blank =
            spare.filled <= FIRST_RECORD && spare.bytes.is_some_and(|bytes| bytes > FIRST_RECORD.into());
        if whole && first {
            if spare.is_fresh() && spare.filled > FIRST_RECORD {
                let what = Damage::Torn { bytes: u64::from(spare.filled - FIRST_RECORD) };
                self.find(spare, FIRST_RECORD, what, Remedy::CutWhenOpened);
            }
            return;
        }
        let lost = Lost { positions: Positions::new(self.head, 0), commits: true, more: true };
        let unused = blank && spare.missing_bytes() == 0;
        let remedy = if unused { Remedy::Remove } else { Remedy::MarkLost(lost) };
        let what = match spare.missing_bytes() {
            0 => Damage::Header,
            bytes => Damage::CutShort { bytes },
        };
        self.find(spare, 0, what, remedy);
        self.plan.removals.push(spare.path.clone());
    }

    fn state(&mut self, state: &State, scanned: &[Scanned]) {
        let from_the_first = scanned.first().is_none_or(|segment| segment.number == 1);
        let loses = |finding: &Finding| matches!(finding.remedy, Remedy::MarkLost(_));
        let lost = self.plan.findings.iter().any(loses) || scanned.iter().any(|segment| segment.has_gaps);
        let (what, remedy) = match state {
            State::Damaged if from_the_first && !lost => (Damage::State, Remedy::Rebuild),
            State::Damaged if from_the_first => {
                let why = "the log has lost records, so the state cannot be built from it; restore a copy";
                (Damage::State, Remedy::Impossible { why })
            }
            State::Absent if from_the_first => return,
            State::Whole(..) => return,
            State::Damaged | State::Absent => {
                let why = "the log no longer goes back to its beginning, so the state cannot be built from it; \
                           restore a copy";
                let what = if matches!(state, State::Absent) { Damage::Missing } else { Damage::State };
                (what, Remedy::Impossible { why })
            }
        };
        let file = snapshot::path(&self.folder.dir);
        if remedy == Remedy::Rebuild {
            self.plan.removals.push(file.clone());
        }
        self.plan.findings.push(Finding { file, byte: 0, position: Position(1), what, remedy });
    }

    fn patch(&mut self, segment: &Scanned) -> &mut Patch {
        let (recycled, bytes) = segment.label.map_or((true, 0), |label| (label.recycled, label.bytes));
        let patch = || Patch { number: segment.number, recycled, bytes, start: None, gaps: Vec::new() };
        self.open.get_or_insert_with(patch)
    }

    fn find(&mut self, segment: &Scanned, byte: u32, what: Damage, remedy: Remedy) {
        let (file, position) = (segment.path.clone(), self.head.next());
        self.plan.findings.push(Finding { file, byte: u64::from(byte), position, what, remedy });
    }
}
