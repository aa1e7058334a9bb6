//! The only place that asks what time it is.

use event::Timestamp;

/// Returns the present, never before what it returned last on a machine whose clock only goes forward.
pub(crate) fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX))
}

/// Waits until an instant, or for ever if there is none.
pub(crate) async fn sleep_until(instant: Option<Timestamp>) {
    match instant {
        Some(instant) => tokio::time::sleep(instant.since(now())).await,
        None => std::future::pending().await,
    }
}
