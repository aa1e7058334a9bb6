//! [`Bus`]: a named, durable, ordered log of events with everything that reads it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event::hop::Via;
use event::stored::{Stored, StoredError};
use event::{SpanId, TraceContext};
use store::{Partition, Position};

use crate::clock;
use crate::core::Core;
use crate::deliver::lane::Lane;
use crate::observe::Observer;

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
    name: String,
    partition: Partition,
    core: Mutex<Core>,
    lanes: Vec<Arc<Lane>>,
    observer: Observer,
}

impl Bus {
    /// Puts a bus together from a store that was opened and a core that was restored from it.
    pub(crate) fn new(
        name: &str,
        partition: Partition,
        core: Core,
        lanes: Vec<Arc<Lane>>,
        observer: Observer,
    ) -> Self {
        Self { name: name.to_owned(), partition, core: Mutex::new(core), lanes, observer }
    }

    /// Returns its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns its log.
    pub(crate) fn partition(&self) -> &Partition {
        &self.partition
    }

    /// Returns its consumers' lanes in the order of the configuration.
    pub(crate) fn lanes(&self) -> &[Arc<Lane>] {
        &self.lanes
    }

    /// Returns its core, for a short section without waiting in it.
    pub(crate) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns where its hops are recorded.
    pub(crate) fn observer(&self) -> &Observer {
        &self.observer
    }

    /// Returns the event at a position, if the log still holds it. It reads files and blocks.
    pub(crate) fn event(&self, position: u64) -> Result<Option<Stored>, ReadError> {
        let bytes = self.partition.get(Position(position))?;
        Ok(bytes.map(Stored::decode).transpose()?)
    }

    /// Puts events into the log. They are durable when this returns; at the store's queue limit it refuses at once.
    pub(crate) async fn accept(&self, events: Vec<Stored>) -> Result<(), store::Error> {
        let encoded = events.iter().map(Stored::encode).collect();
        self.partition.append(encoded).await.map(drop)
    }

    /// Takes an event that another bus delivers here; `span` is that delivery's attempt.
    pub(crate) async fn forward(&self, stored: &Stored, span: SpanId) -> Result<(), store::Error> {
        let trace = TraceContext {
            span: SpanId(fastrand::u64(1..).to_be_bytes()),
            parent: Some(span),
            ..stored.trace
        };
        let event = stored.event.clone();
        self.accept(vec![Stored { received: clock::now(), via: Via::Bus, trace, event }]).await
    }
}

#[cfg(test)]
impl Bus {
    /// Returns a bus with one consumer, `c`.
    pub(crate) fn fixture(partition: Partition) -> Arc<Self> {
        let text = "[[consumer]]\nname = \"c\"\ntarget = { stdout = true }\n";
        let config = crate::config::Config::parse(text, "test.toml").unwrap().0;
        let registry = schemas::Registry::empty();
        let core = Core::new("default", config.identity, &config.consumers, &[], &registry).unwrap();
        let lane = Arc::new(Lane::new(0, config.consumers[0].clone(), Vec::new()));
        Arc::new(Self::new("default", partition, core, vec![lane], Observer::new(None)))
    }
}
