//! [`Turn`]: what one commit changes, and what must follow it.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;

use event::hop::Via;
use event::stored::Stored;
use event::{Event, Hop, SpanId, Step, Text, Timestamp, TraceContext, TraceId};
use pattern::Pattern;
use store::{Position, Positions};
use tokio::sync::oneshot;

use crate::bus::Bus;
use crate::clock;
use crate::core::{AGGREGATION, Action, Core, Decision};
use crate::deliver::GivenUp;
use crate::deliver::lane::{Lane, Pending};
use crate::orders::OrderError;
use crate::state::changes::{Changes, json};
use crate::state::record::{Letter, Standing};

/// What one commit may change, about; past it a turn ends, and the next goes on with the events that are left.
const CHANGES_BYTES_MAX: usize = 16 << 20;
/// Hops that a turn may hold, about, before they are told.
const HOPS_TOLD_MAX: usize = 16_384;

/// An answer to an order, for when it is durable.
type Answer = (oneshot::Sender<Result<u64, OrderError>>, Result<u64, OrderError>);

/// What one commit must be followed by.
#[derive(Default)]
pub(super) struct Turn {
    pub(super) changes: Changes,
    /// What must be saved of groups, about, in bytes.
    gathered: usize,
    /// What the workers do not know of yet, by their consumers' places on the bus.
    deliveries: BTreeMap<usize, Vec<Pending>>,
    /// The same of dead letters that go again.
    redriven: BTreeMap<usize, Vec<Pending>>,
    pub(super) hops: Vec<Hop>,
    releases: Vec<Option<Hop>>,
    /// Lanes whose queues changed.
    queues: BTreeSet<usize>,
    /// Consumers whose dead letters changed.
    letters: BTreeSet<String>,
    /// How consumers stand that changed, by their place on the bus.
    standings: BTreeMap<usize, Standing>,
    /// Consumers that somebody resumed, by their place on the bus.
    resumed: BTreeSet<usize>,
    pub(super) answers: Vec<Answer>,
}

impl Turn {
    /// Returns whether one commit can take no more.
    pub(super) fn is_full(&self) -> bool {
        self.changes.bytes() + self.gathered > CHANGES_BYTES_MAX || self.hops.len() > HOPS_TOLD_MAX
    }

    /// Returns whether something must be committed now.
    pub(super) fn is_urgent(&self) -> bool {
        !self.releases.is_empty() || !self.standings.is_empty() || self.is_full()
    }

    /// Completes groups that are due by an instant: some of them, so that events need not wait for all.
    pub(super) fn wake(&mut self, bus: &Bus, core: &mut Core, position: Position, by: Timestamp) {
        if !self.is_full() && core.next_wake().is_some_and(|due| due <= by) {
            let decision = core.wake(by);
            self.apply(bus, core, (position.0, None), decision);
        }
    }

    /// Decides about one event.
    pub(super) fn step(&mut self, bus: &Bus, core: &mut Core, position: u64, stored: Stored) {
        let began = clock::now();
        if stored.via != Via::Release {
            self.hops.push(received(bus.text(), position, &stored, began));
        }
        let mut decision = core.step(stored.logged, position, &stored);
        stamp(&mut decision, began, clock::now());
        self.apply(bus, core, (position, Some(&Arc::new(stored))), decision);
    }

    /// Turns what the core decided into changes of the store, deliveries and hops.
    pub(super) fn apply(
        &mut self,
        bus: &Bus,
        core: &Core,
        (position, stored): (u64, Option<&Arc<Stored>>),
        decision: Decision,
    ) {
        self.gathered = core.unsaved();
        self.hops.extend(decision.hops);
        for action in decision.actions {
            self.act(bus, core, (position, stored), action);
        }
    }

    fn act(
        &mut self,
        bus: &Bus,
        core: &Core,
        (position, stored): (u64, Option<&Arc<Stored>>),
        action: Action,
    ) {
        match action {
            Action::Deliver { consumer } => self.queue(bus, consumer, position, stored.cloned()),
            Action::Drop | Action::Discard(_) => {}
            Action::DeadLetter { consumer, reason } => {
                let given_up = GivenUp::refused(stored.cloned(), reason);
                self.give_up(&bus.lanes()[consumer], position, given_up);
            }
            Action::RefusePart { aggregation, reason } => {
                let name = format!("{AGGREGATION}{}", core.aggregators()[aggregation].name());
                let given_up = GivenUp::refused(stored.cloned(), reason);
                self.write_letter((&name, core.aggregation_filter(aggregation)), position, given_up);
            }
            Action::Emit { release, hop } => self.emit(&release, Some(*hop)),
        }
    }

    /// Puts an event on the bus; its hop gets its position once it has one.
    pub(super) fn emit(&mut self, stored: &Stored, hop: Option<Hop>) {
        self.changes.emit(stored.encode());
        self.releases.push(hop);
    }

    /// Queues an event for a consumer, unless it is queued already.
    pub(super) fn queue(&mut self, bus: &Bus, consumer: usize, position: u64, stored: Option<Arc<Stored>>) {
        if self.enter(&bus.lanes()[consumer], position) {
            self.deliveries.entry(consumer).or_default().push((position, stored));
        }
    }

    /// Queues a dead letter for its consumer again. Its delivery waits for the commit: until then it is a dead letter.
    pub(super) fn redrive(&mut self, lane: &Lane, position: u64) {
        if self.enter(lane, position) {
            self.redriven.entry(lane.index).or_default().push((position, None));
        }
    }

    /// Adds a position to a queue that the commit saves. Returns false if it is there already.
    fn enter(&mut self, lane: &Lane, position: u64) -> bool {
        let is_new = lane.queue(position);
        if is_new {
            self.queues.insert(lane.index);
        }
        is_new
    }

    /// Gives the workers what was decided for them.
    pub(super) fn dispatch(&mut self, bus: &Bus) {
        give(bus, mem::take(&mut self.deliveries));
    }

    /// Takes a delivery off its consumer's queue.
    pub(super) fn settled(&mut self, lane: &Lane, position: u64, was_tried: bool) {
        lane.settle(position);
        self.queues.insert(lane.index);
        if was_tried {
            self.changes.not_tried(&lane.consumer.name, position);
        }
    }

    /// Writes a dead letter at the end of the log, with the event and all that is known of the attempts.
    pub(super) fn give_up(&mut self, lane: &Lane, position: u64, given_up: GivenUp) {
        self.write_letter((&lane.consumer.name, lane.consumer.filter.as_ref()), position, given_up);
    }

    fn write_letter(&mut self, (name, filter): (&str, Option<&Pattern>), position: u64, given_up: GivenUp) {
        let at = clock::now();
        let GivenUp { stored, reason, code, exhausted, attempts } = given_up;
        let earlier = stored.as_deref().and_then(Letter::of);
        // One that was redriven was queued from its letter's place.
        let redriven = earlier.as_ref().filter(|earlier| earlier.consumer == name);
        let letter = Letter {
            consumer: name.to_owned(),
            position: redriven.map_or(position, |earlier| earlier.position),
            reason,
            at,
            attempts,
            rule: filter.map_or_else(|| "all events".to_owned(), |filter| filter.text().to_owned()),
            code: code.to_owned(),
            exhausted: exhausted.map(str::to_owned),
            gone: stored.is_none() || earlier.as_ref().is_some_and(|earlier| earlier.gone),
        };
        let event = stored.map_or_else(|| gone(at), |stored| (*stored).clone());
        self.emit(&Stored { logged: at, via: Via::DeadLetter, note: Some(json(&letter)), ..event }, None);
    }

    /// Takes note of a dead letter that was read from the log, and sends it on where its consumer wants that.
    pub(super) fn keep_letter(&mut self, bus: &Bus, core: &mut Core, position: u64, stored: Stored) {
        let Some(letter) = Letter::of(&stored) else {
            tracing::error!(bus = bus.name(), position, "a dead letter in the log cannot be read; skipped");
            return;
        };
        self.add_letter(bus, &letter.consumer, position);
        let next = core.consumers().iter().position(|one| one.letters_of.as_ref() == Some(&letter.consumer));
        // One that was only carried on to the log's end was sent on before.
        if let Some(consumer) = next.filter(|_| letter.at == stored.logged) {
            core.consumers_mut()[consumer].ledger.matched += 1;
            self.queue(bus, consumer, position, Some(Arc::new(stored)));
        }
    }

    /// Adds a dead letter to its consumer's.
    pub(super) fn add_letter(&mut self, bus: &Bus, consumer: &str, position: u64) {
        bus.letters().entry(consumer.to_owned()).or_default().insert(position);
        self.letters.insert(consumer.to_owned());
    }

    /// Takes a dead letter from its consumer's. Returns false if it is not there.
    pub(super) fn take_letter(&mut self, bus: &Bus, consumer: &str, position: u64) -> bool {
        let taken = bus.letters().get_mut(consumer).is_some_and(|letters| letters.remove(position));
        if taken {
            self.letters.insert(consumer.to_owned());
        }
        taken
    }

    /// Changes how a consumer stands, after what this turn changed before.
    pub(super) fn stand(&mut self, lane: &Lane, change: impl FnOnce(&mut Standing)) {
        let standing = self.standings.entry(lane.index).or_insert_with(|| lane.standing());
        change(standing);
        self.changes.standing(&lane.consumer.name, standing);
    }

    /// Lets a consumer deliver again.
    pub(super) fn resume(&mut self, lane: &Lane) {
        self.resumed.insert(lane.index);
        self.stand(lane, |standing| {
            standing.paused = false;
            standing.stopped = None;
        });
    }

    /// Adds what changed of queues and dead letters to the commit.
    pub(super) fn save_queues(&mut self, bus: &Bus) {
        for index in mem::take(&mut self.queues) {
            let lane = &bus.lanes()[index];
            for chunk in lane.changes() {
                self.changes.pending(&lane.consumer.name, chunk);
            }
        }
        let mut letters = bus.letters();
        for consumer in mem::take(&mut self.letters) {
            let chunks = letters.get_mut(&consumer).map(crate::queue::Queue::changes).unwrap_or_default();
            for chunk in chunks {
                self.changes.letters(&consumer, chunk);
            }
        }
    }

    /// Does what was decided, now that it is durable.
    pub(super) fn carry_out(mut self, bus: &Bus, emitted: Positions) {
        for (index, standing) in mem::take(&mut self.standings) {
            bus.lanes()[index].set_standing(standing);
        }
        for index in mem::take(&mut self.resumed) {
            bus.lanes()[index].open();
        }
        give(bus, mem::take(&mut self.redriven));
        for (hop, position) in self.releases.drain(..).zip(emitted) {
            self.hops.extend(hop.map(|hop| Hop { position: position.0, ..hop }));
        }
        bus.observer().record(mem::take(&mut self.hops));
        self.answer();
    }

    /// Answers those who ordered something.
    pub(super) fn answer(self) {
        for (answer, result) in self.answers {
            // Who asked may be gone.
            drop(answer.send(result));
        }
    }
}

/// Gives each worker its deliveries.
fn give(bus: &Bus, deliveries: BTreeMap<usize, Vec<Pending>>) {
    for (consumer, pending) in deliveries {
        bus.lanes()[consumer].push(pending);
    }
}

/// Stands for an event that is gone from the log, and is never delivered to the consumer that did not get it.
fn gone(at: Timestamp) -> Stored {
    let trace = TraceContext {
        trace: TraceId(at.as_micros().unsigned_abs().to_be_bytes().repeat(2).try_into().unwrap_or([1; 16])),
        span: SpanId([1; 8]),
        parent: None,
        sampled: false,
    };
    Stored::new(at, Via::DeadLetter, trace, Event::new("gone", "/railpost", "railpost.gone"))
}

/// The first hop of an event: from its acceptance until it is durable and read. A release begins with its own.
fn received(bus: &Text, position: u64, stored: &Stored, ended: Timestamp) -> Hop {
    let Stored { event, trace, .. } = stored;
    Hop {
        bus: Text::clone(bus),
        event: event.id.clone(),
        position,
        started: stored.logged,
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
