//! The single writer of a bus: reads what is durable, lets the core decide, commits, and only then acts.
//!
//! One turn takes what has come since the last: settlements of deliveries, new events, due timers. All that follows from
//! them is one commit. It is the only module that commits.

use std::sync::Arc;

use event::hop::Via;
use event::stored::Stored;
use event::{Hop, Step, Timestamp};
use store::{Position, ReadBudget};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::bus::Bus;
use crate::clock;
use crate::core::{Action, Core, Decision};
use crate::deliver::{Settled, Settlement};
use crate::state::{Changes, DeadRecord, SavedLedgers};

/// Settlements that wait for a commit. A worker that finds the queue full waits, and so delivers no faster than the disk
/// takes the outcomes.
pub(crate) const SETTLEMENTS_MAX: usize = 4_096;

/// Events decided in one turn, at most.
const TURN: ReadBudget = ReadBudget { events: 512, bytes: 4 << 20 };
/// What one commit may change, about; past it a turn ends, and the next goes on with the events that are left.
const CHANGES_BYTES_MAX: usize = 16 << 20;

/// A bus's pipeline.
pub(crate) struct Pipeline {
    bus: Arc<Bus>,
    settlements: mpsc::Receiver<Settlement>,
    applied: Position,
    saved: SavedLedgers,
}

/// What one commit must be followed by.
#[derive(Default)]
struct Turn {
    changes: Changes,
    /// Consumer, position, event.
    deliveries: Vec<(usize, u64, Arc<Stored>)>,
    hops: Vec<Hop>,
    releases: Vec<Hop>,
}

impl Pipeline {
    /// Returns the pipeline of a bus, at the position that was committed last.
    pub(crate) fn new(bus: Arc<Bus>, settlements: mpsc::Receiver<Settlement>) -> Self {
        let applied = bus.partition().applied();
        Self { bus, settlements, applied, saved: SavedLedgers::default() }
    }

    /// Runs until told to stop, and once more to commit what the workers left; an error of the store ends it.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> Result<(), store::Error> {
        let mut head = self.bus.partition().watch();
        let mut waiting = Vec::new();
        loop {
            let behind = *head.borrow_and_update() > self.applied;
            let wake = self.bus.core().next_wake();
            tokio::select! {
                // A bus without consumers has nobody who could settle anything.
                _ = self.settlements.recv_many(&mut waiting, SETTLEMENTS_MAX), if !self.settlements.is_closed() => {}
                () = std::future::ready(()), if behind => {}
                changed = head.changed(), if !behind => {
                    if changed.is_err() {
                        return Ok(());
                    }
                }
                () = clock::sleep_until(wake), if !behind && wake.is_some() => {}
                () = stop.cancelled() => return self.finish(waiting).await,
            }
            while waiting.len() < SETTLEMENTS_MAX
                && let Ok(settlement) = self.settlements.try_recv()
            {
                waiting.push(settlement);
            }
            self.turn(&mut waiting).await?;
        }
    }

    /// Commits what the workers said before they ended; events that are not decided yet wait for the next start.
    async fn finish(mut self, mut waiting: Vec<Settlement>) -> Result<(), store::Error> {
        while let Some(settlement) = self.settlements.recv().await {
            waiting.push(settlement);
        }
        let mut turn = Turn::default();
        self.settle(&mut waiting, &mut turn);
        turn.changes.ledgers(&self.bus.core(), &mut self.saved);
        self.commit(turn).await
    }

    async fn turn(&mut self, waiting: &mut Vec<Settlement>) -> Result<(), store::Error> {
        let events = self.bus.partition().read(self.applied, TURN)?;
        let mut turn = Turn::default();
        self.settle(waiting, &mut turn);
        self.decide(events, &mut turn);
        self.commit(turn).await
    }

    /// Applies the outcomes of deliveries.
    fn settle(&self, waiting: &mut Vec<Settlement>, turn: &mut Turn) {
        let mut core = self.bus.core();
        for Settlement { consumer, position, result, hops } in waiting.drain(..) {
            let receiver = &mut core.consumers_mut()[consumer];
            turn.hops.extend(hops);
            match result {
                Settled::Failed(record) => turn.changes.tried(&receiver.name, position, &record),
                Settled::Delivered => {
                    receiver.ledger.delivered += 1;
                    receiver.pending -= 1;
                    turn.changes.settled(&receiver.name, position);
                }
                Settled::DeadLettered { reason, attempts } => {
                    receiver.ledger.dead_lettered += 1;
                    receiver.pending -= 1;
                    turn.changes.settled(&receiver.name, position);
                    let record = DeadRecord { reason, at: clock::now(), attempts };
                    turn.changes.dead(&receiver.name, position, &record);
                }
            }
        }
    }

    /// Lets the core decide. Time is the log's: an event happens when it was accepted, and a timer fires before the
    /// first event that was accepted after it, so that reading the log again comes to the same result. Only once all
    /// events are read does the wall clock count.
    fn decide(&mut self, events: Vec<(Position, bytes::Bytes)>, turn: &mut Turn) {
        let bus = Arc::clone(&self.bus);
        let mut core = bus.core();
        for (position, bytes) in events {
            let Ok(stored) = Stored::decode(bytes) else {
                tracing::error!(
                    bus = bus.name(),
                    position = position.0,
                    "an event in the log cannot be read; skipped"
                );
                self.applied = position;
                continue;
            };
            turn.wake(&mut core, self.applied, stored.received);
            if turn.is_full() {
                break;
            }
            self.applied = position;
            turn.step(&mut core, bus.name(), position.0, stored);
        }
        if self.applied >= bus.partition().head() {
            turn.wake(&mut core, self.applied, clock::now());
        }
        turn.changes.ledgers(&core, &mut self.saved);
    }

    /// Makes a turn durable, then does what it decided.
    async fn commit(&mut self, mut turn: Turn) -> Result<(), store::Error> {
        let changes = std::mem::take(&mut turn.changes);
        if changes.is_empty() && self.applied == self.bus.partition().applied() {
            return Ok(());
        }
        let committed = self.bus.partition().commit(changes.into_tx(self.applied)).await?;
        for (consumer, position, stored) in turn.deliveries {
            self.bus.lanes()[consumer].push(position, &stored);
        }
        for (hop, position) in turn.releases.iter_mut().zip(committed.emitted) {
            hop.position = position.0;
        }
        turn.hops.append(&mut turn.releases);
        self.bus.observer().record(turn.hops);
        Ok(())
    }
}

impl Turn {
    /// Completes the groups that are due by an instant, as far as one commit goes.
    fn wake(&mut self, core: &mut Core, position: Position, by: Timestamp) {
        while !self.is_full() && core.next_wake().is_some_and(|due| due <= by) {
            let decision = core.wake(by);
            self.apply(core, position.0, None, decision);
        }
    }

    /// Decides about one event.
    fn step(&mut self, core: &mut Core, bus: &str, position: u64, stored: Stored) {
        let began = clock::now();
        if stored.via != Via::Release {
            self.hops.push(received(bus, position, &stored, began));
        }
        let mut decision = core.step(stored.received, position, &stored);
        stamp(&mut decision, began, clock::now());
        self.apply(core, position, Some(&Arc::new(stored)), decision);
    }

    fn is_full(&self) -> bool {
        self.changes.bytes() > CHANGES_BYTES_MAX
    }

    /// Turns what the core decided into changes of the store, deliveries and hops.
    fn apply(&mut self, core: &Core, position: u64, stored: Option<&Arc<Stored>>, decision: Decision) {
        self.hops.extend(decision.hops);
        for action in decision.actions {
            self.act(core, position, stored, action);
        }
    }

    fn act(&mut self, core: &Core, position: u64, stored: Option<&Arc<Stored>>, action: Action) {
        let aggregation = |index: usize| core.aggregators()[index].name();
        match action {
            Action::Deliver { consumer } => {
                self.changes.queued(&core.consumers()[consumer].name, position);
                self.deliveries.extend(stored.map(|stored| (consumer, position, Arc::clone(stored))));
            }
            Action::Drop => {}
            Action::DeadLetter { consumer, reason } => {
                let record = DeadRecord { reason, at: clock::now(), attempts: Vec::new() };
                self.changes.dead(&core.consumers()[consumer].name, position, &record);
            }
            Action::SaveGroup { aggregation: index, group } => self.changes.group(aggregation(index), &group),
            Action::SavePart { aggregation: at, key, index, part } => {
                self.changes.part(aggregation(at), &key, index, &part);
            }
            Action::CloseGroup { aggregation: index, key, parts } => {
                self.changes.close(aggregation(index), &key, parts);
            }
            Action::RememberKey { aggregation: index, key, order } => {
                self.changes.released(aggregation(index), &key, order);
            }
            Action::ForgetKey { aggregation: index, key } => self.changes.forgotten(aggregation(index), &key),
            Action::Emit { release, hop } => {
                self.changes.emit(release.encode());
                self.releases.push(*hop);
            }
        }
    }
}

/// The first hop of an event: from its acceptance until it is durable and read. A release begins with its own.
fn received(bus: &str, position: u64, stored: &Stored, ended: Timestamp) -> Hop {
    let Stored { event, trace, .. } = stored;
    Hop {
        bus: bus.to_owned(),
        event: event.id.clone(),
        position,
        started: stored.received,
        ended,
        trace: trace.trace,
        span: trace.span,
        parent: trace.parent,
        sampled: trace.sampled,
        step: Step::Received {
            via: stored.via,
            source: event.source.clone(),
            r#type: event.kind.clone(),
            subject: event.subject.clone(),
            bytes: event.data.as_ref().map_or(0, |data| data.bytes().len()),
        },
    }
}

/// Says when a decision was really made; the core knows only the log's time.
fn stamp(decision: &mut Decision, began: Timestamp, ended: Timestamp) {
    for hop in &mut decision.hops {
        hop.started = began;
        hop.ended = ended;
    }
}
