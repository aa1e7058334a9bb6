//! [`Lane`]: one consumer's queue, a view of what was committed.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use api::Attempt;
use event::Timestamp;
use event::stored::Stored;
use tokio::sync::Notify;

use crate::config::Consumer;
use crate::state::PendingRecord;

/// Events of one queue that stay in memory, so that a consumer that keeps up never reads the log again. Past it an event
/// is a position, and read when its turn comes.
const HELD_IN_MEMORY_MAX: usize = 256;

/// One consumer's queue and gauges, shared by the pipeline that fills it and the worker that empties it.
pub(crate) struct Lane {
    /// Its place among its bus's consumers.
    pub(crate) index: usize,
    /// Its contract.
    pub(crate) consumer: Consumer,
    queue: Mutex<Queue>,
    arrived: Notify,
    in_flight: AtomicU64,
    address: OnceLock<String>,
}

/// One delivery to be made.
pub(crate) struct Entry {
    /// The event's position.
    pub(crate) position: u64,
    /// The event, if it is held in memory.
    pub(crate) stored: Option<Arc<Stored>>,
    /// The tries made so far.
    pub(crate) attempts: Vec<Attempt>,
}

/// What a worker should do next.
pub(crate) enum Next {
    /// Deliver this.
    Ready(Entry),
    /// Nothing is due before that instant.
    Wait(Option<Timestamp>),
}

#[derive(Default)]
struct Queue {
    ready: VecDeque<Entry>,
    retries: BinaryHeap<Reverse<Retry>>,
}

struct Retry {
    at: Timestamp,
    entry: Entry,
}

impl Lane {
    /// Returns a lane with the deliveries that were pending when the store was opened. Those that were tried wait for
    /// the time of their next try.
    pub(crate) fn new(index: usize, consumer: Consumer, pending: Vec<(u64, PendingRecord)>) -> Self {
        let mut queue = Queue::default();
        for (position, PendingRecord { attempts, next }) in pending {
            let tried = !attempts.is_empty();
            let entry = Entry { position, stored: None, attempts };
            if tried {
                queue.retries.push(Reverse(Retry { at: next, entry }));
            } else {
                queue.ready.push_back(entry);
            }
        }
        Self {
            index,
            consumer,
            queue: Mutex::new(queue),
            arrived: Notify::new(),
            in_flight: AtomicU64::new(0),
            address: OnceLock::new(),
        }
    }

    /// Queues a committed delivery.
    pub(crate) fn push(&self, position: u64, stored: &Arc<Stored>) {
        let mut queue = self.lock();
        let stored = (queue.ready.len() < HELD_IN_MEMORY_MAX).then(|| Arc::clone(stored));
        queue.ready.push_back(Entry { position, stored, attempts: Vec::new() });
        drop(queue);
        self.arrived.notify_one();
    }

    /// Queues a delivery for another try.
    pub(crate) fn retry(&self, at: Timestamp, entry: Entry) {
        self.lock().retries.push(Reverse(Retry { at, entry }));
    }

    /// Returns the next delivery that is due, retries first.
    pub(crate) fn next(&self, now: Timestamp) -> Next {
        let mut queue = self.lock();
        if queue.retries.peek().is_some_and(|Reverse(retry)| retry.at <= now)
            && let Some(Reverse(retry)) = queue.retries.pop()
        {
            return Next::Ready(retry.entry);
        }
        match queue.ready.pop_front() {
            Some(entry) => Next::Ready(entry),
            None => Next::Wait(queue.retries.peek().map(|Reverse(retry)| retry.at)),
        }
    }

    /// Waits until a delivery was queued.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Says where its events go, once.
    pub(crate) fn set_address(&self, address: String) {
        drop(self.address.set(address));
    }

    /// Returns where its events go, without secrets.
    pub(crate) fn address(&self) -> &str {
        self.address.get().map_or("", String::as_str)
    }

    /// Says how many attempts are under way.
    pub(crate) fn set_in_flight(&self, count: usize) {
        self.in_flight.store(count as u64, Ordering::Relaxed);
    }

    /// Returns how many attempts are under way.
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PartialEq for Retry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Retry {}

impl PartialOrd for Retry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Retry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.entry.position).cmp(&(other.at, other.entry.position))
    }
}
