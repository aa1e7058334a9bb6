//! The single writer of a bus: reads what is durable, lets the core decide, and commits what follows.
//!
//! A turn gathers what one commit holds: decisions about new events, settlements of deliveries, orders, due timers, a
//! step of each replay. It is the only module that commits.
//!
//! Deliveries begin as soon as they are decided, and their turn ends within [`COMMIT_WITHIN`]: an event that is durable
//! is decided the same way when it is read again, so that a crash in between repeats deliveries and nothing else. An
//! event that was decided and delivered meanwhile is never queued on disk. Whatever somebody waits for ends its turn at
//! once, and happens after the commit: releases, dead letters, orders.
//!
//! * [`turn`]: what one commit changes, and what must follow it
//! * [`orders`]: what somebody asked for
//! * [`again`]: earlier events, for consumers that are new and for replays

mod again;
mod orders;
#[cfg(test)]
mod tests;
mod turn;

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use event::Timestamp;
use event::hop::Via;
use event::stored::Stored;
use store::{Position, ReadBudget};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::again::Replay;
use self::turn::Turn;
use crate::bus::Bus;
use crate::clock;
use crate::deliver::{Settled, Settlement};
use crate::orders::{ORDERS_MAX, Ordered};
use crate::router::Buses;
use crate::state::changes::SavedLedgers;

/// Settlements that wait for a commit. A worker that finds the queue full waits, and so delivers no faster than the disk
/// takes the outcomes.
pub(crate) const SETTLEMENTS_MAX: usize = 4_096;

/// How long a decision or a settlement may wait for its commit, if nothing else calls for one.
const COMMIT_WITHIN: Duration = Duration::from_millis(5);

/// Events read and decided at once, at most.
const STEP: ReadBudget = ReadBudget { events: 512, bytes: 4 << 20 };

/// Hops that deciding about one event makes, mostly.
const HOPS_EACH: usize = 3;

/// What comes to a pipeline from outside.
pub(crate) struct Inbox {
    pub(crate) settlements: mpsc::Receiver<Settlement>,
    pub(crate) orders: mpsc::Receiver<Ordered>,
}

/// A bus's pipeline.
pub(crate) struct Pipeline {
    bus: Arc<Bus>,
    /// The other buses, for replays.
    buses: Buses,
    inbox: Inbox,
    applied: Position,
    /// How far time has come in the log: that of the last event that was decided, or the present if it was the last one.
    read_until: Timestamp,
    saved: SavedLedgers,
    replays: Vec<Replay>,
    /// The consumers that have yet to be asked about earlier events, by their place on the bus.
    new: Vec<usize>,
    waiting: VecDeque<Settlement>,
    ordered: VecDeque<Ordered>,
    /// What the next commit holds so far.
    turn: Turn,
    /// When the next commit is due, if there is something to commit.
    due: Option<Timestamp>,
    /// Whether the store says yet in which form the state is.
    is_marked: bool,
}

impl Pipeline {
    /// Returns the pipeline of a bus, at the position that was committed last.
    pub(crate) fn new(bus: Arc<Bus>, buses: Buses, inbox: Inbox) -> Self {
        let applied = bus.partition().applied();
        let replays = again::resume(&bus);
        let new = bus.lanes().iter().filter(|lane| lane.standing().backfill.is_some());
        let new = new.map(|lane| lane.index).collect();
        Self {
            bus,
            buses,
            inbox,
            applied,
            read_until: Timestamp::EPOCH,
            saved: SavedLedgers::default(),
            replays,
            new,
            waiting: VecDeque::new(),
            ordered: VecDeque::new(),
            turn: Turn::default(),
            due: None,
            is_marked: false,
        }
    }

    /// Runs until told to stop, and once more to commit what the workers left; an error of the store ends it.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> Result<(), store::Error> {
        let mut head = self.bus.partition().watch();
        loop {
            let now = clock::now();
            let is_new = *head.borrow_and_update() > self.applied && self.bus.core().waits().is_none();
            let is_behind = is_new || self.is_due(now) || self.has_more(now);
            let wake = self.next_wake();
            tokio::select! {
                biased;
                () = stop.cancelled() => return self.finish().await,
                Some(order) = self.inbox.orders.recv(), if self.ordered.is_empty() => self.ordered.push_back(order),
                () = std::future::ready(()), if is_behind => {}
                // Those that come after the first wait in the queue until the commit.
                Some(settlement) = self.inbox.settlements.recv(), if self.due.is_none() => {
                    self.waiting.push_back(settlement);
                }
                changed = head.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                }
                () = clock::sleep_until(wake), if wake.is_some() => {}
            }
            self.go_on().await?;
        }
    }

    /// Takes what else has come meanwhile.
    fn collect(&mut self) {
        while self.waiting.len() < SETTLEMENTS_MAX
            && let Ok(settlement) = self.inbox.settlements.try_recv()
        {
            self.waiting.push_back(settlement);
        }
        while self.ordered.len() < ORDERS_MAX
            && let Ok(order) = self.inbox.orders.try_recv()
        {
            self.ordered.push_back(order);
        }
    }

    /// Returns when there is something to do if nothing comes.
    fn next_wake(&self) -> Option<Timestamp> {
        let replays = self.replays.iter().map(Replay::next);
        replays.chain(self.bus.core().next_wake()).chain(self.due).min()
    }

    /// Commits what the workers said before they ended; events that are not decided yet wait for the next start.
    async fn finish(mut self) -> Result<(), store::Error> {
        self.inbox.orders.close();
        loop {
            self.collect();
            let mut turn = mem::take(&mut self.turn);
            self.settle(&mut turn);
            self.commit(turn).await?;
            if self.waiting.is_empty() {
                match self.inbox.settlements.recv().await {
                    Some(settlement) => self.waiting.push_back(settlement),
                    None => return Ok(()),
                }
            }
        }
    }

    /// Decides about what is new, and commits if it is time.
    async fn go_on(&mut self) -> Result<(), store::Error> {
        let mut turn = mem::take(&mut self.turn);
        self.mark(&mut turn);
        let now = clock::now();
        let is_due = self.is_due(now) || !self.ordered.is_empty() || self.has_more(now);
        if is_due {
            // First, so that events that fill one turn after another hold up nobody.
            self.collect();
            self.settle(&mut turn);
            self.carry_out(&mut turn).await?;
        }
        let events = self.read().await?;
        self.decide(events, &mut turn);
        turn.dispatch(&self.bus);
        if !is_due && !turn.is_urgent() {
            let is_ahead = self.applied > self.bus.partition().applied()
                || !turn.changes.is_empty()
                || !self.waiting.is_empty();
            self.due = self.due.or_else(|| is_ahead.then(|| now.after(COMMIT_WITHIN)));
            self.turn = turn;
            return Ok(());
        }
        if !is_due {
            self.collect();
            self.settle(&mut turn);
        }
        self.look_back(&mut turn).await?;
        turn.dispatch(&self.bus);
        self.commit(turn).await?;
        let is_left = !self.waiting.is_empty() || !self.ordered.is_empty();
        self.due = is_left.then_some(now);
        Ok(())
    }

    /// Returns whether what was decided and settled must be committed. A clock that was set back puts off nothing.
    fn is_due(&self, now: Timestamp) -> bool {
        self.due.is_some_and(|due| due <= now || due.since(now) > COMMIT_WITHIN)
    }

    /// Reads the next events.
    async fn read(&mut self) -> Result<Vec<(Position, Bytes)>, store::Error> {
        let head = self.bus.partition().head();
        if head <= self.applied {
            return Ok(Vec::new());
        }
        let events = self.bus.partition().read(self.applied, STEP).await?;
        if events.is_empty() {
            // What lies between is gone from the log.
            self.applied = self.applied.max(head);
        }
        Ok(events)
    }

    /// Says in the first commit in which form the state is, and how consumers stand that are new.
    fn mark(&mut self, turn: &mut Turn) {
        if mem::replace(&mut self.is_marked, true) {
            return;
        }
        turn.changes.format();
        for lane in self.bus.lanes() {
            turn.changes.standing(&lane.consumer.name, &lane.standing());
        }
    }

    /// Applies the outcomes of deliveries.
    fn settle(&mut self, turn: &mut Turn) {
        let bus = Arc::clone(&self.bus);
        let mut core = bus.core();
        while !turn.is_full()
            && let Some(settlement) = self.waiting.pop_front()
        {
            let Settlement { consumer, position, was_tried, result, hops } = settlement;
            let receiver = &mut core.consumers_mut()[consumer];
            let lane = &bus.lanes()[consumer];
            turn.hops.extend(hops);
            match result {
                Settled::Failed(tried) => {
                    lane.tried(position, &tried);
                    turn.changes.tried(&receiver.name, position, &tried);
                }
                Settled::Stopped { tried, reason, opening } => {
                    lane.tried(position, &tried);
                    turn.changes.tried(&receiver.name, position, &tried);
                    // What was tried before somebody resumed it stops it no more.
                    if opening == lane.openings() {
                        turn.stand(lane, |standing| standing.stopped = Some(reason));
                    }
                }
                Settled::Delivered => {
                    receiver.ledger.delivered += 1;
                    turn.settled(lane, position, was_tried);
                }
                Settled::DeadLettered(given_up) => {
                    receiver.ledger.dead_lettered += 1;
                    turn.settled(lane, position, was_tried);
                    turn.give_up(lane, position, *given_up);
                }
            }
        }
    }

    /// Lets the core decide. Time is the log's: an event happens when it came into the log, and finds its groups as they
    /// are at that time, so that reading the log again comes to the same result. Groups that nothing comes for are
    /// completed after the events, as many as keep nobody waiting; only once all events are read by the wall clock.
    fn decide(&mut self, events: Vec<(Position, Bytes)>, turn: &mut Turn) {
        let bus = Arc::clone(&self.bus);
        let mut core = bus.core();
        turn.hops.reserve(events.len() * HOPS_EACH);
        for (position, bytes) in events {
            let stored = match Stored::decode(bytes) {
                Ok(stored) => stored,
                Err(error) => {
                    let (bus, position) = (bus.name(), position.0);
                    tracing::error!(bus, position, %error, "an event in the log cannot be read; skipped");
                    self.applied = Position(position);
                    continue;
                }
            };
            if core.must_wait(position.0, &stored) {
                // Nothing more is read meanwhile, so that the clock alone completes what is open.
                self.read_until = clock::now();
                break;
            }
            if turn.is_full() {
                break;
            }
            self.read_until = stored.logged;
            self.applied = position;
            if stored.via == Via::DeadLetter {
                turn.keep_letter(&bus, &mut core, position.0, stored);
            } else {
                turn.step(&bus, &mut core, position.0, stored);
            }
        }
        let is_read = self.applied >= bus.partition().head();
        if is_read {
            self.read_until = clock::now();
        }
        turn.wake(&bus, &mut core, self.applied, self.read_until);
    }

    /// Makes a turn durable, then does what waited for that.
    async fn commit(&mut self, mut turn: Turn) -> Result<(), store::Error> {
        turn.save_queues(&self.bus);
        {
            let mut core = self.bus.core();
            turn.changes.gathered(&mut core);
            turn.changes.ledgers(&core, &mut self.saved);
        }
        let changes = mem::take(&mut turn.changes);
        if changes.is_empty() && self.applied == self.bus.partition().applied() {
            turn.answer();
            return Ok(());
        }
        let committed = self.bus.partition().commit(changes.into_tx(self.applied)).await?;
        turn.carry_out(&self.bus, committed.emitted);
        Ok(())
    }
}
