//! Records into segments: one write and one sync for as many as there are.

use std::{io, mem, sync::Arc};

use bytes::BufMut;

use crate::{
    append::NewEvent,
    aside::Task,
    core::Core,
    index::Mark,
    label,
    lock::lock,
    options::Durability,
    position::{Place, Position, Positions, narrow},
    record::{self, HEADER_BYTES, Header, KEY_BYTES, Kind},
    segment::{FIRST_RECORD, SegmentFile},
    tx::Tx,
};

/// The buffer is given back when one large request made it grow beyond this many bytes.
const BUFFER_KEPT_MAX: usize = 4 * 1024 * 1024;

/// The next segment, made ready while the active one fills.
enum Next {
    Unneeded,
    Preparing(Task<io::Result<SegmentFile>>),
    Ready(SegmentFile),
}

/// The end of the log. What was added is on disk after [`Writer::flush`], and some of it may be before.
pub(crate) struct Writer {
    core: Arc<Core>,
    segment: Arc<SegmentFile>,
    capacity: u64,
    /// The byte where the buffer goes.
    written: u32,
    buffer: Vec<u8>,
    marks: Vec<Mark>,
    pub(crate) head: Position,
    /// Bytes of log since the partition was opened, and those replayed then.
    pub(crate) bytes: u64,
    next: Next,
}

impl Writer {
    pub(crate) fn new(core: Arc<Core>, end: End) -> io::Result<Self> {
        Ok(Self {
            core,
            capacity: end.segment.file.len()?,
            segment: end.segment,
            written: end.byte,
            buffer: Vec::new(),
            marks: Vec::new(),
            head: end.head,
            bytes: end.replayed_bytes,
            next: end.spare.map_or(Next::Unneeded, Next::Ready),
        })
    }

    /// Adds an event and returns its position.
    pub(crate) fn append(&mut self, event: &NewEvent) -> io::Result<Position> {
        if let Some(key) = event.key {
            self.make_room(KEY_BYTES + event.bytes.len())?;
            self.record(Kind::Keyed, |buffer| {
                buffer.put_u64_le(key);
                buffer.put_u64_le(event.at_ms);
                buffer.extend_from_slice(&event.bytes);
            });
        } else {
            self.make_room(event.bytes.len())?;
            self.record(Kind::Event, |buffer| buffer.extend_from_slice(&event.bytes));
        }
        self.head = self.head.next();
        Ok(self.head)
    }

    /// Adds a commit and returns the positions of what it emits.
    pub(crate) fn commit(&mut self, tx: &Tx) -> io::Result<Positions> {
        self.make_room(tx.encoded_bytes())?;
        self.record(Kind::Commit, |buffer| tx.encode(buffer));
        let emitted = Positions::new(self.head, tx.emit.len());
        self.head = Position(self.head.0 + emitted.len());
        Ok(emitted)
    }

    /// Writes what was added with one write and one sync.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.segment.file.write_at(&self.buffer, u64::from(self.written))?;
        if self.core.options.durability == Durability::Disk {
            self.segment.file.sync()?;
            self.core.count_sync();
        }
        self.written += narrow(self.buffer.len());
        self.bytes += self.buffer.len() as u64;
        self.buffer.clear();
        if self.buffer.capacity() > BUFFER_KEPT_MAX {
            self.buffer = Vec::new();
        }
        let mut index = lock(&self.segment.index);
        self.marks.drain(..).for_each(|mark| index.note(mark));
        Ok(())
    }

    /// Returns the end of what was written.
    pub(crate) fn through(&self) -> Place {
        Place { segment: self.segment.number, byte: self.written }
    }

    /// Starts to make the next segment once half of this one is full.
    pub(crate) fn prepare_ahead(&mut self) -> io::Result<()> {
        let early = u64::from(self.written) < self.capacity / 2;
        if early || !matches!(self.next, Next::Unneeded) {
            return Ok(());
        }
        let (core, number) = (Arc::clone(&self.core), self.segment.number + 1);
        let task = self.core.aside.start("store-prepare", move || core.catalog.prepare(number))?;
        self.next = Next::Preparing(task);
        Ok(())
    }

    /// Waits until nothing is made ready any more.
    pub(crate) fn stop(&mut self) -> io::Result<()> {
        match mem::replace(&mut self.next, Next::Unneeded) {
            Next::Preparing(task) => joined(task).map(|_| ()),
            Next::Unneeded | Next::Ready(_) => Ok(()),
        }
    }

    fn record(&mut self, kind: Kind, payload: impl FnOnce(&mut Vec<u8>)) {
        let byte = self.written + narrow(self.buffer.len());
        let place = Place { segment: self.segment.number, byte };
        self.marks.push(Mark { before: self.head, byte });
        record::encode(
            &mut self.buffer,
            Header { place, batch: self.written, before: self.head, kind },
            payload,
        );
    }

    /// Goes on in the next segment when a record does not fit, unless this one has no other: then its file grows. A
    /// segment of an older version takes no new record.
    fn make_room(&mut self, payload_bytes: usize) -> io::Result<()> {
        let at = u64::from(self.written) + self.buffer.len() as u64;
        let first = u64::from(FIRST_RECORD) + HEADER_BYTES as u64 + 4;
        let fits = at <= first || at + (HEADER_BYTES + payload_bytes) as u64 <= self.capacity;
        if fits && self.segment.version == label::VERSION {
            return Ok(());
        }
        self.flush()?;
        let next = match mem::replace(&mut self.next, Next::Unneeded) {
            Next::Ready(segment) => segment,
            Next::Preparing(task) => joined(task)?,
            Next::Unneeded => self.core.catalog.prepare(self.segment.number + 1)?,
        };
        self.capacity = next.file.len()?;
        self.segment = Arc::new(next);
        self.core.catalog.rotate(self.head, Arc::clone(&self.segment))?;
        let end = mem::replace(&mut self.written, FIRST_RECORD);
        self.record(Kind::Start, |buffer| buffer.put_u32_le(end));
        Ok(())
    }
}

/// Where the log ends when it is opened.
pub(crate) struct End {
    pub(crate) segment: Arc<SegmentFile>,
    pub(crate) byte: u32,
    pub(crate) head: Position,
    pub(crate) replayed_bytes: u64,
    /// The next segment, if it was made ready and not yet used.
    pub(crate) spare: Option<SegmentFile>,
}

fn joined(task: Task<io::Result<SegmentFile>>) -> io::Result<SegmentFile> {
    task.join().map_err(|_| io::Error::other("the thread that makes segments ready panicked"))?
}
