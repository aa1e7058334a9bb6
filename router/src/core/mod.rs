//! Decides: one event in, actions and hops out.
//!
//! It is pure: no I/O, no clock, no randomness, no tasks. Time comes in as an argument, timers are data, and what should
//! happen comes out as [`Action`]s, which the pipeline carries out in one commit.
//!
//! # Layout
//! * [`action`]: what a decision asks the pipeline to do
//! * [`facts`]: one event, parsed at most once, as filters, gates and expressions see it
//! * [`rules`]: which consumers and aggregations an event concerns
//! * [`gate`]: the schema check for one consumer
//! * [`gather`]: events that belong together and arrive apart
//! * [`expression`]: keys and names out of an event's values
//! * [`ledger`]: the counters that must balance
//! * [`explain`]: why an event went where it went

pub(crate) mod action;
pub(crate) mod explain;
pub(crate) mod expression;
pub(crate) mod facts;
pub(crate) mod gate;
pub(crate) mod gather;
pub(crate) mod ledger;
pub(crate) mod rules;

use std::sync::Arc;

use event::eventbridge::Identity;
use event::hop::Via;
use event::stored::Stored;
use event::{Hop, SpanId, Step, Text, Timestamp};

pub(crate) use action::{Action, Decision, Discarded};
use facts::Facts;
use gate::Gate;
pub(crate) use gather::handle::HandleError;
use gather::{Aggregator, Site};
use ledger::ConsumerLedger;
use rules::Rules;

use crate::config::{Aggregation, Consumer};
use crate::state::record::Replayed;

/// Buses that an event may pass through, of this router and others; one that has stops as a dead letter, since it goes
/// round.
pub(crate) const HOPS_MAX: usize = 16;

/// What stands before an aggregation's name where its dead letters are among those of consumers.
pub(crate) const AGGREGATION: &str = "aggregation/";

/// Everything that decides about the events of one bus.
pub(crate) struct Core {
    bus: Text,
    identity: Arc<Identity>,
    rules: Rules,
    consumers: Vec<Receiver>,
    aggregators: Vec<Aggregator>,
    /// When the router started.
    started: Timestamp,
    /// What the next event waits for, if it does.
    waits: Option<String>,
}

/// A consumer as the core knows it.
pub(crate) struct Receiver {
    pub(crate) name: Text,
    pub(crate) gate: Option<Gate>,
    pub(crate) ledger: ConsumerLedger,
    /// The consumer whose dead letters it gets, instead of what a filter matches.
    pub(crate) letters_of: Option<String>,
}

/// A consumer's gate names a schema that the registry does not hold.
#[derive(Debug, thiserror::Error)]
#[error("consumer `{consumer}` accepts `{schema}`, which the schema folder does not hold")]
pub struct UnknownSchema {
    consumer: String,
    schema: String,
}

impl Core {
    /// Returns the core of one bus, with no groups open.
    pub(crate) fn new(
        bus: &str,
        identity: Identity,
        consumers: &[Consumer],
        aggregations: &[Aggregation],
        registry: &schemas::Registry,
    ) -> Result<Self, UnknownSchema> {
        let rules = Rules::new(consumers, aggregations);
        let consumers =
            consumers.iter().map(|consumer| Receiver::new(consumer, registry)).collect::<Result<_, _>>()?;
        Ok(Self::put_together(bus, identity, (rules, consumers), aggregations))
    }

    /// Returns a core that only gathers.
    pub(crate) fn of_aggregations(bus: &str, identity: Identity, aggregations: &[Aggregation]) -> Self {
        let rules = Rules::new(&[], aggregations);
        Self::put_together(bus, identity, (rules, Vec::new()), aggregations)
    }

    fn put_together(
        bus: &str,
        identity: Identity,
        (rules, consumers): (Rules, Vec<Receiver>),
        aggregations: &[Aggregation],
    ) -> Self {
        let aggregators = aggregations.iter().map(Aggregator::new).collect();
        let identity = Arc::new(identity);
        let started = Timestamp::EPOCH;
        Self { bus: bus.into(), identity, rules, consumers, aggregators, started, waits: None }
    }

    /// Returns the consumers in the order of the configuration.
    pub(crate) fn consumers(&self) -> &[Receiver] {
        &self.consumers
    }

    /// Returns the consumers, to settle or restore their ledgers.
    pub(crate) fn consumers_mut(&mut self) -> &mut [Receiver] {
        &mut self.consumers
    }

    /// Returns the aggregations in the order of the configuration.
    pub(crate) fn aggregators(&self) -> &[Aggregator] {
        &self.aggregators
    }

    /// Returns the aggregations, to restore their groups.
    pub(crate) fn aggregators_mut(&mut self) -> &mut [Aggregator] {
        &mut self.aggregators
    }

    /// Returns the filter of an aggregation; none means all events.
    pub(crate) fn aggregation_filter(&self, index: usize) -> Option<&pattern::Pattern> {
        self.rules.aggregation_filters().nth(index).flatten()
    }

    /// Takes note of when the router started: what was due before came late for that.
    pub(crate) fn start(&mut self, started: Timestamp) {
        self.started = started;
    }

    /// Returns what the next event waits for, if it does.
    pub(crate) fn waits(&self) -> Option<&str> {
        self.waits.as_deref()
    }

    /// Returns whether the next event must wait for room in an aggregation; everything after it waits as well.
    pub(crate) fn must_wait(&mut self, position: u64, stored: &Stored) -> bool {
        self.waits = None;
        if !self.aggregators.iter().any(Aggregator::may_wait) || stored.via == Via::DeadLetter {
            return false;
        }
        let identity = Arc::clone(&self.identity);
        let (facts, now) = (Facts::new(stored, position, &identity), stored.logged);
        let concerned = self.concerned(&facts);
        if passed(&stored.path) < HOPS_MAX {
            let mut concerned = concerned.aggregations.iter();
            self.waits = concerned
                .find_map(|(index, interest)| self.aggregators[*index].must_wait(now, interest, &facts));
        }
        self.waits.is_some()
    }

    /// Returns whether one of the aggregations put an event on the bus.
    pub(crate) fn made(&self, stored: &Stored) -> bool {
        self.aggregators.iter().any(|one| one.made(&self.bus, stored))
    }

    /// Returns whom an event concerns: one that is replayed for somebody nobody else, and a release not the aggregation
    /// that made it.
    fn concerned(&mut self, facts: &Facts<'_>) -> rules::Concerned {
        let mut concerned = self.rules.concerned(facts);
        if let Some(only) = only_for(facts.stored) {
            let aggregation = only.strip_prefix(AGGREGATION);
            concerned.consumers.retain(|index| *self.consumers[*index].name == *only);
            concerned.aggregations.retain(|index, _| aggregation == Some(&**self.aggregators[*index].name()));
        }
        let (bus, aggregators) = (&self.bus, &self.aggregators);
        concerned.aggregations.retain(|index, _| !aggregators[*index].made(bus, facts.stored));
        concerned
    }

    /// Does something to a group of an aggregation, by its place in the configuration.
    pub(crate) fn handle(
        &mut self,
        index: usize,
        (now, group): (Timestamp, &str),
        record: &api::HandlingRecord,
    ) -> Result<(u64, Decision), HandleError> {
        let mut decision = Decision::default();
        let started = self.started;
        let mut site = Site { bus: &self.bus, index, now, started, decision: &mut decision };
        let count = self.aggregators[index].handle(&mut site, group, record)?;
        // There may be room now.
        self.waits = None;
        Ok((count, decision))
    }

    /// Decides about one event.
    pub(crate) fn step(&mut self, now: Timestamp, position: u64, stored: &Stored) -> Decision {
        let mut decision = Decision { hops: Vec::with_capacity(2), ..Decision::default() };
        let identity = Arc::clone(&self.identity);
        let facts = Facts::new(stored, position, &identity);
        let concerned = self.concerned(&facts);
        decision.hops.push(self.hop(&facts, now, self.matched(&concerned)));
        let goes_round = passed(&stored.path) >= HOPS_MAX;
        for index in concerned.consumers {
            if goes_round {
                self.stop_loop(index, &facts, now, &mut decision);
            } else {
                self.route(index, &facts, now, &mut decision);
            }
        }
        for (index, interest) in concerned.aggregations {
            if goes_round {
                let step = self.aggregators[index].refuse();
                decision.hops.push(self.hop(&facts, now, step));
                continue;
            }
            let started = self.started;
            let mut site = Site { bus: &self.bus, index, now, started, decision: &mut decision };
            let steps = self.aggregators[index].offer(&mut site, &interest, &facts);
            decision.hops.extend(steps.into_iter().map(|step| self.hop(&facts, now, step)));
        }
        decision
    }

    /// Decides about an earlier event for one consumer alone, which began before the present.
    pub(crate) fn backfill(
        &mut self,
        index: usize,
        (now, position): (Timestamp, u64),
        stored: &Stored,
    ) -> Decision {
        let mut decision = Decision::default();
        let identity = Arc::clone(&self.identity);
        let facts = Facts::new(stored, position, &identity);
        let filter = self.rules.consumer_filters().nth(index).flatten();
        let holds = filter.is_none_or(|pattern| pattern.matches_fields(&facts.fields()).unwrap_or(false));
        if holds && only_for(stored).is_none() {
            self.route(index, &facts, now, &mut decision);
        }
        decision
    }

    /// Completes groups whose time has come, as many as fit one commit.
    pub(crate) fn wake(&mut self, now: Timestamp) -> Decision {
        // There may be room then.
        self.waits = None;
        let mut decision = Decision::default();
        for (index, aggregator) in self.aggregators.iter_mut().enumerate() {
            let started = self.started;
            aggregator.wake(&mut Site { bus: &self.bus, index, now, started, decision: &mut decision });
        }
        decision
    }

    /// Returns about how much must be saved of what is gathered, in bytes.
    pub(crate) fn unsaved(&self) -> usize {
        self.aggregators.iter().map(Aggregator::unsaved).sum()
    }

    /// Returns when [`Core::wake`] has something to do, if ever.
    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        self.aggregators.iter().filter_map(Aggregator::next_wake).min()
    }

    fn matched(&self, concerned: &rules::Concerned) -> Step {
        Step::Matched {
            consumers: concerned.consumers.iter().map(|index| self.consumers[*index].name.clone()).collect(),
            aggregations: concerned
                .aggregations
                .keys()
                .map(|index| Text::clone(self.aggregators[*index].name()))
                .collect(),
            evaluated: self.rules.len(),
        }
    }

    /// Decides what one consumer whose filter held gets.
    fn route(&mut self, index: usize, facts: &Facts<'_>, now: Timestamp, decision: &mut Decision) {
        let receiver = &mut self.consumers[index];
        receiver.ledger.matched += 1;
        let Some(gate) = &receiver.gate else {
            decision.actions.push(Action::Deliver { consumer: index });
            return;
        };
        let (action, step) = gate.ask(index, &receiver.name, facts);
        match &action {
            Action::Drop => receiver.ledger.dropped += 1,
            Action::DeadLetter { .. } => receiver.ledger.dead_lettered += 1,
            _ => {}
        }
        let refused = match &action {
            Action::DeadLetter { reason, .. } => Some(Step::DeadLettered {
                consumer: receiver.name.clone(),
                attempts: 0,
                reason: reason.clone(),
            }),
            _ => None,
        };
        decision.actions.push(action);
        decision.hops.push(self.hop(facts, now, step));
        decision.hops.extend(refused.map(|step| self.hop(facts, now, step)));
    }

    /// Ends the way of an event that passed through too many buses.
    fn stop_loop(&mut self, index: usize, facts: &Facts<'_>, now: Timestamp, decision: &mut Decision) {
        let receiver = &mut self.consumers[index];
        receiver.ledger.matched += 1;
        receiver.ledger.dead_lettered += 1;
        let way = facts.stored.path.replace(',', " > ");
        let reason = format!("it goes round: it passed through {HOPS_MAX} buses, {way}");
        let consumer = receiver.name.clone();
        let step = Step::DeadLettered { consumer, attempts: 0, reason: reason.clone() };
        decision.actions.push(Action::DeadLetter { consumer: index, reason });
        decision.hops.push(self.hop(facts, now, step));
    }

    fn hop(&self, facts: &Facts<'_>, now: Timestamp, step: Step) -> Hop {
        let trace = &facts.stored.trace;
        Hop {
            bus: self.bus.clone(),
            event: facts.stored.event.id.clone(),
            position: facts.position,
            started: now,
            ended: now,
            trace: trace.trace,
            span: derived_span(trace.span, &self.bus, &step),
            parent: Some(trace.span),
            sampled: trace.sampled,
            step,
        }
    }
}

impl Receiver {
    fn new(consumer: &Consumer, registry: &schemas::Registry) -> Result<Self, UnknownSchema> {
        let gate = consumer.gate.as_ref().map(|gate| {
            let unknown =
                || UnknownSchema { consumer: consumer.name.clone(), schema: gate.accept.to_string() };
            registry.resolve(&gate.accept).map(|schema| Gate::new(schema, gate.otherwise)).ok_or_else(unknown)
        });
        Ok(Self {
            name: consumer.name.as_str().into(),
            gate: gate.transpose()?,
            ledger: ConsumerLedger::default(),
            letters_of: consumer.letters_of.clone(),
        })
    }
}

/// Returns how many buses an event passed through before.
pub(crate) fn passed(path: &str) -> usize {
    if path.is_empty() { 0 } else { path.split(',').count() }
}

/// Returns the only consumer that a replayed event is for.
fn only_for(stored: &Stored) -> Option<String> {
    Replayed::of(stored)?.consumer
}

/// Returns a span id that follows from its parent and what the step is, so that the core needs no randomness.
pub(crate) fn derived_span(parent: SpanId, bus: &str, step: &Step) -> SpanId {
    let subject = match step {
        Step::Gated { consumer, .. }
        | Step::Attempted { consumer, .. }
        | Step::Delivered { consumer, .. }
        | Step::DeadLettered { consumer, .. } => consumer,
        Step::Offered { aggregation, .. } | Step::Released { aggregation, .. } => aggregation,
        Step::Received { .. } | Step::Matched { .. } => bus,
    };
    let seed = u64::from_be_bytes(parent.0);
    let mixed = step
        .name()
        .bytes()
        .chain([b'/'])
        .chain(subject.bytes())
        .fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(5));
    SpanId(mixed.max(1).to_be_bytes())
}
