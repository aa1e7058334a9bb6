//! [`Slowdown`]: how fast a target gets events that throttles.
//!
//! A throttled answer sets the rate to a fraction ([`FALL`]) of what the target admitted in the last second. From there
//! it climbs back, ever more slowly, to what was admitted then, and from there on ever faster, so that it stays long
//! where the limit was, and finds it soon where it has moved. What a climb takes depends on the rate, because what a
//! slow target shows in a second is little: about so many events ([`CLIMB_EVENTS`]), and some seconds at least. Time
//! in which fewer events came than allowed is no climb.

use std::time::Duration;

use event::Timestamp;

use super::bucket::Bucket;
use super::meter::Meter;

/// What is left of the rate that was admitted, after a throttled answer.
const FALL: f64 = 0.9;
/// How long the climb takes to where the rate fell from, counted in events.
const CLIMB_EVENTS: f64 = 20.0;
/// How long that takes at least, in seconds.
const CLIMB_S_MIN: f64 = 3.0;
/// How long that takes at most, in seconds.
const CLIMB_S_MAX: f64 = 25.0;
/// How the climb gets faster beyond: after the same time again the rate is this power of e times the ceiling.
const HASTE: f64 = 0.3;
/// The progress at which the limit is taken to have moved; from there on the rate doubles and doubles.
const PROGRESS_SEARCH: f64 = 2.0;
/// How long a doubling takes, counted in events.
const DOUBLING_EVENTS: f64 = 5.0;
/// How long a doubling takes at least, in seconds.
const DOUBLING_S_MIN: f64 = 1.0;
/// How long a doubling takes at most, in seconds.
const DOUBLING_S_MAX: f64 = 10.0;
/// How many times the ceiling the rate gets before the limit is taken to be gone.
const GONE: f64 = 100.0;
/// The lowest rate, in events a second.
const PER_SECOND_MIN: f64 = 0.1;
/// The rate for a target that has not admitted anything yet, in events a second.
const PER_SECOND_FIRST: f64 = 1.0;
/// How many seconds' worth may go at once, so that a worker that wakes late keeps the rate.
const BURST_S: f64 = 0.05;
/// How long a slow-down stays that holds nothing back.
const IDLE: Duration = Duration::from_mins(1);
/// What one answer counts for a climb at most, in seconds, or the time of two events where that is more.
const STEP_S_MAX: f64 = 1.0;

/// A rate that follows a target's limit.
#[derive(Debug)]
pub(crate) struct Slowdown {
    pub(crate) bucket: Bucket,
    /// The rate at which the target throttled last.
    ceiling: f64,
    /// How far the climb is: 1 at the ceiling.
    progress: f64,
    /// When it last throttled.
    throttled: Timestamp,
    /// When it last climbed.
    climbed: Timestamp,
    /// When it last held something back.
    busy: Timestamp,
}

impl Slowdown {
    /// Returns the slow-down that follows from the first throttled answer.
    pub(crate) fn new(now: Timestamp, admitted: &Meter) -> Self {
        let measured = admitted.per_second(now, f64::INFINITY, now);
        let ceiling = if measured > 0.0 { measured } else { PER_SECOND_FIRST };
        let mut slowdown = Self {
            bucket: Bucket::new(ceiling, 1.0),
            ceiling,
            progress: 0.0,
            throttled: now,
            climbed: now,
            busy: now,
        };
        slowdown.fall(now, ceiling * FALL);
        // What came in one burst says little about the limit.
        slowdown.progress = PROGRESS_SEARCH;
        slowdown
    }

    /// Returns the rate in events a second.
    pub(crate) fn per_second(&self) -> f64 {
        self.bucket.per_second()
    }

    /// Says whether it still holds anything back.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        now.since(self.busy) < IDLE && self.per_second() < self.ceiling * GONE
    }

    /// Takes what an attempt needs.
    pub(crate) fn take(&mut self, now: Timestamp, events: u32) {
        if self.bucket.take(now, events) {
            self.busy = now;
        }
    }

    /// Falls after a throttled answer to an attempt that began then.
    pub(crate) fn throttled(&mut self, now: Timestamp, began: Timestamp, admitted: &Meter) {
        // Answers to what began before it fell say nothing new.
        if began > self.throttled {
            let rate = self.per_second();
            let measured = admitted.per_second(now, rate, self.throttled);
            self.fall(now, if measured > 0.0 { rate.min(measured * FALL) } else { rate / 2.0 });
        }
    }

    /// Climbs a little after a success.
    pub(crate) fn climb(&mut self, now: Timestamp) {
        let rate = self.per_second();
        let lately = STEP_S_MAX.max(2.0 / rate);
        let step = now.since(self.climbed).as_secs_f64().min(lately);
        self.climbed = now;
        if now.since(self.busy).as_secs_f64() > lately {
            return;
        }
        if self.progress >= PROGRESS_SEARCH {
            let doubling = (DOUBLING_EVENTS / rate).clamp(DOUBLING_S_MIN, DOUBLING_S_MAX);
            self.set(now, rate * (step / doubling).exp2());
            return;
        }
        self.progress += step / (CLIMB_EVENTS / rate).clamp(CLIMB_S_MIN, CLIMB_S_MAX);
        let from_ceiling = self.progress - 1.0;
        let factor = if from_ceiling < 0.0 {
            1.0 + (1.0 - FALL) * from_ceiling.powi(3)
        } else {
            (HASTE * from_ceiling.powi(2)).exp()
        };
        self.set(now, self.ceiling * factor);
    }

    fn fall(&mut self, now: Timestamp, per_second: f64) {
        let per_second = per_second.max(PER_SECOND_MIN);
        self.ceiling = per_second / FALL;
        self.progress = 0.0;
        (self.throttled, self.climbed, self.busy) = (now, now, now);
        self.set(now, per_second);
        self.bucket.drain();
    }

    fn set(&mut self, now: Timestamp, per_second: f64) {
        self.bucket.set(now, per_second, per_second * BURST_S);
    }
}
