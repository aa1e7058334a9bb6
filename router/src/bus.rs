//! [`Bus`]: a named, durable, ordered log of events with everything that reads it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::ReplayState;
use event::eventbridge::Identity;
use event::hop::Via;
use event::stored::{Stored, StoredError};
use event::{Event, SpanId, Text, Timestamp, TraceContext};
use store::{Appended, NewEvent, Partition, Position, ReadBudget};
use tokio::sync::{mpsc, oneshot};

use crate::clock;
use crate::config::{self, DEFAULT_BUS};
use crate::core::facts::Facts;
use crate::core::{AGGREGATION, Core};
use crate::deliver::lane::Lane;
use crate::observe::Observer;
use crate::orders::{Order, OrderError, Ordered};
use crate::queue::Queue;
use crate::state::record::ReplayRecord;

/// An event of the log cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The store cannot read it now.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// It is there and is no event.
    #[error(transparent)]
    Stored(#[from] StoredError),
}

/// One bus: its log, its core, and its consumers' lanes.
pub(crate) struct Bus {
    config: config::Bus,
    /// Its name.
    text: Text,
    /// Its name in the paths of events, with the router's.
    place: String,
    identity: Identity,
    partition: Arc<dyn Partition>,
    core: Mutex<Core>,
    lanes: Vec<Arc<Lane>>,
    letters: Mutex<BTreeMap<String, Queue>>,
    replays: Mutex<Vec<ReplayRecord>>,
    orphans_need: Option<u64>,
    orders: mpsc::Sender<Ordered>,
    observer: Observer,
    duplicates: AtomicU64,
}

/// What a bus is put together from.
pub(crate) struct Parts {
    pub(crate) config: config::Bus,
    /// The router's name.
    pub(crate) service: String,
    pub(crate) identity: Identity,
    pub(crate) partition: Arc<dyn Partition>,
    pub(crate) core: Core,
    pub(crate) lanes: Vec<Arc<Lane>>,
    pub(crate) letters: BTreeMap<String, Queue>,
    pub(crate) replays: Vec<ReplayRecord>,
    /// The oldest event that a consumer needs which is not configured any more.
    pub(crate) orphans_need: Option<u64>,
    pub(crate) orders: mpsc::Sender<Ordered>,
    pub(crate) observer: Observer,
}

impl Bus {
    /// Puts a bus together from a store that was opened and what was restored from it.
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            place: format!("{}/{}", parts.service, parts.config.name),
            text: parts.config.name.as_str().into(),
            config: parts.config,
            identity: parts.identity,
            partition: parts.partition,
            core: Mutex::new(parts.core),
            lanes: parts.lanes,
            letters: Mutex::new(parts.letters),
            replays: Mutex::new(parts.replays),
            orphans_need: parts.orphans_need,
            orders: parts.orders,
            observer: parts.observer,
            duplicates: AtomicU64::new(0),
        }
    }

    /// Returns its name.
    pub(crate) fn name(&self) -> &str {
        &self.config.name
    }

    /// Returns its name, for hops.
    pub(crate) fn text(&self) -> &Text {
        &self.text
    }

    /// Returns its configuration.
    pub(crate) fn config(&self) -> &config::Bus {
        &self.config
    }

    /// Returns the account and region that its events show without their own.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns its name in the paths of events: the router's, a slash, its own.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Returns its log.
    pub(crate) fn partition(&self) -> &dyn Partition {
        &*self.partition
    }

    /// Returns its consumers' lanes in the order of the configuration.
    pub(crate) fn lanes(&self) -> &[Arc<Lane>] {
        &self.lanes
    }

    /// Returns the lane of a consumer.
    pub(crate) fn lane(&self, consumer: &str) -> Option<&Arc<Lane>> {
        self.lanes.iter().find(|lane| lane.consumer.name == consumer)
    }

    /// Returns the place of an aggregation in the configuration.
    pub(crate) fn aggregation(&self, name: &str) -> Option<usize> {
        self.core().aggregators().iter().position(|one| *name == **one.name())
    }

    /// Returns whether dead letters of that name can go again: those of a consumer, or of an aggregation.
    pub(crate) fn takes_again(&self, name: &str) -> bool {
        let aggregation = name.strip_prefix(AGGREGATION);
        self.lane(name).is_some() || aggregation.is_some_and(|name| self.aggregation(name).is_some())
    }

    /// Returns its core, for a short section without waiting in it.
    pub(crate) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the positions of the dead letters by consumer, for a short section without waiting in it.
    pub(crate) fn letters(&self) -> MutexGuard<'_, BTreeMap<String, Queue>> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the replays, for a short section without waiting in it.
    pub(crate) fn replays(&self) -> MutexGuard<'_, Vec<ReplayRecord>> {
        self.replays.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns where its hops are recorded.
    pub(crate) fn observer(&self) -> &Observer {
        &self.observer
    }

    /// Returns how many events were refused as duplicates since this process started.
    pub(crate) fn duplicates(&self) -> u64 {
        self.duplicates.load(Ordering::Relaxed)
    }

    /// Returns how EventBridge would name a consumer's rule.
    pub(crate) fn rule_arn(&self, consumer: &str) -> String {
        let Identity { account, region } = &self.identity;
        let bus = if self.name() == DEFAULT_BUS { String::new() } else { format!("{}/", self.name()) };
        format!("arn:aws:events:{region}:{account}:rule/{bus}{consumer}")
    }

    /// Returns where a consumer's events go.
    pub(crate) fn target_of(&self, consumer: &str) -> String {
        self.lane(consumer).map(|lane| lane.address().to_string()).unwrap_or_default()
    }

    /// Returns the oldest position that a delivery, a new consumer or a replay still needs. Dead letters are not among
    /// them: they can be carried on.
    pub(crate) fn oldest_needed(&self) -> Option<u64> {
        let lanes = self.lanes.iter().flat_map(|lane| {
            let backfill = lane.standing().backfill.map(|range| range.next);
            [lane.oldest(), backfill]
        });
        let replays = self.replays();
        let running = replays.iter().filter(|replay| replay.state == ReplayState::Running);
        let replays = running.map(|replay| Some(replay.range.next));
        lanes.chain(replays).chain([self.orphans_need]).flatten().min()
    }

    /// Returns how many dead letters there are before a position.
    pub(crate) fn letters_before(&self, position: u64) -> u64 {
        let letters = self.letters();
        let each = letters.values().map(|letters| letters.iter().take_while(|one| *one < position).count());
        each.sum::<usize>() as u64
    }

    /// Returns the position of the oldest dead letter.
    pub(crate) fn oldest_letter(&self) -> Option<u64> {
        self.letters().values().filter_map(Queue::first).min()
    }

    /// Has the pipeline do something, and returns what came of it once it is durable.
    pub(crate) async fn order(&self, order: Order) -> Result<u64, OrderError> {
        let (answer, answered) = oneshot::channel();
        self.orders.send(Ordered { order, answer }).await.map_err(|_| OrderError::Stopped)?;
        answered.await.map_err(|_| OrderError::Stopped)?
    }

    /// Returns the event at a position, if the log still holds it. It reads files and blocks.
    pub(crate) async fn event(&self, position: u64) -> Result<Option<Stored>, ReadError> {
        let Some(before) = position.checked_sub(1) else { return Ok(None) };
        let read = self.partition.read(Position(before), ReadBudget { events: 1, bytes: 0 }).await?;
        let found = read.into_iter().find(|(at, _)| at.0 == position);
        Ok(found.map(|(_, bytes)| Stored::decode(bytes)).transpose()?)
    }

    /// Puts events into the log. They are durable when this returns; at the store's queue limit it refuses at once.
    pub(crate) async fn accept(&self, events: Vec<Stored>) -> Result<Vec<Appended>, store::Error> {
        let new = events.iter().map(|stored| new_event(stored, self.key(stored))).collect();
        let appended = self.partition.append(new).await?;
        let duplicates = appended.iter().filter(|one| matches!(one, Appended::DuplicateOf(_))).count();
        self.duplicates.fetch_add(duplicates as u64, Ordering::Relaxed);
        Ok(appended)
    }

    /// Takes an event that a consumer of another bus delivers here; `span` is that delivery's attempt. The same delivery
    /// made twice is one event here.
    pub(crate) async fn forward(
        &self,
        stored: &Stored,
        span: SpanId,
        (from, origin): (&str, (&str, u64)),
    ) -> Result<(), store::Error> {
        let trace = TraceContext {
            span: SpanId(fastrand::u64(1..).to_be_bytes()),
            parent: Some(span),
            ..stored.trace
        };
        let path = if stored.path.is_empty() { from.to_owned() } else { format!("{},{from}", stored.path) };
        let event = stored.event.clone();
        let forwarded = Stored { path, ..Stored::new(clock::now(), Via::Bus, trace, event) };
        let key = hash(&(from, origin, stored.logged));
        self.partition.append(vec![new_event(&forwarded, Some(key))]).await.map(drop)
    }

    /// Takes replayed events of another bus, with their positions there; `origin` is the replay, when it began, and that
    /// bus. The same replay of the same event made twice is one event here.
    pub(crate) async fn replayed(
        &self,
        events: Vec<(u64, Stored)>,
        origin: (&str, Timestamp, &str),
    ) -> Result<(), store::Error> {
        let new = events.iter().map(|(position, stored)| new_event(stored, Some(hash(&(origin, position)))));
        self.partition.append(new.collect()).await.map(drop)
    }

    /// What makes a published event the same as another; none where nothing does.
    fn key(&self, stored: &Stored) -> Option<u64> {
        let Event { id, source, .. } = &stored.event;
        match &self.config.dedup.as_ref()?.key {
            // EventBridge gives every entry an id of its own, so that its events are never the same.
            None => (stored.via != Via::PutEvents).then(|| hash(&(source, id))),
            Some(path) => Facts::new(stored, 0, &self.identity).scalar(path).map(|key| hash(&key)),
        }
    }
}

fn new_event(stored: &Stored, key: Option<u64>) -> NewEvent {
    let at_ms = u64::try_from(stored.logged.as_micros() / 1_000).unwrap_or(0);
    NewEvent { bytes: stored.encode(), key, at_ms }
}

/// Returns a well mixed hash. It is kept for as long as the window of duplicates, so that a release of the compiler may
/// change it.
fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
impl Bus {
    /// Returns a bus with one consumer, `c`, and where its orders arrive.
    pub(crate) fn fixture(partition: impl Partition + 'static) -> (Arc<Self>, mpsc::Receiver<Ordered>) {
        let text = "[[consumer]]\nname = \"c\"\ntarget = { stdout = true }\n";
        let config = crate::config::Config::parse(text, "test.toml").unwrap().0;
        let registry = schemas::Registry::empty();
        let core = Core::new("default", config.identity.clone(), &config.consumers, &[], &registry).unwrap();
        let saved = crate::state::restore::Saved::default();
        let lane = Arc::new(Lane::new(0, config.consumers[0].clone(), saved));
        let (orders, inbox) = mpsc::channel(crate::orders::ORDERS_MAX);
        let bus = Self::new(Parts {
            config: config.buses[0].clone(),
            service: "railpost".to_owned(),
            identity: config.identity,
            partition: Arc::new(partition),
            core,
            lanes: vec![lane],
            letters: BTreeMap::new(),
            replays: Vec::new(),
            orphans_need: None,
            orders,
            observer: Observer::new(None),
        });
        (Arc::new(bus), inbox)
    }
}
