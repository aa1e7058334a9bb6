//! The targets, and all that was seen of the router from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use event::{Event, Text, Timestamp};
use fastrand::Rng;
use futures::future::BoxFuture;
use router::simulation::{self, Answer, Target};

/// An event that a target took.
#[derive(Clone, Debug)]
pub struct Taken {
    /// When.
    pub at: Timestamp,
    /// The consumer.
    pub consumer: String,
    /// The event's position on the consumer's bus.
    pub position: u64,
    /// The event.
    pub event: Event,
}

/// How a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Well,
    Flaky,
    Slow,
    Throttling,
    Dead,
}

/// The targets, and all that was seen of the router from outside.
pub struct World {
    seen: Arc<Mutex<Seen>>,
}

struct Seen {
    rng: Rng,
    health: BTreeMap<String, Health>,
    taken: Vec<Taken>,
    /// The events that were acknowledged, and where they are.
    acknowledged: BTreeMap<String, u64>,
    /// The events that were tried.
    tried: BTreeSet<String>,
    /// From now on all targets are well.
    is_well: bool,
    now: Timestamp,
}

impl World {
    /// Returns a world in which nothing has happened.
    pub fn new(seed: u64) -> Self {
        let nothing = Seen {
            rng: Rng::with_seed(seed ^ 0x5eed),
            health: BTreeMap::new(),
            taken: Vec::new(),
            acknowledged: BTreeMap::new(),
            tried: BTreeSet::new(),
            is_well: false,
            now: Timestamp::from_millis(1_795_240_800_000),
        };
        Self { seen: Arc::new(Mutex::new(nothing)) }
    }

    /// Returns the time at which the next life of the router begins.
    pub fn now(&self) -> Timestamp {
        self.lock().now
    }

    /// Lets time pass between two lives; it may be negative.
    pub fn pass(&self, at: Timestamp, pause_ms: i64) {
        let pause = Duration::from_millis(pause_ms.unsigned_abs());
        self.lock().now = if pause_ms < 0 { at.before(pause) } else { at.after(pause) };
    }

    /// Makes all targets well for good.
    pub fn heal(&self) {
        self.lock().is_well = true;
    }

    /// Takes note that an event is tried.
    pub fn try_event(&self, id: &str) {
        self.lock().tried.insert(id.to_owned());
    }

    /// Takes note that an event was acknowledged. One that was before must be where it was.
    ///
    /// # Panics
    /// It is somewhere else.
    pub fn acknowledge(&self, id: &str, position: u64, seed: u64) {
        if let Some(before) = self.lock().acknowledged.insert(id.to_owned(), position) {
            assert!(before <= position, "seed {seed}: {id} moved back from {before} to {position}");
        }
    }

    /// Returns the events that were acknowledged, and where they are.
    pub fn acknowledged(&self) -> BTreeMap<String, u64> {
        self.lock().acknowledged.clone()
    }

    /// Returns the events that were tried.
    pub fn tried(&self) -> BTreeSet<String> {
        self.lock().tried.clone()
    }

    /// Returns what targets took, in order.
    pub fn taken(&self) -> Vec<Taken> {
        self.lock().taken.clone()
    }

    /// Returns the same, to be compared.
    pub fn history(&self) -> Vec<(i64, String, Text)> {
        let taken = self.taken();
        taken.into_iter().map(|one| (one.at.as_micros(), one.consumer, one.event.id)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// Says how long a target takes, whether it has the event at half of that time, and what it answers.
    fn decide(&mut self, consumer: &str) -> (Duration, bool, Answer) {
        if self.is_well {
            return (Duration::from_millis(1), true, Answer::Taken);
        }
        let change = self.rng.u8(0..20) == 0;
        let health = self.health.entry(consumer.to_owned()).or_insert(Health::Well);
        if change {
            let all = [Health::Well, Health::Flaky, Health::Slow, Health::Throttling, Health::Dead];
            *health = all[self.rng.usize(0..all.len())];
        }
        let quick = Duration::from_micros(self.rng.u64(100..20_000));
        let slow = Duration::from_millis(self.rng.u64(100..10_000));
        let after = self.rng.bool().then(|| Duration::from_millis(self.rng.u64(1..5_000)));
        match *health {
            Health::Well => (quick, true, Answer::Taken),
            // What a target has taken may look like a failure.
            Health::Flaky => match self.rng.u8(0..6) {
                0 => (quick, true, Answer::Failed),
                1 => (quick, false, Answer::Failed),
                2 if consumer == "strict" => (quick, false, Answer::Refused),
                _ => (quick, true, Answer::Taken),
            },
            Health::Slow => (slow, true, Answer::Taken),
            Health::Throttling => (quick, false, Answer::Throttled(after)),
            Health::Dead => (quick, false, Answer::Failed),
        }
    }
}

impl Target for World {
    fn send(&self, consumer: &str, position: u64, event: &Event) -> BoxFuture<'static, Answer> {
        let (took, is_taken, answer) = self.lock().decide(consumer);
        let taken =
            Taken { at: Timestamp::EPOCH, consumer: consumer.to_owned(), position, event: event.clone() };
        let seen = Arc::clone(&self.seen);
        Box::pin(async move {
            tokio::time::sleep(took / 2).await;
            if is_taken {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.taken.push(Taken { at: simulation::now(), ..taken });
            }
            tokio::time::sleep(took / 2).await;
            answer
        })
    }
}
