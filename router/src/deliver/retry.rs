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
    /// Give up, for this reason.
    GiveUp(String),
}

/// Decides what follows failed attempt number `attempt`. `draw` is a random number from 0 to 1.
pub(crate) fn after(
    retry: &Retry,
    failure: &Failure,
    attempt: u32,
    received: Timestamp,
    (now, draw): (Timestamp, f64),
) -> Sequel {
    let asked = match failure.class {
        Class::Permanent => return Sequel::GiveUp(format!("the target refused it: {}", failure.error)),
        Class::Retired => return Sequel::GiveUp(format!("the target is gone for good: {}", failure.error)),
        Class::Retryable => None,
        Class::Throttled { after } => after,
    };
    if attempt > retry.attempts {
        return Sequel::GiveUp(format!("{attempt} attempts failed, the last with: {}", failure.error));
    }
    let at = now.after(asked.unwrap_or_default().max(backoff(retry, attempt, draw)));
    if at.since(received) > retry.max_age {
        let age = retry.max_age.as_secs();
        return Sequel::GiveUp(format!(
            "older than {age} s at the next attempt, the last failed with: {}",
            failure.error
        ));
    }
    Sequel::Again(at)
}

/// Returns a wait between nothing and the bound, which doubles with every attempt.
fn backoff(retry: &Retry, attempt: u32, draw: f64) -> Duration {
    let factor = 2_u32.saturating_pow(attempt.saturating_sub(1).min(31));
    retry.interval.saturating_mul(factor).min(retry.interval_max).mul_f64(draw.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry = Retry {
        attempts: 3,
        max_age: Duration::from_mins(1),
        interval: Duration::from_secs(1),
        interval_max: Duration::from_secs(5),
    };

    fn check(class: Class, attempt: u32, now_s: i64, expected: Result<i64, &str>) {
        let failure = Failure { class, status: None, error: "no".to_owned() };
        let now = Timestamp::from_millis(now_s * 1_000);
        match (after(&RETRY, &failure, attempt, Timestamp::EPOCH, (now, 1.0)), expected) {
            (Sequel::Again(at), Ok(seconds)) => assert_eq!(at, Timestamp::from_millis(seconds * 1_000)),
            (Sequel::GiveUp(reason), Err(start)) => assert!(reason.starts_with(start), "{reason}"),
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
    fn a_target_that_asks_for_time_gets_it() {
        check(Class::Throttled { after: Some(Duration::from_secs(30)) }, 1, 10, Ok(40));
        check(Class::Throttled { after: None }, 1, 10, Ok(11));
    }

    #[test]
    fn limits_end_it() {
        check(Class::Retryable, 4, 10, Err("4 attempts failed"));
        check(Class::Retryable, 1, 60, Err("older than 60 s"));
        check(Class::Permanent, 1, 0, Err("the target refused it"));
        check(Class::Retired, 1, 0, Err("the target is gone"));
    }
}
