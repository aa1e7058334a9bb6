//! [`Flow`]: when a target may be tried, and how much of it at once.
//!
//! Three things hold a target's events back, and the strictest counts:
//! * its configured rate, a token bucket;
//! * a slow-down, while the target throttles: the rate falls below what it admitted lately, and climbs again until the
//!   next throttled answer, so that it settles around what the target bears;
//! * a gate, shut for as long as the target asked ([`HOLD_MAX`] at most) or, when it fails and fails, for a cool-down
//!   that doubles from one vain probe to the next ([`COOL_DOWN_MAX`] at most). A shut gate opens for one probe at a
//!   time, and only an answer to a probe opens it for all.
//!
//! Time and chance come in as arguments. A clock that is set back makes no wait longer than the longest.

mod bucket;
mod gate;
mod meter;
mod slowdown;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use event::Timestamp;

use self::bucket::Bucket;
use self::gate::{Cause, Gate, Passage};
use self::meter::Meter;
use self::slowdown::Slowdown;
use crate::config::Rate;

/// How long a target may hold its events back in one answer; then it is probed.
pub(crate) const HOLD_MAX: Duration = Duration::from_mins(1);
/// The first cool-down: between half of this and all of it.
pub(crate) const COOL_DOWN_FIRST: Duration = Duration::from_secs(2);
/// The longest cool-down.
pub(crate) const COOL_DOWN_MAX: Duration = Duration::from_mins(1);

/// What a target's owner asks for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    /// The most that the target may get; none for no limit.
    pub(crate) rate: Option<Rate>,
}

/// When to start attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permit {
    /// Now, with so many events, in one attempt or several.
    Now(u32),
    /// Not before that instant.
    At(Timestamp),
    /// Not before the probe under way has ended.
    AfterProbe,
}

/// An attempt under way, for its own ending.
#[must_use = "an attempt that starts has to end, or a probe never does"]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Started {
    /// How often the gate had been shut or probed.
    turn: u32,
    at: Timestamp,
}

/// How an attempt ended, or some of its events did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The target took them.
    Succeeded,
    /// The target has too much to do.
    Throttled {
        /// For how long it asks to be left alone.
        after: Option<Duration>,
    },
    /// The target is not there, not in time, or not well.
    Failed,
    /// The target is there and will never take them.
    Refused,
}

/// The ending of an attempt. One that ended in several ways has one of these for each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) started: Started,
    pub(crate) ending: Ending,
    /// How many events ended like this.
    pub(crate) events: u32,
}

/// What a person should know about a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum State {
    /// Nothing but its configured rate holds it back.
    Closed,
    /// It fails, and is not tried before that instant.
    Open {
        /// When it is probed.
        until: Timestamp,
        /// How many attempts failed.
        failures: u32,
    },
    /// The next attempt, or the one under way, says whether it is well again.
    Probing,
    /// It throttles, and gets so many events a second.
    Slowed {
        /// The rate now.
        per_second: f64,
    },
    /// It asked to be left alone until that instant.
    Held {
        /// When it is probed.
        until: Timestamp,
    },
}

/// When one target may be tried.
#[derive(Debug)]
pub(crate) struct Flow {
    /// The configured rate.
    bucket: Option<Bucket>,
    slowdown: Option<Slowdown>,
    /// What the target took lately.
    admitted: Meter,
    gate: Gate,
}

impl Flow {
    /// Returns the flow of a target that nothing is known about.
    pub(crate) fn new(settings: Settings) -> Self {
        let bucket = settings.rate.map(|rate| Bucket::new(rate.per_second, f64::from(rate.burst)));
        Self { bucket, slowdown: None, admitted: Meter::default(), gate: Gate::default() }
    }

    /// Says when the next attempt may start; never a promise for later.
    pub(crate) fn may_start(&mut self, now: Timestamp) -> Permit {
        self.slowdown = self.slowdown.take().filter(|slowdown| slowdown.is_live(now));
        let gate = match self.gate.passage(now) {
            Passage::Free => Permit::Now(u32::MAX),
            Passage::Probe => Permit::Now(1),
            Passage::ShutUntil(until) => Permit::At(until),
            Passage::Probing => Permit::AfterProbe,
        };
        let slow = self.slowdown.as_mut().map(|slowdown| &mut slowdown.bucket);
        let buckets = [self.bucket.as_mut(), slow];
        let permits = buckets.into_iter().flatten().map(|bucket| bucket.permit(now));
        permits.fold(gate, Permit::stricter)
    }

    /// Says whether the next attempt is a probe.
    pub(crate) fn is_probe_next(&self) -> bool {
        self.gate.cause().is_some()
    }

    /// Notes that an attempt with so many events starts, right before it does.
    pub(crate) fn started(&mut self, now: Timestamp, events: u32) -> Started {
        if let Some(bucket) = &mut self.bucket {
            bucket.take(now, events);
        }
        if let Some(slowdown) = &mut self.slowdown {
            slowdown.take(now, events);
        }
        Started { turn: self.gate.started(now), at: now }
    }

    /// Notes how an attempt ended. `draw` is a random number from 0 to 1, so that those who fail together do not come
    /// back together.
    pub(crate) fn ended(&mut self, now: Timestamp, ended: Ended, draw: f64) {
        let Ended { started, ending, events } = ended;
        match ending {
            Ending::Succeeded | Ending::Refused => {
                self.admitted.add(now, events);
                self.climb(now);
            }
            // A probe that came too early says how long to wait, and nothing about a rate.
            Ending::Throttled { after: Some(_) } if self.gate.is_probe(started.turn) => {}
            Ending::Throttled { .. } => self.slow_down(now, started.at),
            Ending::Failed => {}
        }
        self.gate.ended(now, started.turn, ending, draw);
    }

    /// Returns what a person should know.
    pub(crate) fn state(&self, now: Timestamp) -> State {
        match (self.gate.cause(), self.gate.shut_until(now)) {
            (Some(Cause::Failures { count, .. }), Some(until)) => State::Open { until, failures: count },
            (Some(Cause::Asked), Some(until)) => State::Held { until },
            (Some(_), None) => State::Probing,
            (None, _) => match self.slowdown.as_ref().filter(|slowdown| slowdown.is_live(now)) {
                Some(slowdown) => State::Slowed { per_second: slowdown.per_second() },
                None => State::Closed,
            },
        }
    }

    fn slow_down(&mut self, now: Timestamp, started: Timestamp) {
        match &mut self.slowdown {
            Some(slowdown) => slowdown.throttled(now, started, &self.admitted),
            None => self.slowdown = Some(Slowdown::new(now, &self.admitted)),
        }
    }

    /// Lets a slow-down get less, and ends it where the configured rate is the stricter.
    fn climb(&mut self, now: Timestamp) {
        let configured = self.bucket.as_ref().map(Bucket::per_second);
        if let Some(slowdown) = &mut self.slowdown {
            slowdown.climb(now);
            if configured.is_some_and(|configured| slowdown.per_second() >= configured) {
                self.slowdown = None;
            }
        }
    }
}

impl Permit {
    fn stricter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Now(one), Self::Now(another)) => Self::Now(one.min(another)),
            (Self::At(one), Self::At(another)) => Self::At(one.max(another)),
            (Self::AfterProbe, _) | (_, Self::AfterProbe) => Self::AfterProbe,
            (at @ Self::At(_), Self::Now(_)) | (Self::Now(_), at @ Self::At(_)) => at,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed"),
            Self::Open { until, failures } => {
                write!(f, "circuit open until {until} after {failures} failures")
            }
            Self::Probing => f.write_str("probing"),
            Self::Slowed { per_second } if *per_second < 10.0 => {
                write!(f, "slowed to {per_second:.1} a second")
            }
            Self::Slowed { per_second } => write!(f, "slowed to {per_second:.0} a second"),
            Self::Held { until } => write!(f, "held until {until} by the target"),
        }
    }
}
