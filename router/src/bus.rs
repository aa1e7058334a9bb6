//! [`Bus`]: a named, durable, ordered log of events with everything that reads it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event::hop::Via;
use event::stored::Stored;
use event::{Hop, SpanId, Step, TraceContext};
use store::{Partition, Position};

use crate::clock;
use crate::core::Core;
use crate::deliver::lane::Lane;
use crate::observe::Observer;

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

    /// Returns the event at a position, if the log still holds it.
    pub(crate) fn event(&self, position: u64) -> Option<Stored> {
        let bytes = self.partition.get(Position(position)).ok()??;
        Stored::decode(bytes).ok()
    }

    /// Puts events into the log. They are durable when this returns; at the store's queue limit it refuses at once.
    pub(crate) async fn accept(&self, events: Vec<Stored>) -> Result<(), store::Error> {
        let encoded = events.iter().map(Stored::encode).collect();
        let positions = self.partition.append(encoded).await?;
        let ended = clock::now();
        let hops =
            events.iter().zip(positions).map(|(stored, position)| self.received(stored, position.0, ended));
        self.observer.record(hops.collect());
        Ok(())
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

    fn received(&self, stored: &Stored, position: u64, ended: event::Timestamp) -> Hop {
        let event = &stored.event;
        Hop {
            bus: self.name.clone(),
            event: event.id.clone(),
            position,
            started: stored.received,
            ended,
            trace: stored.trace.trace,
            span: stored.trace.span,
            parent: stored.trace.parent,
            sampled: stored.trace.sampled,
            step: Step::Received {
                via: stored.via,
                source: event.source.clone(),
                r#type: event.kind.clone(),
                subject: event.subject.clone(),
                bytes: event.data.as_ref().map_or(0, |data| data.bytes().len()),
            },
        }
    }
}
