//! [`Stage`]: the core of one bus with a clock that is set by hand.

use std::collections::VecDeque;

use event::eventbridge::Identity;
use event::hop::Via;
use event::stored::Stored;
use event::{Event, SpanId, Timestamp, TraceContext, TraceId};

use crate::config::{Aggregation, Config};
use crate::core::{Action, Core, Decision};

/// Releases that follow from one another; past it a configuration is taken to go round for ever.
const ROUNDS_MAX: usize = 10_000;

/// The core of one bus with a clock that is set by hand.
pub(crate) struct Stage {
    core: Core,
    now: Timestamp,
    position: u64,
    /// Events that wait for room in an aggregation, and those behind them.
    waiting: VecDeque<Stored>,
}

/// Events go round for ever.
#[derive(Debug, thiserror::Error)]
#[error("more than {ROUNDS_MAX} releases follow from one another at {at}: events go round")]
pub(crate) struct GoesRound {
    at: Timestamp,
}

impl Stage {
    /// Returns the aggregations of a bus, with nothing gathered, at an instant.
    pub(crate) fn new(config: &Config, bus: &str, now: Timestamp) -> Self {
        let aggregations: Vec<_> = config.aggregations.iter().filter(|one| one.bus == bus).cloned().collect();
        Self::of(bus, config.identity.clone(), &aggregations, now)
    }

    /// Returns these aggregations of a bus, with nothing gathered, at an instant.
    pub(crate) fn of(bus: &str, identity: Identity, aggregations: &[Aggregation], now: Timestamp) -> Self {
        let core = Core::of_aggregations(bus, identity, aggregations);
        Self { core, now, position: 0, waiting: VecDeque::new() }
    }

    /// Returns the core, to look at what it holds.
    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    /// Returns the time.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Lets time pass until something is due, and returns what is decided then; none once it is the instant given.
    pub(crate) fn wake(&mut self, until: Timestamp) -> Option<Decision> {
        let due = self.core.next_wake().filter(|due| *due <= until);
        self.now = self.now.max(due.unwrap_or(until));
        due.map(|_| self.core.wake(self.now))
    }

    /// Returns whether the bus waits for room before it takes an event.
    pub(crate) fn must_wait(&mut self, stored: &Stored) -> bool {
        self.core.must_wait(self.position + 1, stored)
    }

    /// Decides about an event as a log has it.
    pub(crate) fn decide(&mut self, stored: &Stored) -> Decision {
        self.position += 1;
        self.core.step(self.now, self.position, stored)
    }

    /// Lets time pass: what is due happens at its own time. Returns the releases.
    pub(crate) fn pass(&mut self, until: Timestamp) -> Result<Vec<Stored>, GoesRound> {
        let mut released = Vec::new();
        while let Some(decision) = self.wake(until) {
            self.carry_out(decision.actions, &mut released)?;
            self.go_on(&mut released)?;
        }
        Ok(released)
    }

    /// Takes an event that is published now. Returns the releases.
    pub(crate) fn publish(&mut self, event: Event) -> Result<Vec<Stored>, GoesRound> {
        let trace =
            TraceContext { trace: TraceId([1; 16]), span: SpanId([1; 8]), parent: None, sampled: false };
        self.take(&Stored::new(self.now, Via::HttpStructured, trace, event))
    }

    /// Takes an event as a log has it. Returns the releases.
    pub(crate) fn take(&mut self, stored: &Stored) -> Result<Vec<Stored>, GoesRound> {
        let mut released = Vec::new();
        self.waiting.push_back(stored.clone());
        self.go_on(&mut released)?;
        Ok(released)
    }

    /// Decides about the events that wait, up to one for which there is no room.
    fn go_on(&mut self, released: &mut Vec<Stored>) -> Result<(), GoesRound> {
        while let Some(stored) = self.waiting.pop_front() {
            if self.must_wait(&stored) {
                self.waiting.push_front(stored);
                return Ok(());
            }
            let actions = self.decide(&stored).actions;
            self.carry_out(actions, released)?;
        }
        Ok(())
    }

    /// Puts releases on the bus, and what follows from them.
    fn carry_out(&mut self, actions: Vec<Action>, released: &mut Vec<Stored>) -> Result<(), GoesRound> {
        let emitted = |actions: Vec<Action>| {
            actions.into_iter().filter_map(|action| match action {
                Action::Emit { release, .. } => Some(*release),
                _ => None,
            })
        };
        let mut next: Vec<Stored> = emitted(actions).collect();
        let mut rounds = 0;
        while !next.is_empty() {
            rounds += next.len();
            if rounds > ROUNDS_MAX {
                return Err(GoesRound { at: self.now });
            }
            let mut following = Vec::new();
            for release in next {
                following.extend(emitted(self.decide(&release).actions));
                released.push(release);
            }
            next = following;
        }
        Ok(())
    }
}
