//! Events out of segments.

use std::io;

use bytes::Bytes;

use crate::{
    core::Core,
    error::{Error, OpenError},
    index::Mark,
    lock::{self, lock},
    options::ReadBudget,
    position::Position,
    record::{Kind, Record},
    segment::SegmentFile,
    walk::Walk,
};

/// The least that is read at once: a record of common size and the next one's header.
const STEP_BYTES_MIN: usize = 4 * 1024;
/// The most that is read at once, unless a single record is larger.
const STEP_BYTES_MAX: usize = 256 * 1024;

/// Returns the events after a position, out of one segment, and at least one if there is one.
pub(crate) fn read(
    core: &Core,
    after: Position,
    budget: ReadBudget,
) -> Result<Vec<(Position, Bytes)>, Error> {
    let head = core.head();
    let mut wanted = after.next();
    loop {
        wanted = wanted.max(core.catalog.tail());
        if wanted > head {
            return Ok(Vec::new());
        }
        let recent = lock(&core.recent).from(wanted, head, budget);
        if !recent.is_empty() {
            return Ok(recent);
        }
        match read_segment(core, wanted, head, budget) {
            // What was wanted is gone, up to the next position.
            Ok(taken) if taken.events.is_empty() => wanted = taken.next,
            Ok(taken) => return Ok(taken.events),
            // Reclaiming overtook this read, and perhaps the file has a new use: what it meant is gone.
            Err(_) if core.catalog.tail() > wanted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Takes events out of the segment that holds a position: at least one, or else the position after a gap.
fn read_segment(core: &Core, wanted: Position, head: Position, budget: ReadBudget) -> Result<Taken, Error> {
    let segment = core.catalog.open(wanted).map_err(while_open)?;
    let start = lock(&segment.index).nearest(wanted);
    let step = budget.bytes.min(left(core, &segment, start.byte)).clamp(STEP_BYTES_MIN, STEP_BYTES_MAX);
    let mut walk = Walk::new(&segment, start.byte, step);
    let mut taken = Taken { next: wanted, head, budget, events: Vec::new(), bytes: 0, full: false };
    let mut resume = start;
    while taken.next <= head && taken.has_room() {
        let record = walk.peek().map_err(|cause| unreadable(&segment, cause))?;
        let whole = record.filter(|record| taken.take(record));
        let Some(record) = whole else {
            if taken.next == wanted {
                return Err(corrupt(&segment, walk.byte, wanted));
            }
            break;
        };
        lock(&segment.index).note(Mark { before: record.header.before, byte: walk.byte });
        walk.pass(&record);
        let last = Position(record.header.before.0 + u64::from(record.event_count().unwrap_or(0)));
        if last < taken.next {
            resume = Mark { before: last, byte: walk.byte };
        }
    }
    lock(&segment.index).remember(start, resume);
    Ok(taken)
}

/// Returns how much is written of a segment from a byte on, in bytes: all that there may be where it is sealed. A reader
/// that keeps up then reads no more than what is new.
fn left(core: &Core, segment: &SegmentFile, byte: u32) -> usize {
    let end = lock::read(&core.state).through;
    if end.segment == segment.number { end.byte.saturating_sub(byte) as usize } else { usize::MAX }
}

/// The events that a read has gathered.
struct Taken {
    /// The position that is wanted next.
    next: Position,
    head: Position,
    budget: ReadBudget,
    events: Vec<(Position, Bytes)>,
    bytes: usize,
    /// True once an event did not fit.
    full: bool,
}

impl Taken {
    fn has_room(&self) -> bool {
        self.events.is_empty() || (self.events.len() < self.budget.events && !self.full)
    }

    /// Takes the wanted events of a record; false when the record is damaged.
    fn take(&mut self, record: &Record) -> bool {
        let before = record.header.before;
        if record.header.kind == Kind::Gap {
            self.next = self.next.max(before.next());
            return record.is_intact();
        }
        let Some(count) = record.event_count() else { return false };
        if before.0 + u64::from(count) < self.next.0 {
            return true;
        }
        // What a damaged record before this one held must not be passed over.
        if before >= self.next {
            return false;
        }
        let Some(events) = record.events().filter(|_| record.is_intact()) else { return false };
        let numbered = (before.next().0..).map(Position).zip(events);
        for (position, event) in numbered.filter(|(position, _)| *position <= self.head) {
            if position < self.next {
                continue;
            }
            self.full |= !self.events.is_empty() && self.bytes + event.len() > self.budget.bytes;
            if !self.has_room() {
                break;
            }
            self.bytes += event.len();
            // Bytes of its own: one that is held does not hold all that was read with it.
            self.events.push((position, Bytes::copy_from_slice(&event)));
            self.next = position.next();
        }
        true
    }
}

fn unreadable(segment: &SegmentFile, cause: io::Error) -> Error {
    Error::io(format!("read `{}`", segment.path.display()), cause)
}

fn corrupt(segment: &SegmentFile, byte: u32, position: Position) -> Error {
    Error::Corrupt { file: segment.path.clone(), byte: u64::from(byte), position }
}

/// Turns the failure to open a sealed segment into that of a request.
fn while_open(error: OpenError) -> Error {
    match error {
        OpenError::Io { action, cause } => Error::io(action, cause),
        OpenError::Corrupt { file, byte, position, .. } => Error::Corrupt { file, byte, position },
        other => Error::io("read a sealed segment", io::Error::other(other)),
    }
}
