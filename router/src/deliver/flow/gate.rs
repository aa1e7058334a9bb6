//! [`Gate`]: whether a target is tried at all.

use std::time::Duration;

use event::Timestamp;

use super::{COOL_DOWN_FIRST, COOL_DOWN_MAX, Ending, HOLD_MAX};

/// Failures with no success between after which the gate shuts.
const FAILURES_IN_A_ROW: u32 = 5;
/// Successes and failures that are looked back on; the gate shuts if more than half of as many are failures.
const HISTORY: u32 = 20;

/// Why a gate is shut.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cause {
    /// Attempts failed.
    Failures {
        /// How many.
        count: u32,
        /// How many probes in a row were among them.
        probes: u32,
    },
    /// The target asked for it.
    Asked,
}

/// What a gate lets pass.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Passage {
    /// Everything.
    Free,
    /// One attempt.
    Probe,
    /// Nothing before the probe has ended.
    Probing,
    /// Nothing before that instant.
    ShutUntil(Timestamp),
}

/// The gate before a target.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    position: Position,
    /// Goes up whenever the gate shuts or a probe starts: who started in another turn says nothing about this one.
    turn: u32,
}

#[derive(Debug)]
enum Position {
    Open(Record),
    Shut { until: Timestamp, cause: Cause },
    Probing { cause: Cause },
}

/// The latest endings.
#[derive(Debug, Default)]
struct Record {
    in_a_row: u32,
    /// One bit an ending, the latest lowest, 1 for a failure.
    failures: u32,
    /// How many endings those are.
    seen: u32,
}

impl Default for Position {
    fn default() -> Self {
        Self::Open(Record::default())
    }
}

impl Gate {
    /// Says what may pass.
    pub(crate) fn passage(&mut self, now: Timestamp) -> Passage {
        match &mut self.position {
            Position::Open(_) => Passage::Free,
            Position::Probing { .. } => Passage::Probing,
            Position::Shut { until, .. } => {
                *until = (*until).min(now.after(HOLD_MAX.max(COOL_DOWN_MAX)));
                if *until <= now { Passage::Probe } else { Passage::ShutUntil(*until) }
            }
        }
    }

    /// Notes that an attempt starts, and returns the turn it belongs to.
    pub(crate) fn started(&mut self, now: Timestamp) -> u32 {
        if let Position::Shut { until, cause } = self.position
            && until <= now
        {
            self.turn = self.turn.wrapping_add(1);
            self.position = Position::Probing { cause };
        }
        self.turn
    }

    /// Says whether an attempt of that turn is the probe under way.
    pub(crate) fn is_probe(&self, turn: u32) -> bool {
        turn == self.turn && matches!(self.position, Position::Probing { .. })
    }

    /// Notes how an attempt of that turn ended.
    pub(crate) fn ended(&mut self, now: Timestamp, turn: u32, ending: Ending, draw: f64) {
        let current = turn == self.turn;
        match (&mut self.position, ending) {
            // The answer to the probe decides, not those to what went before.
            (Position::Probing { .. }, _) if !current => {}
            (Position::Probing { cause }, Ending::Failed) => {
                let cause = cause.once_more();
                self.shut(now.after(cause.cool_down(draw)), cause);
            }
            (Position::Shut { until, .. }, Ending::Throttled { after: Some(after) }) => {
                *until = (*until).max(now.after(after.min(HOLD_MAX)));
            }
            (_, Ending::Throttled { after: Some(after) }) => {
                self.shut(now.after(after.min(HOLD_MAX)), Cause::Asked);
            }
            (Position::Probing { .. }, _) => self.position = Position::default(),
            (Position::Open(record), Ending::Succeeded) if current => record.add(false),
            (Position::Open(record), Ending::Failed) if current => {
                record.add(true);
                if let Some(count) = record.too_many() {
                    let cause = Cause::Failures { count, probes: 0 };
                    self.shut(now.after(cause.cool_down(draw)), cause);
                }
            }
            (Position::Open(_) | Position::Shut { .. }, _) => {}
        }
    }

    /// Returns why it is not open.
    pub(crate) fn cause(&self) -> Option<Cause> {
        match self.position {
            Position::Open(_) => None,
            Position::Shut { cause, .. } | Position::Probing { cause } => Some(cause),
        }
    }

    /// Returns until when nothing may pass.
    pub(crate) fn shut_until(&self, now: Timestamp) -> Option<Timestamp> {
        match self.position {
            Position::Shut { until, .. } => Some(until).filter(|until| *until > now),
            Position::Open(_) | Position::Probing { .. } => None,
        }
    }

    fn shut(&mut self, until: Timestamp, cause: Cause) {
        self.turn = self.turn.wrapping_add(1);
        self.position = Position::Shut { until, cause };
    }
}

impl Cause {
    /// Returns the cause after a probe that failed.
    fn once_more(self) -> Self {
        match self {
            Self::Failures { count, probes } => {
                Self::Failures { count: count.saturating_add(1), probes: probes.saturating_add(1) }
            }
            Self::Asked => Self::Failures { count: 1, probes: 0 },
        }
    }

    /// Returns between half of the bound and all of it; the bound doubles with every probe that failed.
    fn cool_down(self, draw: f64) -> Duration {
        let probes = match self {
            Self::Failures { probes, .. } => probes.min(16),
            Self::Asked => 0,
        };
        let bound = COOL_DOWN_FIRST.saturating_mul(1 << probes).min(COOL_DOWN_MAX);
        bound.mul_f64(f64::midpoint(1.0, draw.clamp(0.0, 1.0)))
    }
}

impl Record {
    fn add(&mut self, failed: bool) {
        self.in_a_row = if failed { self.in_a_row.saturating_add(1) } else { 0 };
        self.failures = (self.failures << 1 | u32::from(failed)) & ((1 << HISTORY) - 1);
        self.seen = self.seen.saturating_add(1);
    }

    /// Returns how many failures there were if they are too many.
    fn too_many(&self) -> Option<u32> {
        let failures = self.failures.count_ones();
        let most = self.seen >= HISTORY && failures > HISTORY / 2;
        if self.in_a_row >= FAILURES_IN_A_ROW { Some(self.in_a_row) } else { most.then_some(failures) }
    }
}
