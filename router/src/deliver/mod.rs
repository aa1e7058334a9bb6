//! Delivers: one worker a consumer empties its lane into its target, and says what came of it.
//!
//! A worker never writes the store: each outcome is a [`Settlement`] for the pipeline's next commit. A target that is
//! slow, dead or hanging delays its own lane only.

pub(crate) mod lane;
pub(crate) mod retry;
pub(crate) mod targets;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use api::Attempt;
use event::stored::Stored;
use event::{Hop, SpanId, Step, Timestamp};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::lane::{Entry, Lane, Next};
use self::retry::Sequel;
use self::targets::{Client, Delivery, Failure, Outcome};
use crate::bus::{Bus, ReadError};
use crate::clock;
use crate::config::Retry;
use crate::core::derived_span;
use crate::state::PendingRecord;

/// Attempts kept with a delivery: the first half and the last half of a longer history.
const ATTEMPTS_KEPT_MAX: usize = 20;
/// How long a delivery waits whose event the store could not read.
const READ_AGAIN: Duration = Duration::from_secs(10);

/// What became of one attempt, for the next commit.
pub(crate) struct Settlement {
    /// The consumer, by its place on its bus.
    pub(crate) consumer: usize,
    /// The event's position.
    pub(crate) position: u64,
    /// What became of it.
    pub(crate) result: Settled,
    /// What to record.
    pub(crate) hops: Vec<Hop>,
}

/// Whether a delivery is over.
pub(crate) enum Settled {
    /// It succeeded.
    Delivered,
    /// It failed and will be tried again.
    Failed(PendingRecord),
    /// It was given up.
    DeadLettered {
        /// Why.
        reason: String,
        /// The tries made.
        attempts: Vec<Attempt>,
    },
}

/// Where a lane's events go.
pub(crate) enum Outlet {
    /// A target outside.
    Client(Client),
    /// Another bus of this router.
    Bus(Arc<Bus>),
}

impl Outlet {
    /// Returns where it leads, without secrets.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Client(client) => client.address(),
            Self::Bus(bus) => format!("bus {}", bus.name()),
        }
    }
}

/// One consumer's worker.
pub(crate) struct Worker {
    pub(crate) bus: Arc<Bus>,
    pub(crate) lane: Arc<Lane>,
    pub(crate) outlet: Outlet,
    pub(crate) settlements: mpsc::Sender<Settlement>,
}

/// A hop's place in time and in the trace.
#[derive(Clone, Copy)]
struct Place {
    began: Timestamp,
    ended: Timestamp,
    span: SpanId,
    parent: SpanId,
}

/// An attempt that is over.
struct Ended {
    entry: Entry,
    stored: Arc<Stored>,
    span: SpanId,
    began: Timestamp,
    at: Timestamp,
    outcome: Outcome,
}

/// What came of an attempt, and what follows from it.
struct Conclusion {
    /// 1 for the first attempt.
    number: u32,
    status: Option<u16>,
    error: Option<String>,
    /// None after a success.
    sequel: Option<Sequel>,
}

impl Worker {
    /// Delivers until told to stop, then waits for the attempts under way.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut under_way = FuturesUnordered::new();
        loop {
            let mut wake = None;
            while under_way.len() < self.lane.consumer.concurrency && !stop.is_cancelled() {
                match self.lane.next(clock::now()) {
                    Next::Ready(entry) => under_way.push(self.attempt(entry)),
                    Next::Wait(until) => {
                        wake = until;
                        break;
                    }
                }
            }
            self.lane.set_in_flight(under_way.len());
            if stop.is_cancelled() && under_way.is_empty() {
                return;
            }
            let full = under_way.len() >= self.lane.consumer.concurrency;
            tokio::select! {
                Some(settlement) = under_way.next() => {
                    // Without the pipeline there is nobody to say it to.
                    if let Some(settlement) = settlement && self.settlements.send(settlement).await.is_err() {
                        return;
                    }
                }
                () = self.lane.arrived(), if !full => {}
                () = clock::sleep_until(wake), if !full && wake.is_some() => {}
                () = stop.cancelled(), if !stop.is_cancelled() => {}
            }
        }
    }

    /// Makes one attempt and returns what became of it; none if the event could not be read and has to wait.
    async fn attempt(&self, entry: Entry) -> Option<Settlement> {
        let stored = match &entry.stored {
            Some(stored) => Arc::clone(stored),
            None => match self.bus.event(entry.position) {
                Ok(Some(stored)) => Arc::new(stored),
                Ok(None) => return Some(self.lost(entry, "the log no longer holds the event".to_owned())),
                Err(ReadError::Stored(error)) => return Some(self.lost(entry, error.to_string())),
                Err(ReadError::Store(error)) => {
                    self.put_back(entry, &error);
                    return None;
                }
            },
        };
        let span = SpanId(fastrand::u64(1..).to_be_bytes());
        let began = clock::now();
        let outcome = self.send(&stored, span).await;
        Some(self.settlement(Ended { entry, stored, span, began, at: clock::now(), outcome }))
    }

    /// Gives up a delivery whose event is gone. There is no trace to record it in: the log and the dead letter tell.
    fn lost(&self, entry: Entry, reason: String) -> Settlement {
        let Entry { position, attempts, .. } = entry;
        let consumer = &self.lane.consumer.name;
        tracing::error!(bus = self.bus.name(), consumer, position, reason, "an event is lost; dead-lettered");
        let result = Settled::DeadLettered { reason, attempts };
        Settlement { consumer: self.lane.index, position, result, hops: Vec::new() }
    }

    /// Lets a delivery wait whose event the store cannot read now.
    fn put_back(&self, entry: Entry, error: &store::Error) {
        let (consumer, position) = (&self.lane.consumer.name, entry.position);
        let error: &dyn std::error::Error = error;
        tracing::error!(
            bus = self.bus.name(),
            consumer,
            position,
            error,
            "an event cannot be read; it waits"
        );
        self.lane.retry(clock::now().after(READ_AGAIN), entry);
    }

    async fn send(&self, stored: &Stored, span: SpanId) -> Outcome {
        match &self.outlet {
            Outlet::Client(client) => {
                let Stored { event, received, trace, .. } = stored;
                client.send(&Delivery { event, received: *received, trace, span }).await
            }
            Outlet::Bus(bus) => match bus.forward(stored, span).await {
                Ok(()) => Outcome::Delivered { status: None },
                Err(error) => Outcome::Failed(Failure::retryable(error.to_string())),
            },
        }
    }

    /// Records an attempt, and queues the next if there is to be one.
    fn settlement(&self, ended: Ended) -> Settlement {
        let conclusion = conclude(&self.lane.consumer.retry, &ended, fastrand::f64());
        let hops = self.hops(&ended, &conclusion);
        let Ended { mut entry, began, at, .. } = ended;
        let Conclusion { number, status, error, sequel } = conclusion;
        if let Some(error) = error {
            let attempt = Attempt { number, at: began, took_us: micros(began, at), status, error };
            remember(&mut entry.attempts, attempt);
        }
        let position = entry.position;
        let result = match sequel {
            None => Settled::Delivered,
            Some(Sequel::GiveUp(reason)) => Settled::DeadLettered { reason, attempts: entry.attempts },
            Some(Sequel::Again(next)) => {
                let attempts = entry.attempts.clone();
                self.lane.retry(next, Entry { stored: None, ..entry });
                Settled::Failed(PendingRecord { attempts, next })
            }
        };
        Settlement { consumer: self.lane.index, position, result, hops }
    }

    /// Returns the hop of an attempt, and that of the delivery if it is over.
    fn hops(&self, ended: &Ended, conclusion: &Conclusion) -> Vec<Hop> {
        let Ended { entry, stored, span, began, at, .. } = ended;
        let Conclusion { number, status, error, sequel } = conclusion;
        let consumer = self.lane.consumer.name.clone();
        let (retry_at, over) = match sequel {
            None => (None, Some(Step::Delivered { consumer: consumer.clone(), attempts: *number })),
            Some(Sequel::GiveUp(reason)) => {
                let (consumer, reason) = (consumer.clone(), reason.clone());
                (None, Some(Step::DeadLettered { consumer, attempts: *number, reason }))
            }
            Some(Sequel::Again(next)) => (Some(*next), None),
        };
        let (target, error) = (self.lane.address().to_owned(), error.clone());
        let attempted =
            Step::Attempted { consumer, target, attempt: *number, status: *status, error, retry_at };
        let delivery = self.delivery_span(stored);
        let attempt = Place { began: *began, ended: *at, span: *span, parent: delivery };
        let whole = Place { began: stored.received, ended: *at, span: delivery, parent: stored.trace.span };
        let mut hops = vec![self.hop(stored, entry.position, attempt, attempted)];
        hops.extend(over.map(|step| self.hop(stored, entry.position, whole, step)));
        hops
    }

    /// The span of the whole delivery, the same for each of its attempts.
    fn delivery_span(&self, stored: &Stored) -> SpanId {
        let step = Step::Delivered { consumer: self.lane.consumer.name.clone(), attempts: 0 };
        derived_span(stored.trace.span, self.bus.name(), &step)
    }

    fn hop(&self, stored: &Stored, position: u64, place: Place, step: Step) -> Hop {
        Hop {
            bus: self.bus.name().to_owned(),
            event: stored.event.id.clone(),
            position,
            started: place.began,
            ended: place.ended,
            trace: stored.trace.trace,
            span: place.span,
            parent: Some(place.parent),
            sampled: stored.trace.sampled,
            step,
        }
    }
}

/// Says what follows from an attempt. `draw` is a random number from 0 to 1.
fn conclude(retry: &Retry, ended: &Ended, draw: f64) -> Conclusion {
    let number = ended.entry.attempts.last().map_or(1, |last| last.number + 1);
    match &ended.outcome {
        Outcome::Delivered { status } => Conclusion { number, status: *status, error: None, sequel: None },
        Outcome::Failed(failure) => {
            let sequel = retry::after(retry, failure, number, ended.stored.received, (ended.at, draw));
            let error = Some(failure.error.clone());
            Conclusion { number, status: failure.status, error, sequel: Some(sequel) }
        }
    }
}

/// Adds a try; of a long history the middle goes.
fn remember(attempts: &mut Vec<Attempt>, attempt: Attempt) {
    if attempts.len() >= ATTEMPTS_KEPT_MAX {
        attempts.remove(ATTEMPTS_KEPT_MAX / 2);
    }
    attempts.push(attempt);
}

fn micros(began: Timestamp, ended: Timestamp) -> u64 {
    u64::try_from(ended.since(began).as_micros()).unwrap_or(u64::MAX)
}
