//! [`Worker`]: takes one consumer's deliveries in hand, starts attempts, and says what came of them.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use api::Attempt;
use event::Timestamp;
use event::stored::Stored;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::attempt::{Ended, Parcel, Sender, conclude, settlement};
use super::flow::{self, Ending, Flow, Permit, Settings, Started, State};
use super::lane::Taken;
use super::retry::Sequel;
use super::targets::{Class, Outcome};
use super::window::{Key, Limits, Window};
use super::{GivenUp, Settled, Settlement};
use crate::bus::ReadError;
use crate::clock;
use crate::config::Consumer;
use crate::core::expression;
use crate::core::facts::Facts;
use crate::read;
use crate::state::record::Tried;

/// How long a delivery waits whose event the store could not read.
const READ_AGAIN: Duration = Duration::from_secs(10);
/// Deliveries taken in hand at once.
const TAKE_MAX: usize = 64;
/// Deliveries that are ready to be started, at least, before no more are taken in hand; and at most.
const READY_MIN: usize = 64;
const READY_MAX: usize = 1_024;
/// Deliveries that wait for another try; with as many, a target gets nothing new until some are settled.
const RETRYING_MAX: usize = 1_024;
/// Deliveries that wait for another try or behind their key, where there is an order; with as many, a key that comes later
/// waits although it could go. Each costs about 100 bytes.
const HELD_MAX: usize = 65_536;
/// The largest event that is kept in memory between its reading and its turn, in bytes of its payload.
const EVENT_BYTES_HELD_MAX: usize = 64 << 10;

/// One consumer's worker.
pub(crate) struct Worker {
    sender: Arc<Sender>,
    settlements: mpsc::Sender<Settlement>,
    window: Window,
    flow: Flow,
    hand: HashMap<u64, Held>,
    /// Set once the target said that it is gone for good: how often the consumer had been resumed before.
    stopped_at: Option<u64>,
    /// When to take more in hand, after the store could not read.
    read_again: Option<Timestamp>,
    /// Those in hand whose events the store cannot read now.
    unreadable: BTreeSet<u64>,
}

/// A delivery in hand.
#[derive(Default)]
struct Held {
    stored: Option<Arc<Stored>>,
    attempts: Vec<Attempt>,
}

/// The requests under way.
type UnderWay = FuturesUnordered<BoxFuture<'static, (Started, Vec<Ended>)>>;

/// Nobody takes settlements any more.
struct Abandoned;

impl Worker {
    /// Returns the worker of a lane.
    pub(crate) fn new(sender: Sender, settlements: mpsc::Sender<Settlement>) -> Self {
        let consumer = &sender.lane.consumer;
        Self {
            window: Window::new(limits(consumer, sender.lane.tried_before())),
            flow: Flow::new(Settings { rate: consumer.rate }),
            hand: HashMap::new(),
            sender: Arc::new(sender),
            settlements,
            stopped_at: None,
            read_again: None,
            unreadable: BTreeSet::new(),
        }
    }

    /// Delivers until told to stop, then waits for the attempts under way.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut under_way = UnderWay::new();
        if stop.run_until_cancelled(self.take_tried()).await.is_none_or(|taken| taken.is_err()) {
            return;
        }
        loop {
            let mut wake = None;
            if !stop.is_cancelled() && self.is_open() {
                match self.start(&mut under_way).await {
                    Ok(next) => wake = next,
                    Err(Abandoned) => return,
                }
            }
            self.tell(under_way.len());
            if stop.is_cancelled() && under_way.is_empty() {
                return;
            }
            tokio::select! {
                biased;
                Some(ended) = under_way.next() => {
                    if self.conclude(ended).await.is_err() {
                        return;
                    }
                }
                () = self.sender.lane.changed() => {}
                () = clock::sleep_until(wake), if wake.is_some() => {}
                () = stop.cancelled(), if !stop.is_cancelled() => {}
            }
        }
    }

    /// Returns whether deliveries may be made. A target that is gone keeps the lane shut before that is committed.
    fn is_open(&self) -> bool {
        let lane = &self.sender.lane;
        lane.is_open() && self.stopped_at != Some(lane.openings())
    }

    /// Takes in hand what was tried before the store was opened. Where there is an order, nothing goes before their keys
    /// are known.
    async fn take_tried(&mut self) -> Result<(), Abandoned> {
        let tried = self.sender.lane.take_tried();
        let is_ordered = self.sender.lane.consumer.order_by.is_some();
        for (position, Tried { attempts, next }) in tried {
            self.hand.insert(position, Held { stored: None, attempts });
            while is_ordered && !self.read(&[position]).await?.is_empty() {
                self.tell(0);
                tokio::time::sleep(READ_AGAIN).await;
            }
            self.admit(position, Some(next));
        }
        Ok(())
    }

    /// Starts as many requests as may be; returns when there is more to do if nothing ends or comes before.
    async fn start(&mut self, under_way: &mut UnderWay) -> Result<Option<Timestamp>, Abandoned> {
        let batch_max = self.sender.outlet.batch_max();
        loop {
            self.refill().await?;
            if under_way.len() >= self.sender.lane.consumer.concurrency {
                return Ok(None);
            }
            let now = clock::now();
            if !self.window.has_ready(now) {
                return Ok(self.window.next_due().into_iter().chain(self.read_again).min());
            }
            let allowed = match self.flow.may_start(now) {
                Permit::Now(allowed) => usize::try_from(allowed).unwrap_or(usize::MAX),
                Permit::At(at) => return Ok(Some(at)),
                Permit::AfterProbe => return Ok(None),
            };
            let batch = if self.flow.is_probe_next() {
                self.window.take_probe(now).into_iter().collect()
            } else {
                self.window.take_batch(now, batch_max.min(allowed))
            };
            for position in self.read(&batch).await? {
                self.window.failed(position, now.after(READ_AGAIN));
            }
            let parcels: Vec<Parcel> = batch.iter().filter_map(|position| self.parcel(*position)).collect();
            if !parcels.is_empty() {
                let started = self.flow.started(now, count(parcels.len()));
                let request = Arc::clone(&self.sender).request(parcels);
                under_way.push(Box::pin(async move { (started, request.await) }));
            }
        }
    }

    /// Returns an event to be sent; none if it was given up or has to wait.
    fn parcel(&mut self, position: u64) -> Option<Parcel> {
        let held = self.hand.get_mut(&position)?;
        let stored = held.stored.take()?;
        let opening = self.sender.lane.openings();
        Some(Parcel::new(position, stored, std::mem::take(&mut held.attempts), opening))
    }

    /// Takes deliveries in hand until there are enough to choose from.
    async fn refill(&mut self) -> Result<(), Abandoned> {
        if self.read_again.is_some_and(|at| at > clock::now()) {
            return Ok(());
        }
        self.read_again = None;
        loop {
            let room = self.window.room().min(TAKE_MAX);
            let taken: Vec<Taken> = std::iter::from_fn(|| self.sender.lane.take()).take(room).collect();
            if taken.is_empty() {
                return Ok(());
            }
            let mut positions: Vec<u64> = taken.iter().map(|one| one.position).collect();
            for Taken { position, stored } in taken {
                self.hand.insert(position, Held { stored, attempts: Vec::new() });
            }
            let unread = self.read(&positions).await?;
            let again = clock::now().after(READ_AGAIN);
            if let Some(first) = unread.first()
                && self.sender.lane.consumer.order_by.is_some()
            {
                // What comes after may be of the same key.
                let later = positions.split_off(positions.partition_point(|position| position < first));
                for position in &later {
                    self.hand.remove(position);
                }
                self.sender.lane.put_back(&later);
                self.read_again = Some(again);
            }
            for position in positions {
                self.admit(position, unread.contains(&position).then_some(again));
            }
            if self.read_again.is_some() {
                return Ok(());
            }
        }
    }

    /// Puts a delivery in hand into the window, with its key where there is an order.
    fn admit(&mut self, position: u64, retry_at: Option<Timestamp>) {
        let Some(held) = self.hand.get(&position) else { return };
        let order = self.sender.lane.consumer.order_by.as_ref();
        let key = order.zip(held.stored.as_ref()).and_then(|(order, stored)| {
            let facts = Facts::new(stored, position, self.sender.bus.identity());
            let (key, _) = expression::key(std::slice::from_ref(order), &facts)?;
            let mut hasher = DefaultHasher::new();
            key.hash(&mut hasher);
            Some(Key(hasher.finish()))
        });
        let held_before = self.window.held();
        self.window.admit(position, key, retry_at);
        let waits = retry_at.is_some() || self.window.held() > held_before;
        let is_large = |stored: &Arc<Stored>| {
            stored.event.data.as_ref().is_some_and(|data| data.bytes().len() > EVENT_BYTES_HELD_MAX)
        };
        // One that waits, or is large, is read again when its turn comes.
        if let Some(held) = self.hand.get_mut(&position)
            && (waits || held.stored.as_ref().is_some_and(is_large))
        {
            held.stored = None;
        }
    }

    /// Reads the events in hand that memory does not hold. Those that are gone are given up; returns those that the
    /// store cannot read now.
    async fn read(&mut self, positions: &[u64]) -> Result<Vec<u64>, Abandoned> {
        let is_missing = |position: &&u64| self.hand.get(position).is_some_and(|held| held.stored.is_none());
        let mut missing: Vec<u64> = positions.iter().filter(is_missing).copied().collect();
        // A batch may begin with retries, which come by their time.
        missing.sort_unstable();
        let mut unread = Vec::new();
        let mut rest = missing.as_slice();
        while !rest.is_empty() {
            let some = read::some(&self.sender.bus, rest).await;
            rest = &rest[some.len()..];
            for (position, found) in some {
                self.unreadable.remove(&position);
                match found {
                    Ok(Some(stored)) => self.place(position, stored),
                    Ok(None) => self.lose(position, "the log no longer holds the event".to_owned()).await?,
                    Err(ReadError::Stored(error)) => self.lose(position, error.to_string()).await?,
                    Err(ReadError::Store(error)) => {
                        self.tell_unread(position, &error);
                        unread.push(position);
                    }
                }
            }
        }
        self.unreadable.extend(&unread);
        Ok(unread)
    }

    fn place(&mut self, position: u64, stored: Stored) {
        if let Some(held) = self.hand.get_mut(&position) {
            held.stored = Some(Arc::new(stored));
        }
    }

    /// Gives up a delivery whose event is gone. There is no trace to record it in: the log and the dead letter tell.
    async fn lose(&mut self, position: u64, reason: String) -> Result<(), Abandoned> {
        let (bus, consumer) = (self.sender.bus.name(), &self.sender.lane.consumer.name);
        tracing::error!(bus, consumer, position, reason, "an event is lost; dead-lettered");
        let attempts = self.hand.remove(&position).map(|held| held.attempts).unwrap_or_default();
        self.window.settled(position);
        let was_tried = !attempts.is_empty();
        let given_up = GivenUp { stored: None, reason, code: "NO_RESOURCE", exhausted: None, attempts };
        let result = Settled::DeadLettered(Box::new(given_up));
        let consumer = self.sender.lane.index;
        self.say(Settlement { consumer, position, was_tried, result, hops: Vec::new() }).await
    }

    fn tell_unread(&self, position: u64, error: &store::Error) {
        let (bus, consumer) = (self.sender.bus.name(), &self.sender.lane.consumer.name);
        let error: &dyn std::error::Error = error;
        tracing::error!(bus, consumer, position, error, "events cannot be read; they wait");
    }

    /// Draws the conclusions of one request.
    async fn conclude(&mut self, (started, ended): (Started, Vec<Ended>)) -> Result<(), Abandoned> {
        let now = clock::now();
        for (ending, events) in endings(ended.iter().map(|one| &one.outcome)) {
            self.flow.ended(now, flow::Ended { started, ending, events }, fastrand::f64());
        }
        for one in ended {
            let mut conclusion = conclude(&self.sender.lane, &one, fastrand::f64());
            let opening = self.sender.lane.openings();
            // Somebody has resumed the consumer since, and wants it tried again.
            if matches!(conclusion.sequel, Some(Sequel::Stop(_))) && one.parcel.opening != opening {
                conclusion.sequel = Some(Sequel::Again(now));
            }
            let position = one.parcel.position;
            match &conclusion.sequel {
                None | Some(Sequel::GiveUp { .. }) => {
                    self.window.settled(position);
                    self.hand.remove(&position);
                }
                Some(Sequel::Again(at)) => drop(self.window.failed(position, *at)),
                Some(Sequel::Stop(_)) => {
                    self.stopped_at = Some(opening);
                    self.window.put_back(position);
                }
            }
            let settlement = settlement(&self.sender, one, conclusion);
            if let (Settled::Failed(tried) | Settled::Stopped { tried, .. }, Some(held)) =
                (&settlement.result, self.hand.get_mut(&position))
            {
                held.attempts.clone_from(&tried.attempts);
            }
            self.say(settlement).await?;
        }
        Ok(())
    }

    async fn say(&self, settlement: Settlement) -> Result<(), Abandoned> {
        self.settlements.send(settlement).await.map_err(|_| Abandoned)
    }

    /// Says how it goes, for whoever looks.
    fn tell(&self, in_flight: usize) {
        let gauges = &self.sender.lane.gauges;
        gauges.in_flight.store(in_flight as u64, Ordering::Relaxed);
        gauges.retrying.store(self.window.waiting_retry() as u64, Ordering::Relaxed);
        gauges.held.store(self.window.held() as u64, Ordering::Relaxed);
        let state = self.flow.state(clock::now());
        let flow = (state != State::Closed).then(|| state.to_string());
        let unread = self.unreadable.first();
        let unread = unread.map(|position| format!("held: the event at {position} cannot be read"));
        gauges.set_holding(flow.or(unread));
    }
}

/// Returns how a request ended for its target, and for how many events each way.
fn endings<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Vec<(Ending, u32)> {
    let mut endings: Vec<(Ending, u32)> = Vec::with_capacity(1);
    for ending in outcomes.map(ending) {
        match endings.iter_mut().find(|(known, _)| *known == ending) {
            Some((_, events)) => *events += 1,
            None => endings.push((ending, 1)),
        }
    }
    endings
}

fn ending(outcome: &Outcome) -> Ending {
    match outcome {
        Outcome::Delivered { .. } => Ending::Succeeded,
        Outcome::Failed(failure) => match failure.class {
            Class::Throttled { after } => Ending::Throttled { after },
            Class::Retryable => Ending::Failed,
            Class::Permanent | Class::Retired => Ending::Refused,
        },
    }
}

/// Returns how much of a queue a worker takes in hand: twice what its target may get at once, and what waits for a retry
/// or behind its key beside it.
fn limits(consumer: &Consumer, tried: usize) -> Limits {
    let at_once = consumer.concurrency.saturating_mul(consumer.batch);
    let ready = at_once.saturating_mul(2).clamp(READY_MIN, READY_MAX);
    let waiting = if consumer.order_by.is_some() { HELD_MAX } else { RETRYING_MAX };
    // What was tried under other limits is in hand all the same.
    Limits { entries: at_once + ready + waiting + tried, ready }
}

fn count(events: usize) -> u32 {
    u32::try_from(events).unwrap_or(u32::MAX)
}
