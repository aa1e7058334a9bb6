//! Puts a router together, runs it, and takes it apart.

mod open;
#[cfg(feature = "simulation")]
pub mod simulation;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use api::Phase;
use event::Timestamp;
use futures::FutureExt;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::bus::Bus;
use crate::config::{Config, Target};
use crate::core::UnknownSchema;
use crate::deliver::attempt::{Outlet, Sender};
use crate::deliver::lane::Lane;
use crate::deliver::targets::{Client, ConnectError, Connections};
use crate::deliver::worker::Worker;
use crate::observe::Observer;
use crate::orders::Ordered;
use crate::pipeline::{Inbox, Pipeline, SETTLEMENTS_MAX};
use crate::server::Refusal;
use crate::tasks::Tasks;
use crate::{clock, retention, server};

/// How long a stop waits for what only has to notice it: the HTTP surface, the pipelines, the exporter.
const NOTICE: Duration = Duration::from_secs(5);

/// Orders to try aggregations that are carried out at a time.
const TRIALS_MAX: usize = 1;

/// The buses of a router by name.
pub(crate) type Buses = BTreeMap<String, Arc<Bus>>;

/// What every handler of the HTTP surface sees.
pub(crate) struct Shared {
    phase: watch::Sender<Phase>,
    buses: OnceLock<Buses>,
    observer: Observer,
    started: Timestamp,
    sample: f64,
    /// Whose turn it is to try aggregations.
    trials: Semaphore,
    stopped: CancellationToken,
}

/// A router that runs.
pub struct Running {
    shared: Arc<Shared>,
    address: SocketAddr,
    drain: Duration,
    workers: Stage,
    pipelines: Stage,
    surface: Stage,
    failure: watch::Receiver<Option<String>>,
}

/// Tasks that are told to stop together.
#[derive(Clone, Default)]
struct Stage {
    tasks: Tasks,
    stop: CancellationToken,
}

/// What a stopped router leaves for its next start. All of it is on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Deliveries not settled.
    pub pending: u64,
    /// Of those, attempts that were cut off at the drain's deadline; their events will be sent again.
    pub in_flight: u64,
    /// Groups in flight.
    pub open_groups: u64,
}

/// A router could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}; is another router running there?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The store of a bus cannot be opened.
    #[error("cannot open bus `{bus}` in {}", .folder.display())]
    Store {
        /// The bus.
        bus: String,
        /// Its folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: store::OpenError,
    },
    /// What a bus saved is not what this version writes.
    #[error("cannot read what bus `{bus}` saved: {reason}; start the version that wrote it")]
    State {
        /// The bus.
        bus: String,
        /// What is wrong.
        reason: String,
    },
    /// The schema folder cannot be read.
    #[error("cannot load the schemas")]
    Schemas(#[from] schemas::Error),
    /// A consumer accepts a schema that is not there.
    #[error(transparent)]
    Schema(#[from] UnknownSchema),
    /// A target cannot be prepared.
    #[error("cannot prepare the target of consumer `{consumer}`")]
    Target {
        /// The consumer.
        consumer: String,
        /// Why.
        #[source]
        source: ConnectError,
    },
    /// The trace exporter cannot be prepared.
    #[error("cannot prepare the trace exporter")]
    Trace(#[from] otel::Error),
}

/// Starts a router: listens, opens its stores below `data_dir`, and takes events. It answers `/readyz` with 503 until
/// then.
pub async fn start(config: Config, data_dir: PathBuf) -> Result<Running, StartError> {
    let (surface, pipelines, workers) = (Stage::default(), Stage::default(), Stage::default());
    let exporter = exporter(&config, &surface)?;
    let shared = Arc::new(Shared {
        phase: watch::Sender::new(Phase::Recovering),
        buses: OnceLock::new(),
        observer: Observer::new(exporter),
        started: clock::now(),
        sample: config.trace.sample,
        trials: Semaphore::new(TRIALS_MAX),
        stopped: surface.stop.clone(),
    });
    let address = listen(&config, &shared, &surface).await?;
    let registry = match &config.schemas {
        Some(folder) => schemas::Registry::load(folder)?,
        None => schemas::Registry::empty(),
    };
    let (buses, inboxes) = open::buses(&config, &data_dir, &registry, &shared.observer).await?;
    let outlets = outlets(&config, &buses).await?;
    let (failed, failure) = watch::channel(None);
    run((&buses, inboxes), outlets, &workers, &pipelines, &(shared.clone(), failed));
    retention::spawn(&buses, &surface.tasks, &surface.stop);
    drop(shared.buses.set(buses));
    // A store may have failed since.
    shared.phase.send_if_modified(|phase| {
        let ready = *phase == Phase::Recovering;
        if ready {
            *phase = Phase::Running;
        }
        ready
    });
    Ok(Running { shared, address, drain: config.drain, workers, pipelines, surface, failure })
}

fn exporter(config: &Config, surface: &Stage) -> Result<Option<otel::Exporter>, StartError> {
    let trace = &config.trace;
    if trace.otlp.is_none() && trace.xray_daemon.is_none() {
        return Ok(None);
    }
    let (exporter, service) = otel::Exporter::new(otel::Config {
        service: trace.service.clone(),
        otlp: trace.otlp.clone(),
        xray_daemon: trace.xray_daemon,
        ..otel::Config::default()
    })?;
    surface.tasks.spawn("trace exporter", service.run(surface.stop.clone().cancelled_owned()));
    Ok(Some(exporter))
}

async fn listen(config: &Config, shared: &Arc<Shared>, surface: &Stage) -> Result<SocketAddr, StartError> {
    let cannot = |source| StartError::Listen { address: config.listen, source };
    let listener = TcpListener::bind(config.listen).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "listening beyond this machine, without authentication; put a proxy in front");
    }
    let routes = server::routes(Arc::clone(shared));
    let stop = surface.stop.clone().cancelled_owned();
    surface.tasks.spawn("http", async move {
        use axum::serve::ListenerExt;
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        if let Err(error) = axum::serve(listener, routes).with_graceful_shutdown(stop).await {
            tracing::error!(%error, "the http surface ended");
        }
    });
    Ok(address)
}

/// Prepares every target before anything is delivered, so that a mistake is found at the start.
async fn outlets(config: &Config, buses: &Buses) -> Result<Vec<(Arc<Bus>, Arc<Lane>, Outlet)>, StartError> {
    let mut connections = Connections::new(&config.allowed_targets);
    let mut outlets = Vec::new();
    for bus in buses.values() {
        for lane in bus.lanes() {
            let consumer = &lane.consumer;
            let outlet = match &consumer.target {
                Target::Bus { name } => buses.get(name).map(|bus| Outlet::Bus(Arc::clone(bus))),
                target => {
                    let client =
                        Client::connect(target, &config.identity, consumer.batch, &mut connections).await;
                    let cannot = |source| StartError::Target { consumer: consumer.name.clone(), source };
                    client.map_err(cannot)?.map(Outlet::Client)
                }
            };
            // A configuration that was checked names only buses that exist.
            if let Some(outlet) = outlet {
                lane.set_address(outlet.address());
                outlets.push((Arc::clone(bus), Arc::clone(lane), outlet));
            }
        }
    }
    Ok(outlets)
}

/// Starts the pipelines and the workers.
fn run(
    (buses, inboxes): (&Buses, BTreeMap<String, mpsc::Receiver<Ordered>>),
    outlets: Vec<(Arc<Bus>, Arc<Lane>, Outlet)>,
    workers: &Stage,
    pipelines: &Stage,
    (shared, failed): &(Arc<Shared>, watch::Sender<Option<String>>),
) {
    let mut senders = BTreeMap::new();
    for (name, orders) in inboxes {
        let Some(bus) = buses.get(&name).cloned() else { continue };
        let (sender, settlements) = mpsc::channel(SETTLEMENTS_MAX);
        senders.insert(name, sender);
        let stop = pipelines.stop.clone();
        let (shared, failed, buses) = (Arc::clone(shared), failed.clone(), buses.clone());
        pipelines.tasks.spawn("pipeline", async move {
            let pipeline = Pipeline::new(Arc::clone(&bus), buses, Inbox { settlements, orders });
            if let Err(reason) = supervise(&bus, pipeline, stop).await {
                tracing::error!(bus = bus.name(), reason, "the bus failed; no more events are taken");
                shared.phase.send_replace(Phase::Failed);
                failed.send_replace(Some(format!("bus `{}`: {reason}", bus.name())));
            }
        });
    }
    for (bus, lane, outlet) in outlets {
        if let Some(settlements) = senders.get(bus.name()).cloned() {
            let (shared, failed) = (Arc::clone(shared), failed.clone());
            let consumer = lane.consumer.name.clone();
            let worker = Worker::new(Sender { bus, lane, outlet }, settlements).run(workers.stop.clone());
            workers.tasks.spawn("deliver", async move {
                if AssertUnwindSafe(worker).catch_unwind().await.is_err() {
                    shared.phase.send_replace(Phase::Failed);
                    failed.send_replace(Some(format!("the worker of consumer `{consumer}` panicked")));
                }
            });
        }
    }
}

/// Runs a pipeline beside the store, which may fail while nothing is asked of it. Any end but a stop is a failure, of
/// which the reason is returned.
async fn supervise(bus: &Bus, pipeline: Pipeline, stop: CancellationToken) -> Result<(), String> {
    let pipeline = pipeline.run(stop.clone());
    tokio::select! {
        biased;
        ended = AssertUnwindSafe(pipeline).catch_unwind() => match ended {
            Ok(Ok(())) if stop.is_cancelled() => Ok(()),
            Ok(Ok(())) => Err("its pipeline ended".to_owned()),
            Ok(Err(error)) => Err(with_causes(&error)),
            Err(_) => Err("its pipeline panicked".to_owned()),
        },
        error = bus.partition().failed() => Err(with_causes(&error)),
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| (*error).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl Running {
    /// Returns where the HTTP surface listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resolves with the reason once the store failed; until then it waits.
    pub async fn failed(&self) -> String {
        let mut failure = self.failure.clone();
        let reason = failure.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        match reason {
            Some(reason) => reason,
            None => std::future::pending().await,
        }
    }

    /// Ends after a store failed: requests under way are answered, and nothing more is done.
    pub async fn abandon(self) {
        self.surface.stop.cancel();
        self.surface.tasks.finish(NOTICE).await;
    }

    /// Stops: intake closes, attempts under way finish within the drain's deadline, outcomes are committed, the stores
    /// are closed. Returns what is left for the next start.
    pub async fn stop(self) -> Left {
        self.shared.phase.send_replace(Phase::Draining);
        self.workers.stop.cancel();
        self.workers.tasks.finish(self.drain).await;
        let in_flight =
            self.shared.buses().flat_map(|bus| bus.lanes()).map(|lane| lane.gauges.in_flight()).sum();
        self.pipelines.stop.cancel();
        self.pipelines.tasks.finish(NOTICE).await;
        let mut left = Left { in_flight, ..Left::default() };
        for bus in self.shared.buses() {
            {
                let core = bus.core();
                left.pending += bus.lanes().iter().map(|lane| lane.pending()).sum::<u64>();
                left.open_groups +=
                    core.aggregators().iter().map(|one| one.open_groups() as u64).sum::<u64>();
            }
            if let Err(error) = bus.partition().close().await {
                tracing::error!(bus = bus.name(), %error, "the store could not be closed");
            }
        }
        self.surface.stop.cancel();
        self.surface.tasks.finish(NOTICE).await;
        left
    }
}

impl Shared {
    /// Returns what the router is doing.
    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Returns the buses if the router takes events.
    pub(crate) fn taking(&self) -> Result<&Buses, Refusal> {
        match (self.phase(), self.buses.get()) {
            (Phase::Running, Some(buses)) => Ok(buses),
            (phase, _) => Err(Refusal::not_ready(phase)),
        }
    }

    /// Returns every bus, in the order of their names; none while the router recovers.
    pub(crate) fn buses(&self) -> impl Iterator<Item = &Arc<Bus>> {
        self.buses.get().into_iter().flat_map(BTreeMap::values)
    }

    /// Returns whether a consumer of that name is configured.
    pub(crate) fn has_consumer(&self, name: &str) -> bool {
        self.buses().any(|bus| bus.lanes().iter().any(|lane| lane.consumer.name == name))
    }

    /// Returns whether a consumer of that name is configured, or was and has dead letters.
    pub(crate) fn has_letters(&self, name: &str) -> bool {
        self.has_consumer(name) || self.buses().any(|bus| bus.letters().contains_key(name))
    }

    /// Returns whether an aggregation of that name is configured.
    pub(crate) fn has_aggregation(&self, name: &str) -> bool {
        self.buses().any(|bus| bus.core().aggregators().iter().any(|one| **one.name() == *name))
    }

    /// Returns where hops are recorded.
    pub(crate) fn observer(&self) -> &Observer {
        &self.observer
    }

    /// Returns when this process started.
    pub(crate) fn started(&self) -> Timestamp {
        self.started
    }

    /// Returns the fraction of traces started here that are recorded.
    pub(crate) fn sample(&self) -> f64 {
        self.sample
    }

    /// Returns the turns of those who try aggregations.
    pub(crate) fn trials(&self) -> &Semaphore {
        &self.trials
    }

    /// Resolves when the HTTP surface stops.
    pub(crate) fn stopped(&self) -> WaitForCancellationFutureOwned {
        self.stopped.clone().cancelled_owned()
    }
}

/// Shows what is left in words.
impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pending, in_flight, open_groups } = self;
        write!(f, "{pending} deliveries pending ({in_flight} cut off), {open_groups} groups open")
    }
}
