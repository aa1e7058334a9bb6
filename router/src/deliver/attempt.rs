//! One request to a target, and what follows from its outcome.

use std::sync::Arc;

use api::Attempt;
use event::stored::Stored;
use event::{SpanId, Timestamp};

use super::record;
use super::retry::{self, Failed, Sequel};
use super::targets::{Class, Client, Delivery, Failure, Outcome};
use super::{GivenUp, Settled, Settlement};
use crate::bus::Bus;
use crate::clock;
use crate::deliver::lane::Lane;
use crate::state::record::{Letter, Replayed, Tried};

/// Attempts kept with a delivery: the first half and the last half of a longer history.
const ATTEMPTS_KEPT_MAX: usize = 20;

/// Where a lane's events go.
pub(crate) enum Outlet {
    /// A target outside.
    Client(Client),
    /// Another bus of this router.
    Bus(Arc<Bus>),
    /// A target of a simulation.
    #[cfg(feature = "simulation")]
    Simulated(Arc<dyn crate::simulation::Target>),
}

/// What every attempt of one consumer shares.
pub(crate) struct Sender {
    pub(crate) bus: Arc<Bus>,
    pub(crate) lane: Arc<Lane>,
    pub(crate) outlet: Outlet,
}

/// One event on its way.
pub(crate) struct Parcel {
    pub(crate) position: u64,
    pub(crate) stored: Arc<Stored>,
    /// The tries made before.
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) span: SpanId,
    /// How often the consumer had been resumed.
    pub(crate) opening: u64,
}

/// An attempt that is over.
pub(crate) struct Ended {
    pub(crate) parcel: Parcel,
    pub(crate) began: Timestamp,
    pub(crate) at: Timestamp,
    pub(crate) outcome: Outcome,
}

/// What came of an attempt, and what follows from it.
pub(crate) struct Conclusion {
    /// 1 for the first attempt.
    pub(crate) number: u32,
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<String>,
    /// None after a success.
    pub(crate) sequel: Option<Sequel>,
}

impl Outlet {
    /// Returns where it leads, without secrets.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Client(client) => client.address(),
            Self::Bus(bus) => format!("bus {}", bus.name()),
            #[cfg(feature = "simulation")]
            Self::Simulated(_) => "simulated".to_owned(),
        }
    }

    /// Returns how many events go in one request, at most.
    pub(crate) fn batch_max(&self) -> usize {
        match self {
            Self::Client(client) => client.batch_max(),
            Self::Bus(_) => 1,
            #[cfg(feature = "simulation")]
            Self::Simulated(_) => 1,
        }
    }
}

impl Parcel {
    /// Returns an event to be sent, with a span of its own.
    pub(crate) fn new(position: u64, stored: Arc<Stored>, attempts: Vec<Attempt>, opening: u64) -> Self {
        Self { position, stored, attempts, span: SpanId(fastrand::u64(1..).to_be_bytes()), opening }
    }
}

impl Sender {
    /// Makes one request.
    pub(crate) async fn request(self: Arc<Self>, parcels: Vec<Parcel>) -> Vec<Ended> {
        let began = clock::now();
        let outcomes = match &self.outlet {
            Outlet::Client(client) => self.send(client, &parcels).await,
            Outlet::Bus(bus) => vec![self.forward(bus, &parcels[0]).await],
            #[cfg(feature = "simulation")]
            Outlet::Simulated(target) => {
                let Parcel { position, stored, .. } = &parcels[0];
                vec![target.send(&self.lane.consumer.name, *position, &stored.event).await.into()]
            }
        };
        let at = clock::now();
        let unanswered = || Outcome::Failed(Failure::retryable("the target said nothing of it"));
        let outcomes = outcomes.into_iter().chain(std::iter::repeat_with(unanswered));
        let ended = |(parcel, outcome)| Ended { parcel, began, at, outcome };
        parcels.into_iter().zip(outcomes).map(ended).collect()
    }

    async fn send(&self, client: &Client, parcels: &[Parcel]) -> Vec<Outcome> {
        let notes: Vec<Note> = parcels.iter().map(|parcel| self.note(&parcel.stored)).collect();
        let deliveries: Vec<Delivery<'_>> = parcels
            .iter()
            .zip(&notes)
            .map(|(parcel, note)| Delivery {
                event: &parcel.stored.event,
                received: parcel.stored.received,
                trace: &parcel.stored.trace,
                span: parcel.span,
                attributes: &note.attributes,
                path: note.path.as_deref().unwrap_or(self.bus.place()),
                replay: note.replay.as_deref(),
            })
            .collect();
        client.send(&deliveries).await
    }

    async fn forward(&self, bus: &Bus, parcel: &Parcel) -> Outcome {
        let origin = (self.lane.consumer.name.as_str(), parcel.position);
        match bus.forward(&parcel.stored, parcel.span, (self.bus.place(), origin)).await {
            Ok(()) => Outcome::Delivered { status: None },
            Err(error @ store::Error::Full { .. }) => {
                let class = Class::Throttled { after: None };
                Outcome::Failed(Failure { class, ..Failure::retryable(error.to_string()) })
            }
            Err(error) => Outcome::Failed(Failure::retryable(error.to_string())),
        }
    }

    /// Returns what goes with an event beside itself.
    fn note(&self, stored: &Stored) -> Note {
        let path = (!stored.path.is_empty()).then(|| format!("{},{}", stored.path, self.bus.place()));
        let replay = Replayed::of(stored).map(|replayed| replayed.name);
        let letter = self.lane.consumer.letters_of.as_ref().and_then(|_| Letter::of(stored));
        let attributes = letter.map(|letter| self.attributes(letter)).unwrap_or_default();
        Note { path, replay, attributes }
    }

    /// Returns what EventBridge says of a dead letter.
    fn attributes(&self, letter: Letter) -> Vec<(&'static str, String)> {
        let retries = letter.attempts.last().map_or(0, |last| last.number.saturating_sub(1));
        let mut attributes = vec![
            ("RULE_ARN", self.bus.rule_arn(&letter.consumer)),
            ("TARGET_ARN", self.bus.target_of(&letter.consumer)),
            ("ERROR_CODE", letter.code),
            ("ERROR_MESSAGE", letter.reason),
            ("RETRY_ATTEMPTS", retries.to_string()),
        ];
        attributes.extend(letter.exhausted.map(|limit| ("EXHAUSTED_RETRY_CONDITION", limit)));
        attributes
    }
}

/// What goes with an event beside itself.
struct Note {
    path: Option<String>,
    replay: Option<String>,
    attributes: Vec<(&'static str, String)>,
}

/// Says what follows from an attempt. `draw` is a random number from 0 to 1.
pub(crate) fn conclude(lane: &Lane, ended: &Ended, draw: f64) -> Conclusion {
    let attempts = &ended.parcel.attempts;
    let number = attempts.last().map_or(1, |last| last.number + 1);
    match &ended.outcome {
        Outcome::Delivered { status } => Conclusion { number, status: *status, error: None, sequel: None },
        Outcome::Failed(failure) => {
            let first = attempts.first().map_or(ended.began, |first| first.at);
            let failed = Failed { failure, attempt: number, first, ended: ended.at };
            let sequel = retry::after(&lane.consumer.retry, &failed, draw);
            let error = Some(failure.error.clone());
            Conclusion { number, status: failure.status, error, sequel: Some(sequel) }
        }
    }
}

/// Returns what the next commit must say of an attempt.
pub(crate) fn settlement(sender: &Sender, ended: Ended, conclusion: Conclusion) -> Settlement {
    let hops = record::hops(sender, &ended, &conclusion);
    let Ended { parcel, began, at, outcome } = ended;
    let Parcel { position, stored, mut attempts, opening, .. } = parcel;
    let Conclusion { number, status, error, sequel } = conclusion;
    let was_tried = !attempts.is_empty();
    if let Some(error) = error {
        let took_us = u64::try_from(at.since(began).as_micros()).unwrap_or(u64::MAX);
        remember(&mut attempts, Attempt { number, at: began, took_us, status, error });
    }
    let result = match sequel {
        None => Settled::Delivered,
        Some(Sequel::Again(next)) => Settled::Failed(Tried { attempts, next }),
        Some(Sequel::Stop(reason)) => {
            Settled::Stopped { tried: Tried { attempts, next: at }, reason, opening }
        }
        Some(Sequel::GiveUp { reason, exhausted }) => {
            let code = code(&outcome);
            Settled::DeadLettered(Box::new(GivenUp {
                stored: Some(stored),
                reason,
                code,
                exhausted,
                attempts,
            }))
        }
    };
    Settlement { consumer: sender.lane.index, position, was_tried, result, hops }
}

/// What EventBridge calls a fault.
fn code(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Failed(Failure { status: Some(401 | 403), .. }) => "NO_PERMISSIONS",
        Outcome::Failed(Failure { status: Some(404), .. }) => "NO_RESOURCE",
        Outcome::Failed(Failure { class: Class::Throttled { .. }, .. }) => "THROTTLING",
        Outcome::Failed(Failure { status: None, class: Class::Retryable, .. }) => "TIMEOUT",
        _ => "SDK_CLIENT_ERROR",
    }
}

/// Adds a try; of a long history the middle goes.
fn remember(attempts: &mut Vec<Attempt>, attempt: Attempt) {
    if attempts.len() >= ATTEMPTS_KEPT_MAX {
        attempts.remove(ATTEMPTS_KEPT_MAX / 2);
    }
    attempts.push(attempt);
}
