//! [`Lane`]: one consumer's queue, a view of what is or will be committed, and how it stands.
//!
//! The queue is a set of positions, compressed, so that a backlog costs next to no memory; the events stay in the log.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use event::Text;
use event::stored::Stored;
use tokio::sync::Notify;

use crate::config::Consumer;
use crate::queue::{Change, Queue};
use crate::state::record::{Standing, Tried};
use crate::state::restore::Saved;

/// Events of one queue that stay in memory, so that a consumer that keeps up never reads the log again. Past it an event
/// is a position, and read when its turn comes.
const EVENTS_HELD_MAX: usize = 256;
/// What those events' payloads may take together, in bytes; the same holds past it.
const EVENT_BYTES_HELD_MAX: usize = 4 << 20;

/// One consumer's queue and gauges, shared by the pipeline that fills it and the worker that empties it.
pub(crate) struct Lane {
    /// Its place among its bus's consumers.
    pub(crate) index: usize,
    /// Its consumer's name, for hops.
    pub(crate) name: Text,
    /// Its contract.
    pub(crate) consumer: Consumer,
    queue: Mutex<Deliveries>,
    standing: Mutex<Standing>,
    changed: Notify,
    /// How often somebody resumed it.
    openings: AtomicU64,
    /// What its worker says of itself.
    pub(crate) gauges: Gauges,
    address: OnceLock<Text>,
}

/// What a worker says of itself.
#[derive(Default)]
pub(crate) struct Gauges {
    /// Attempts under way.
    pub(crate) in_flight: AtomicU64,
    /// Deliveries that wait for another try.
    pub(crate) retrying: AtomicU64,
    /// Deliveries in hand that wait behind an earlier one of their key.
    pub(crate) held: AtomicU64,
    /// Why little or nothing is sent now, in words.
    holding: Mutex<Option<String>>,
}

/// A delivery for a worker: its position, and the event where it is at hand.
pub(crate) type Pending = (u64, Option<Arc<Stored>>);

/// A delivery that a worker takes in hand.
pub(crate) struct Taken {
    /// The event's position.
    pub(crate) position: u64,
    /// The event, if it was held in memory.
    pub(crate) stored: Option<Arc<Stored>>,
}

#[derive(Default)]
struct Deliveries {
    /// All that are not settled, as it is or will be committed.
    pending: Queue,
    /// Those of them that no worker has in hand.
    waiting: Queue,
    held: BTreeMap<u64, Arc<Stored>>,
    held_bytes: usize,
    /// Those that were tried before the store was opened, for the worker to take in hand first.
    tried: BTreeMap<u64, Tried>,
    /// How often each was tried, of those that were.
    tries: BTreeMap<u64, u32>,
}

impl Lane {
    /// Returns a lane with what was saved of it.
    pub(crate) fn new(index: usize, consumer: Consumer, saved: Saved) -> Self {
        let mut waiting = saved.pending.clone();
        for position in saved.tried.keys() {
            waiting.remove(*position);
        }
        let tries = saved.tried.iter().map(|(position, tried)| (*position, tried.number())).collect();
        let queue = Deliveries {
            pending: saved.pending,
            waiting,
            tried: saved.tried,
            tries,
            ..Deliveries::default()
        };
        Self {
            index,
            name: consumer.name.as_str().into(),
            consumer,
            queue: Mutex::new(queue),
            standing: Mutex::new(saved.standing.unwrap_or_default()),
            changed: Notify::new(),
            openings: AtomicU64::new(0),
            gauges: Gauges::default(),
            address: OnceLock::new(),
        }
    }

    /// Adds a delivery to what the next commit saves. Returns false if it is there already.
    pub(crate) fn queue(&self, position: u64) -> bool {
        self.lock().pending.insert(position)
    }

    /// Takes a delivery out of what the next commit saves.
    pub(crate) fn settle(&self, position: u64) {
        let mut queue = self.lock();
        queue.pending.remove(position);
        queue.tries.remove(&position);
    }

    /// Takes note of a try that failed.
    pub(crate) fn tried(&self, position: u64, tried: &Tried) {
        self.lock().tries.insert(position, tried.number());
    }

    /// Returns how often a delivery was tried that is not settled.
    pub(crate) fn tries(&self, position: u64) -> u32 {
        self.lock().tries.get(&position).copied().unwrap_or(0)
    }

    /// Takes back deliveries that a worker cannot make now.
    pub(crate) fn put_back(&self, positions: &[u64]) {
        let mut queue = self.lock();
        for position in positions {
            queue.waiting.insert(*position);
        }
    }

    /// Returns what the next commit must save of the queue.
    pub(crate) fn changes(&self) -> Vec<Change> {
        self.lock().pending.changes()
    }

    /// Gives deliveries to the worker.
    pub(crate) fn push(&self, pending: Vec<Pending>) {
        let mut queue = self.lock();
        for (position, stored) in pending {
            queue.waiting.insert(position);
            if let Some(stored) = stored
                && queue.held.len() < EVENTS_HELD_MAX
                && queue.held_bytes + bytes(&stored) <= EVENT_BYTES_HELD_MAX
            {
                queue.held_bytes += bytes(&stored);
                queue.held.insert(position, stored);
            }
        }
        drop(queue);
        self.changed.notify_one();
    }

    /// Takes the first delivery that nobody has in hand.
    pub(crate) fn take(&self) -> Option<Taken> {
        let mut queue = self.lock();
        let position = queue.waiting.first()?;
        queue.waiting.remove(position);
        let stored = queue.held.remove(&position);
        queue.held_bytes -= stored.as_ref().map_or(0, bytes);
        Some(Taken { position, stored })
    }

    /// Returns how many were tried before the store was opened.
    pub(crate) fn tried_before(&self) -> usize {
        self.lock().tried.len()
    }

    /// Takes what was tried before the store was opened.
    pub(crate) fn take_tried(&self) -> BTreeMap<u64, Tried> {
        std::mem::take(&mut self.lock().tried)
    }

    /// Returns whether a delivery is not settled.
    pub(crate) fn is_pending(&self, position: u64) -> bool {
        self.lock().pending.contains(position)
    }

    /// Returns at most so many deliveries that are not settled, from a position on.
    pub(crate) fn pending_from(&self, position: u64, max: usize) -> Vec<u64> {
        self.lock().pending.iter_from(position).take(max).collect()
    }

    /// Returns the position of the oldest delivery that is not settled.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.lock().pending.first()
    }

    /// Returns how many deliveries are not settled.
    pub(crate) fn pending(&self) -> u64 {
        self.lock().pending.len()
    }

    /// Waits until a delivery was queued, or its standing changed.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Returns how it stands.
    pub(crate) fn standing(&self) -> Standing {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes how it stands.
    pub(crate) fn set_standing(&self, standing: Standing) {
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = standing;
        self.changed.notify_one();
    }

    /// Returns whether deliveries may be made. Where there is an order, they wait until all earlier events are queued.
    pub(crate) fn is_open(&self) -> bool {
        let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let may_begin = standing.backfill.is_none() || self.consumer.order_by.is_none();
        !standing.paused && standing.stopped.is_none() && may_begin
    }

    /// Takes note that somebody resumed it: what its target said before counts no more.
    pub(crate) fn open(&self) {
        self.openings.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_one();
    }

    /// Returns how often somebody resumed it.
    pub(crate) fn openings(&self) -> u64 {
        self.openings.load(Ordering::Relaxed)
    }

    /// Returns whether earlier events are left that it has not been asked about, and may be now.
    pub(crate) fn has_backfill(&self) -> bool {
        let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.backfill.is_some() && standing.stopped.is_none()
    }

    /// Says where its events go, once.
    pub(crate) fn set_address(&self, address: String) {
        drop(self.address.set(address.into()));
    }

    /// Returns where its events go, without secrets.
    pub(crate) fn address(&self) -> Text {
        self.address.get().cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Deliveries> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gauges {
    /// Returns how many attempts are under way.
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Returns why little or nothing is sent now.
    pub(crate) fn holding(&self) -> Option<String> {
        self.holding.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says why little or nothing is sent now.
    pub(crate) fn set_holding(&self, holding: Option<String>) {
        *self.holding.lock().unwrap_or_else(PoisonError::into_inner) = holding;
    }
}

fn bytes(stored: &Arc<Stored>) -> usize {
    stored.event.data.as_ref().map_or(0, |data| data.bytes().len())
}
