//! The clock of the measurements: the CPU time of the thread, so that what else runs on the machine counts little.

#![expect(clippy::cast_precision_loss, reason = "counts of events are far below 2^53")]

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Returns what some work gave, and the CPU time it took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = now();
    let result = work();
    (result, now().saturating_sub(began))
}

/// Returns the time in the middle, the lower one of two.
pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

/// Returns how many went by in a second.
pub(crate) fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let part = |number: i64| u64::try_from(number).unwrap_or_default();
    Duration::from_secs(part(time.tv_sec)) + Duration::from_nanos(part(time.tv_nsec))
}
