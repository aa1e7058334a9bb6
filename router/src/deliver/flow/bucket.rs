//! [`Bucket`]: a token bucket that is refilled when it is looked at.

use std::time::Duration;

use event::Timestamp;

use super::Permit;

/// What is missing to a whole token after as much time as one takes, for floating point.
const EPSILON: f64 = 1e-6;
/// The slowest rate, in events a second. A slower one would be a wait that nobody can tell from a halt.
const PER_SECOND_MIN: f64 = 1e-4;

/// Tokens, one an event. Who takes more than there are leaves a debt.
#[derive(Debug)]
pub(crate) struct Bucket {
    per_second: f64,
    burst: f64,
    tokens: f64,
    /// Tokens that were lost since some were taken, because the bucket was full.
    spilled: f64,
    /// When the tokens were counted.
    at: Option<Timestamp>,
}

impl Bucket {
    /// Returns a full bucket.
    pub(crate) fn new(per_second: f64, burst: f64) -> Self {
        let (per_second, burst) = (per_second.max(PER_SECOND_MIN), burst.max(1.0));
        Self { per_second, burst, tokens: burst, spilled: 0.0, at: None }
    }

    /// Sets another rate from now on; no more tokens stay than the burst allows.
    pub(crate) fn set(&mut self, now: Timestamp, per_second: f64, burst: f64) {
        self.refill(now);
        self.per_second = per_second.max(PER_SECOND_MIN);
        self.burst = burst.max(1.0);
        self.tokens = self.tokens.min(self.burst);
    }

    /// Returns the rate in tokens a second.
    pub(crate) fn per_second(&self) -> f64 {
        self.per_second
    }

    /// Says how many tokens there are, or when there will be one.
    pub(crate) fn permit(&mut self, now: Timestamp) -> Permit {
        self.refill(now);
        let tokens = self.tokens + EPSILON;
        if tokens >= 1.0 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a cast from a float saturates"
            )]
            return Permit::Now(tokens as u32);
        }
        let missing = Duration::try_from_secs_f64((1.0 - self.tokens) / self.per_second);
        // A wait is at least as long as a clock can tell.
        let wait = missing.unwrap_or(Duration::MAX).saturating_add(Duration::from_nanos(999));
        Permit::At(now.after(wait.max(Duration::from_micros(1))))
    }

    /// Takes tokens; says whether they were waited for: none is left, and hardly one was lost since the last were taken.
    pub(crate) fn take(&mut self, now: Timestamp, tokens: u32) -> bool {
        self.refill(now);
        self.tokens -= f64::from(tokens);
        let spilled = std::mem::take(&mut self.spilled);
        self.tokens < 1.0 && spilled < 1.0
    }

    /// Throws away what tokens there were when they were last counted.
    pub(crate) fn drain(&mut self) {
        self.tokens = self.tokens.min(0.0);
    }

    fn refill(&mut self, now: Timestamp) {
        // A clock that was set back adds nothing, and nothing is lost but the time until it was.
        let since = self.at.map_or(Duration::ZERO, |at| now.since(at));
        let tokens = self.tokens + since.as_secs_f64() * self.per_second;
        self.tokens = tokens.min(self.burst);
        self.spilled += tokens - self.tokens;
        self.at = Some(now);
    }
}
