//! The only place that asks what time it is.

use std::time::Duration;

use event::Timestamp;

/// Returns the present, never before what it returned last on a machine whose clock only goes forward.
pub(crate) fn now() -> Timestamp {
    #[cfg(feature = "simulation")]
    if let Some(now) = simulated::now() {
        return now;
    }
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX))
}

/// A wall clock that goes with the runtime's own time, for simulations. Each thread has its own.
#[cfg(feature = "simulation")]
pub(crate) mod simulated {
    use std::cell::Cell;

    use event::Timestamp;
    use tokio::time::Instant;

    thread_local! {
        static SET: Cell<Option<(Instant, Timestamp)>> = const { Cell::new(None) };
    }

    /// Sets the clock.
    pub(crate) fn set(now: Timestamp) {
        SET.set(Some((Instant::now(), now)));
    }

    /// Returns the present, if the clock was set.
    pub(super) fn now() -> Option<Timestamp> {
        SET.get().map(|(at, now)| now.after(at.elapsed()))
    }
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
