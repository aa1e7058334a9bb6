//! A router without sockets, threads and real time, for simulations: its disk, its targets and its clock are the caller's.
//!
//! Everything else is what `railpost run` runs: the core, the pipelines, the workers. With a runtime of one thread whose
//! time is paused, a disk that does the same each time and a seed, the same calls come to the same history.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use api::{GroupAction, HandlingRecord, Overview, Phase};
use event::hop::Via;
use event::stored::Stored;
use event::{Event, Timestamp};
use futures::future::BoxFuture;
use store::{Appended, Partition, Position, ReadBudget};
use tokio::sync::{Semaphore, watch};

use super::{Buses, Shared, Stage, StartError, TRIALS_MAX, open, run};
use crate::config::{Config, Target as Where};
use crate::deliver::attempt::Outlet;
use crate::deliver::targets::{Class, Failure, Outcome};
use crate::ingest::{self, Upstream};
use crate::observe::Observer;
use crate::orders::Order;
use crate::{clock, report, retention};

/// Where a simulated consumer's events go.
pub trait Target: Send + Sync {
    /// Takes an event, or says why not; how long it takes is the target's affair.
    fn send(&self, consumer: &str, position: u64, event: &Event) -> BoxFuture<'static, Answer>;
}

/// What a target says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has the event.
    Taken,
    /// It has too much to do.
    Throttled(Option<Duration>),
    /// It failed, or did not answer.
    Failed,
    /// It will never take the event.
    Refused,
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        let failed = |class| Self::Failed(Failure { class, status: None, error: "simulated".to_owned() });
        match answer {
            Answer::Taken => Self::Delivered { status: None },
            Answer::Throttled(after) => failed(Class::Throttled { after }),
            Answer::Failed => failed(Class::Retryable),
            Answer::Refused => failed(Class::Permanent),
        }
    }
}

/// A router of a simulation. Dropping it is a crash.
pub struct Node {
    shared: Arc<Shared>,
    workers: Stage,
    pipelines: Stage,
    failure: watch::Receiver<Option<String>>,
}

/// Sets the clock and the chances of this thread.
pub fn begin(now: Timestamp, seed: u64) {
    clock::simulated::set(now);
    fastrand::seed(seed);
}

/// Sets the clock of this thread to another time, as an operator may.
pub fn set_clock(now: Timestamp) {
    clock::simulated::set(now);
}

/// Returns the time of this thread's clock.
pub fn now() -> Timestamp {
    clock::now()
}

impl Node {
    /// Starts a router over partitions that are open, one for each bus of the configuration.
    ///
    /// # Errors
    /// What the partitions hold cannot be gone on from.
    pub async fn start(
        config: &Config,
        partitions: &BTreeMap<String, Arc<dyn Partition>>,
        target: &Arc<dyn Target>,
    ) -> Result<Self, StartError> {
        let registry = schemas::Registry::empty();
        let observer = Observer::new(None);
        let (workers, pipelines) = (Stage::default(), Stage::default());
        let shared = Arc::new(Shared {
            phase: watch::Sender::new(Phase::Running),
            buses: OnceLock::new(),
            observer: observer.clone(),
            started: clock::now(),
            sample: 0.0,
            trials: Semaphore::new(TRIALS_MAX),
            stopped: workers.stop.clone(),
        });
        let (mut buses, mut inboxes) = (Buses::new(), BTreeMap::new());
        for bus in &config.buses {
            let Some(partition) = partitions.get(&bus.name).cloned() else { continue };
            let (opened, inbox) = open::put_together(config, bus, partition, &registry, &observer).await?;
            inboxes.insert(bus.name.clone(), inbox);
            buses.insert(bus.name.clone(), Arc::new(opened));
        }
        let mut outlets = Vec::new();
        for bus in buses.values() {
            for lane in bus.lanes() {
                let outlet = match &lane.consumer.target {
                    Where::Bus { name } => Outlet::Bus(Arc::clone(&buses[name])),
                    _ => Outlet::Simulated(Arc::clone(target)),
                };
                outlets.push((Arc::clone(bus), Arc::clone(lane), outlet));
            }
        }
        let (failed, failure) = watch::channel(None);
        run((&buses, inboxes), outlets, &workers, &pipelines, &(Arc::clone(&shared), failed));
        drop(shared.buses.set(buses));
        Ok(Self { shared, workers, pipelines, failure })
    }

    /// Publishes events to a bus; they are durable once this returns.
    ///
    /// # Errors
    /// The store took none of them, or failed: then nobody knows.
    pub async fn publish(&self, bus: &str, events: Vec<Event>) -> Result<Vec<Appended>, store::Error> {
        let Some(bus) = self.shared.buses.get().and_then(|buses| buses.get(bus)) else {
            return Err(store::Error::Closed);
        };
        let events = events.into_iter().map(|event| (event, Upstream::default())).collect();
        ingest::accept(bus, events, Via::HttpBinary, 0.0).await
    }

    /// Returns the state of the router at a glance.
    pub async fn overview(&self) -> Overview {
        report::overview(&self.shared).await
    }

    /// Pauses or resumes a consumer. Returns false if the router stopped before that was durable.
    pub async fn pause(&self, consumer: &str, paused: bool) -> bool {
        for bus in self.shared.buses() {
            if let Some(index) = bus.lane(consumer).map(|lane| lane.index) {
                let order =
                    if paused { Order::Pause { consumer: index } } else { Order::Resume { consumer: index } };
                return bus.order(order).await.is_ok();
            }
        }
        false
    }

    /// Does something to a group of an aggregation. Returns false if there is none, or the router stopped before that was
    /// durable.
    pub async fn handle(&self, aggregation: &str, group: &str, action: GroupAction) -> bool {
        for bus in self.shared.buses() {
            if let Some(index) = bus.aggregation(aggregation) {
                let (by, why) = ("simulation".to_owned(), "chance".to_owned());
                let record = HandlingRecord { at: clock::now(), by, why, action };
                let order = Order::Group { aggregation: index, group: group.to_owned(), record, done: 0 };
                return bus.order(order).await.is_ok();
            }
        }
        false
    }

    /// Queues all dead letters of a consumer again. Returns how many, if that is durable.
    pub async fn redrive(&self, consumer: &str) -> Option<u64> {
        let filter = api::DeadLetterFilter { consumer: Some(consumer.to_owned()), ..Default::default() };
        let fate = report::letters::Fate::Redrive;
        let report = report::letters::settle(&self.shared, &filter, usize::MAX, fate, false).await;
        report.ok().map(|report| report.done)
    }

    /// Returns the ids of the events that a consumer's dead letters hold.
    pub async fn dead_letters(&self, consumer: &str) -> Vec<String> {
        let filter = api::DeadLetterFilter { consumer: Some(consumer.to_owned()), ..Default::default() };
        let letters = report::letters::list(&self.shared, &filter, usize::MAX).await;
        letters.into_iter().map(|letter| letter.id).collect()
    }

    /// Gives back the disk that a bus need not keep. Returns false if the router stopped meanwhile.
    pub async fn reclaim(&self, bus: &str) -> bool {
        match self.shared.buses.get().and_then(|buses| buses.get(bus)) {
            Some(bus) => retention::reclaim(bus).await.is_ok(),
            None => false,
        }
    }

    /// Returns the events of a bus that are still held, with their positions and how they came.
    ///
    /// # Errors
    /// The store cannot read them.
    pub async fn events(&self, bus: &str) -> Result<Vec<(u64, Via, Event)>, store::Error> {
        let Some(bus) = self.shared.buses.get().and_then(|buses| buses.get(bus)) else {
            return Ok(Vec::new());
        };
        let mut events = Vec::new();
        let mut after = Position(0);
        loop {
            let read = bus.partition().read(after, ReadBudget::default()).await?;
            let Some((last, _)) = read.last() else { return Ok(events) };
            after = *last;
            let decoded =
                read.into_iter().filter_map(|(at, bytes)| Some((at.0, Stored::decode(bytes).ok()?)));
            events.extend(decoded.map(|(at, stored)| (at, stored.via, stored.event)));
        }
    }

    /// Resolves with the reason once a store failed.
    pub async fn failed(&self) -> String {
        let mut failure = self.failure.clone();
        let reason = failure.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        reason.unwrap_or_default()
    }

    /// Stops as on a signal: attempts under way finish within `drain`, outcomes are committed, the stores are closed.
    pub async fn stop(self, drain: Duration) {
        self.workers.stop.cancel();
        self.workers.tasks.finish(drain).await;
        self.pipelines.stop.cancel();
        self.pipelines.tasks.finish(drain).await;
        for bus in self.shared.buses() {
            // A store that failed cannot be closed.
            drop(bus.partition().close().await);
        }
    }
}
