//! The engine that keeps nothing.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::sync::watch;

use crate::{
    append::{Appended, NewEvent},
    catalog::{Excess, Reclaimed, SegmentInfo},
    error::Error,
    local::append_bytes,
    lock::lock,
    options::{Options, ReadBudget},
    partition::{Keep, Partition, Scan},
    position::{Place, Position, Positions},
    record::HEADER_BYTES,
    state::State,
    tx::{Committed, Tx},
    window::{Remembered, Window},
};

/// A partition in memory, for tests and for what need not outlast the process. Clones are handles of the same partition.
///
/// It does at once what is asked, so its queue is never full, and it never fails. It has no clock: a segment counts as
/// sealed at the latest [`NewEvent::at_ms`] so far.
#[derive(Clone)]
pub struct Memory {
    shared: Arc<Shared>,
}

struct Shared {
    options: Options,
    held: Mutex<Held>,
    head: watch::Sender<Position>,
}

/// All that is kept.
struct Held {
    events: VecDeque<Bytes>,
    segments: VecDeque<SegmentInfo>,
    state: State,
    window: Window,
    latest_ms: u64,
    closed: bool,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("head", &self.head()).finish_non_exhaustive()
    }
}

impl Memory {
    /// Makes an empty partition. Of the options, what is said of files and of the queue's length does not apply.
    pub fn new(options: Options) -> Self {
        let empty = Held {
            events: VecDeque::new(),
            segments: VecDeque::from([empty_segment(Position(1))]),
            state: State::empty(Place { segment: 0, byte: 0 }),
            window: Window::new(options.dedup),
            latest_ms: 0,
            closed: false,
        };
        let head = watch::Sender::new(Position(0));
        Self { shared: Arc::new(Shared { options, held: Mutex::new(empty), head }) }
    }

    /// Does a request of a size, unless it is too large or the partition closed, and then makes the head seen.
    fn write<T>(
        &self,
        (bytes, bytes_max): (usize, usize),
        request: impl FnOnce(&mut Held, u64) -> T,
    ) -> Result<T, Error> {
        if bytes > bytes_max {
            return Err(Error::TooLarge { bytes, bytes_max });
        }
        let mut held = lock(&self.shared.held);
        if held.closed {
            return Err(Error::Closed);
        }
        let done = request(&mut held, self.shared.options.segment_bytes);
        let last = held.state.head;
        self.shared.head.send_if_modified(|seen| std::mem::replace(seen, last) != last);
        Ok(done)
    }
}

impl Held {
    fn append(&mut self, event: NewEvent, segment_bytes: u64) -> Appended {
        if let Some(position) = event.key.and_then(|key| self.window.find(key, event.at_ms)) {
            return Appended::DuplicateOf(position);
        }
        self.latest_ms = self.latest_ms.max(event.at_ms);
        let position = self.push(event.bytes, segment_bytes);
        if let Some(key) = event.key {
            self.window.remember(Remembered { key, at_ms: event.at_ms, position });
        }
        Appended::At(position)
    }

    fn commit(&mut self, mut tx: Tx, segment_bytes: u64) -> Committed {
        let emitted = Positions::new(self.state.head, tx.emit.len());
        for event in std::mem::take(&mut tx.emit) {
            self.push(event, segment_bytes);
        }
        self.state.apply(tx);
        Committed { emitted }
    }

    fn push(&mut self, event: Bytes, segment_bytes: u64) -> Position {
        let bytes = (HEADER_BYTES + event.len()) as u64;
        let position = self.state.head.next();
        self.state.head = position;
        self.events.push_back(event);
        if self.segments.back().is_none_or(|last| last.bytes > 0 && last.bytes + bytes > segment_bytes) {
            if let Some(last) = self.segments.back_mut() {
                last.sealed_at_ms = Some(self.latest_ms);
            }
            self.segments.push_back(empty_segment(position));
        }
        if let Some(last) = self.segments.back_mut() {
            last.last = position;
            last.bytes += bytes;
        }
        position
    }

    fn tail(&self) -> Position {
        self.segments.front().map_or(Position(1), |segment| segment.first)
    }

    fn read(&self, after: Position, budget: ReadBudget) -> Vec<(Position, Bytes)> {
        let wanted = after.next().max(self.tail());
        let skipped = usize::try_from(wanted.0 - self.tail().0).unwrap_or(usize::MAX);
        budget.take((wanted.0..).map(Position).zip(self.events.iter().skip(skipped)))
    }

    fn reclaim(&mut self, keep: Keep) -> Reclaimed {
        let mut excess = Excess::of(keep, self.bytes());
        let mut reclaimed = Reclaimed::default();
        while self.segments.front().is_some_and(|oldest| excess.takes(oldest)) {
            let Some(oldest) = self.segments.pop_front() else { break };
            let events = oldest.last.0 + 1 - oldest.first.0;
            self.events.drain(..usize::try_from(events).unwrap_or(usize::MAX));
            reclaimed.segments += 1;
            reclaimed.events += events;
            reclaimed.bytes += oldest.bytes;
        }
        reclaimed
    }

    fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }
}

fn empty_segment(first: Position) -> SegmentInfo {
    SegmentInfo { first, last: Position(first.0 - 1), bytes: 0, sealed_at_ms: None }
}

impl Partition for Memory {
    fn append(&self, events: Vec<NewEvent>) -> BoxFuture<'_, Result<Vec<Appended>, Error>> {
        Box::pin(async move {
            self.write((append_bytes(&events), self.shared.options.queue_bytes_max), |held, segment_bytes| {
                events.into_iter().map(|event| held.append(event, segment_bytes)).collect()
            })
        })
    }

    fn commit(&self, tx: Tx) -> BoxFuture<'_, Result<Committed, Error>> {
        Box::pin(async move {
            let bytes = HEADER_BYTES + tx.encoded_bytes();
            let limit = self.shared.options.commit_bytes_max;
            self.write((bytes, limit), |held, segment_bytes| held.commit(tx, segment_bytes))
        })
    }

    fn read(
        &self,
        after: Position,
        budget: ReadBudget,
    ) -> BoxFuture<'_, Result<Vec<(Position, Bytes)>, Error>> {
        Box::pin(async move { Ok(lock(&self.shared.held).read(after, budget)) })
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<(Bytes, Bytes)>, Error>> {
        Box::pin(async move { Ok(lock(&self.shared.held).state.scan(&scan)) })
    }

    fn reclaim(&self, keep: Keep) -> BoxFuture<'_, Result<Reclaimed, Error>> {
        Box::pin(async move { self.write((0, 0), |held, _| held.reclaim(keep)) })
    }

    fn segments(&self) -> Vec<SegmentInfo> {
        lock(&self.shared.held).segments.iter().copied().collect()
    }

    fn bytes_on_disk(&self) -> u64 {
        0
    }

    fn head(&self) -> Position {
        *self.shared.head.borrow()
    }

    fn tail(&self) -> Position {
        lock(&self.shared.held).tail()
    }

    fn applied(&self) -> Position {
        lock(&self.shared.held).state.applied
    }

    fn watch(&self) -> watch::Receiver<Position> {
        self.shared.head.subscribe()
    }

    fn failed(&self) -> BoxFuture<'_, Error> {
        Box::pin(std::future::pending())
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            lock(&self.shared.held).closed = true;
            Ok(())
        })
    }
}
