//! Delivers: one worker a consumer empties its lane into its target, and says what came of it.
//!
//! A worker never writes the store: each outcome is a [`Settlement`] for the pipeline's next commit. A target that is
//! slow, dead or hanging delays its own lane only.

pub(crate) mod lane;
pub(crate) mod retry;
pub(crate) mod targets;

use std::sync::Arc;

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
use crate::bus::Bus;
use crate::clock;
use crate::core::derived_span;

/// Attempts kept with a delivery: the first half and the last half of a longer history.
const ATTEMPTS_KEPT_MAX: usize = 20;

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
    Failed(Vec<Attempt>),
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
                Some(ended) = under_way.next() => {
                    if let Some(ended) = ended && !self.settle(ended).await {
                        return;
                    }
                }
                () = self.lane.arrived(), if !full => {}
                () = clock::sleep_until(wake), if !full && wake.is_some() => {}
                () = stop.cancelled(), if !stop.is_cancelled() => {}
            }
        }
    }

    /// Makes one attempt; none if the event is no longer in the log, which a sound store does not let happen.
    async fn attempt(&self, entry: Entry) -> Option<Ended> {
        let stored = match &entry.stored {
            Some(stored) => Arc::clone(stored),
            None => Arc::new(self.bus.event(entry.position)?),
        };
        let span = SpanId(fastrand::u64(1..).to_be_bytes());
        let began = clock::now();
        let outcome = self.send(&stored, span).await;
        Some(Ended { entry, stored, span, began, at: clock::now(), outcome })
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

    /// Hands an outcome to the pipeline. Returns false once the pipeline is gone.
    async fn settle(&self, ended: Ended) -> bool {
        let settlement = self.settlement(ended);
        self.settlements.send(settlement).await.is_ok()
    }

    fn settlement(&self, ended: Ended) -> Settlement {
        let Ended { mut entry, stored, span, began, at: ended, outcome } = ended;
        let number = entry.attempts.last().map_or(1, |last| last.number + 1);
        let (status, failure) = match outcome {
            Outcome::Delivered { status } => (status, None),
            Outcome::Failed(failure) => (failure.status, Some(failure)),
        };
        let sequel = failure.as_ref().map(|failure| {
            retry::after(
                &self.lane.consumer.retry,
                failure,
                number,
                stored.received,
                (ended, fastrand::f64()),
            )
        });
        let error = failure.map(|failure| failure.error);
        let retry_at = match &sequel {
            Some(Sequel::Again(at)) => Some(*at),
            _ => None,
        };
        let attempted = Step::Attempted {
            consumer: self.lane.consumer.name.clone(),
            target: self.lane.address().to_owned(),
            attempt: number,
            status,
            error: error.clone(),
            retry_at,
        };
        let delivery = self.delivery_span(&stored);
        let position = entry.position;
        let attempt = Place { began, ended, span, parent: delivery };
        let mut hops = vec![self.hop(&stored, position, attempt, attempted)];
        if let Some(error) = error {
            remember(
                &mut entry.attempts,
                Attempt { number, at: began, took_us: micros(began, ended), status, error },
            );
        }
        let whole = Place { began: stored.received, ended, span: delivery, parent: stored.trace.span };
        let consumer = self.lane.consumer.name.clone();
        let result = match sequel {
            None => {
                let step = Step::Delivered { consumer, attempts: number };
                hops.push(self.hop(&stored, position, whole, step));
                Settled::Delivered
            }
            Some(Sequel::GiveUp(reason)) => {
                let step = Step::DeadLettered { consumer, attempts: number, reason: reason.clone() };
                hops.push(self.hop(&stored, position, whole, step));
                Settled::DeadLettered { reason, attempts: entry.attempts }
            }
            Some(Sequel::Again(at)) => {
                let attempts = entry.attempts.clone();
                self.lane.retry(at, Entry { stored: None, ..entry });
                Settled::Failed(attempts)
            }
        };
        Settlement { consumer: self.lane.index, position, result, hops }
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
