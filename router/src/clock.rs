//! The only place that asks what time it is.

use std::time::Duration;

use event::Timestamp;

/// Returns the present, never before what it returned last on a machine whose clock only goes forward.
pub(crate) fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX))
}

/// A wait ends at least so often, so that a wall clock that was set, or a machine that slept, is noticed.
const SLEEP_MAX: Duration = Duration::from_secs(30);

/// Waits until an instant or a little less, or for ever if there is none: the caller looks at the clock again.
pub(crate) async fn sleep_until(instant: Option<Timestamp>) {
    match instant {
        Some(instant) => tokio::time::sleep(instant.since(now()).min(SLEEP_MAX)).await,
        None => std::future::pending().await,
    }
}
