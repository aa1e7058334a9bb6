//! When to try again: exponential backoff with full jitter, until a limit.

use std::time::Duration;

use event::Timestamp;

use super::targets::{Class, Failure};
use crate::config::Retry;

/// What follows a failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sequel {
    /// Try again then.
    Again(Timestamp),
    /// Try nothing more of this consumer until somebody resumes it.
    Stop(String),
    /// Give up.
    GiveUp {
        /// Why, in words.
        reason: String,
        /// The limit that was reached, as EventBridge names it; none for a refusal.
        exhausted: Option<&'static str>,
    },
}

/// A failed attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed<'a> {
    /// Why.
    pub(crate) failure: &'a Failure,
    /// 1 for the first.
    pub(crate) attempt: u32,
    /// When the first attempt began.
    pub(crate) first: Timestamp,
    /// When this one ended.
    pub(crate) ended: Timestamp,
}

/// Decides what follows a failed attempt. `draw` is a random number from 0 to 1.
pub(crate) fn after(retry: &Retry, failed: &Failed<'_>, draw: f64) -> Sequel {
    let Failed { failure, attempt, first, ended } = *failed;
    let error = &failure.error;
    let give_up = |reason, exhausted| Sequel::GiveUp { reason, exhausted };
    let asked = match failure.class {
        Class::Permanent => return give_up(format!("the target refused it: {error}"), None),
        Class::Retired => return Sequel::Stop(format!("the target is gone for good: {error}")),
        Class::Retryable => None,
        Class::Throttled { after } => after,
    };
    if attempt > retry.attempts {
        let reason = format!("{attempt} attempts failed, the last with: {error}");
        return give_up(reason, Some("MaximumRetryAttempts"));
    }
    let at = ended.after(asked.unwrap_or_default().max(backoff(retry, attempt, draw)));
    if at.since(first) > retry.max_age {
        let age = retry.max_age.as_secs();
        let reason =
            format!("the next attempt would be over {age} s after the first; the last failed with: {error}");
        return give_up(reason, Some("MaximumEventAgeInSeconds"));
    }
    Sequel::Again(at)
}

/// Returns a wait between nothing and the bound, which grows with every attempt.
fn backoff(retry: &Retry, attempt: u32, draw: f64) -> Duration {
    let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
    let bound = retry.interval.as_secs_f64() * retry.backoff_rate.powi(exponent);
    let bound = Duration::try_from_secs_f64(bound).unwrap_or(Duration::MAX).min(retry.interval_max);
    bound.mul_f64(draw.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry = Retry {
        attempts: 3,
        max_age: Duration::from_mins(1),
        interval: Duration::from_secs(1),
        backoff_rate: 2.0,
        interval_max: Duration::from_secs(5),
    };

    fn check(class: Class, attempt: u32, ended_s: i64, expected: Result<i64, &str>) {
        let failure = &Failure { class, status: None, error: "no".to_owned() };
        let ended = Timestamp::from_millis(ended_s * 1_000);
        let failed = Failed { failure, attempt, first: Timestamp::EPOCH, ended };
        match (after(&RETRY, &failed, 1.0), expected) {
            (Sequel::Again(at), Ok(seconds)) => assert_eq!(at, Timestamp::from_millis(seconds * 1_000)),
            (Sequel::GiveUp { reason, .. } | Sequel::Stop(reason), Err(start)) => {
                assert!(reason.starts_with(start), "{reason}");
            }
            (sequel, expected) => panic!("{sequel:?} where {expected:?} was expected"),
        }
    }

    #[test]
    fn waits_double_up_to_the_bound() {
        check(Class::Retryable, 1, 10, Ok(11));
        check(Class::Retryable, 2, 10, Ok(12));
        check(Class::Retryable, 3, 10, Ok(14));
    }

    #[test]
    fn a_backoff_that_no_clock_can_tell_is_the_longest() {
        let retry = Retry { backoff_rate: 1e300, ..RETRY };
        assert_eq!(backoff(&retry, u32::MAX, 1.0), RETRY.interval_max);
    }

    #[test]
    fn a_target_that_asks_for_time_gets_it() {
        check(Class::Throttled { after: Some(Duration::from_secs(30)) }, 1, 10, Ok(40));
        check(Class::Throttled { after: None }, 1, 10, Ok(11));
    }

    #[test]
    fn limits_end_it() {
        check(Class::Retryable, 4, 10, Err("4 attempts failed"));
        check(Class::Retryable, 1, 60, Err("the next attempt would be over 60 s after the first"));
        check(Class::Permanent, 1, 0, Err("the target refused it"));
        check(Class::Retired, 1, 0, Err("the target is gone"));
    }
}
