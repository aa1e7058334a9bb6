//! [`Stage`]: the core of one bus with a clock that is set by hand.

use std::collections::VecDeque;

use event::hop::Via;
use event::stored::Stored;
use event::{Event, SpanId, Timestamp, TraceContext, TraceId};

use crate::config::Config;
use crate::core::{Action, Core};

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
        Self {
            core: Core::of_aggregations(bus, config.identity.clone(), &aggregations),
            now,
            position: 0,
            waiting: VecDeque::new(),
        }
    }

    /// Returns the core, to look at what it holds.
    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    /// Returns the time.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Lets time pass: what is due happens at its own time. Returns the releases.
    pub(crate) fn pass(&mut self, until: Timestamp) -> Result<Vec<Stored>, GoesRound> {
        let mut released = Vec::new();
        while let Some(due) = self.core.next_wake().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            let actions = self.core.wake(self.now).actions;
            self.carry_out(actions, &mut released)?;
            self.go_on(&mut released)?;
        }
        self.now = self.now.max(until);
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
            if self.core.must_wait(self.position + 1, &stored) {
                self.waiting.push_front(stored);
                return Ok(());
            }
            self.position += 1;
            let actions = self.core.step(self.now, self.position, &stored).actions;
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
                self.position += 1;
                following.extend(emitted(self.core.step(self.now, self.position, &release).actions));
                released.push(release);
            }
            next = following;
        }
        Ok(())
    }
}
