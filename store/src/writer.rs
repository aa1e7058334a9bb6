//! Records into segments: one write and one sync for as many as there are.

use std::{
    io, mem,
    sync::Arc,
    thread::{self, JoinHandle},
};

use bytes::{BufMut, Bytes};

use crate::{
    core::Core,
    disk,
    index::Mark,
    lock::lock,
    options::Durability,
    position::{Place, Position, Positions, narrow},
    record::{self, HEADER_BYTES, Header, Kind},
    segment::{FIRST_RECORD, SegmentFile},
    tx::Tx,
};

/// The buffer is given back when one large request made it grow beyond this many bytes.
const BUFFER_KEPT_MAX: usize = 4 * 1024 * 1024;

/// The next segment, made ready while the active one fills.
enum Next {
    Unneeded,
    Preparing(JoinHandle<io::Result<SegmentFile>>),
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
            capacity: end.segment.metadata()?.len(),
            segment: end.segment,
            written: end.byte,
            buffer: Vec::new(),
            marks: Vec::new(),
            head: end.head,
            bytes: end.replayed_bytes,
            next: end.spare.map_or(Next::Unneeded, Next::Ready),
        })
    }

    /// Adds events and returns their positions.
    pub(crate) fn append(&mut self, events: &[Bytes]) -> io::Result<Positions> {
        let positions = Positions::new(self.head, events.len());
        for event in events {
            self.make_room(event.len())?;
            self.record(Kind::Event, |buffer| buffer.extend_from_slice(event));
            self.head = self.head.next();
        }
        Ok(positions)
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
        disk::write_at(&self.segment.file, &self.buffer, u64::from(self.written))?;
        if self.core.options.durability == Durability::Disk {
            disk::sync(&self.segment.file)?;
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
        let thread = thread::Builder::new().name("store-prepare".to_owned());
        self.next = Next::Preparing(thread.spawn(move || core.catalog.prepare(number))?);
        Ok(())
    }

    /// Waits until nothing is made ready any more.
    pub(crate) fn stop(&mut self) -> io::Result<()> {
        match mem::replace(&mut self.next, Next::Unneeded) {
            Next::Preparing(thread) => joined(thread).map(|_| ()),
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

    /// Goes on in the next segment when a record does not fit, unless this one has no other: then its file grows.
    fn make_room(&mut self, payload_bytes: usize) -> io::Result<()> {
        let at = u64::from(self.written) + self.buffer.len() as u64;
        let first = u64::from(FIRST_RECORD) + HEADER_BYTES as u64 + 4;
        if at <= first || at + (HEADER_BYTES + payload_bytes) as u64 <= self.capacity {
            return Ok(());
        }
        self.flush()?;
        let next = match mem::replace(&mut self.next, Next::Unneeded) {
            Next::Ready(segment) => segment,
            Next::Preparing(thread) => joined(thread)?,
            Next::Unneeded => self.core.catalog.prepare(self.segment.number + 1)?,
        };
        self.capacity = next.metadata()?.len();
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

fn joined(thread: JoinHandle<io::Result<SegmentFile>>) -> io::Result<SegmentFile> {
    thread.join().map_err(|_| io::Error::other("the thread that makes segments ready panicked"))?
}
