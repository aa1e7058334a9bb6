//! Rates and latencies over a short past.

use std::time::Duration;

use api::Latency;
use event::Timestamp;
use hdrhistogram::Histogram;

/// Seconds that a rate looks back.
const RATE_SECONDS: u8 = 10;
/// A latency looks back one to two of these.
const LATENCY_PERIOD: Duration = Duration::from_secs(30);
/// Latencies past an hour count as an hour.
const LATENCY_US_MAX: u64 = 3_600_000_000;

/// Counts in the last seconds.
#[derive(Default)]
struct Rate {
    counts: [u32; RATE_SECONDS as usize],
    second: i64,
}

/// What is measured of a bus.
#[derive(Default)]
pub(crate) struct BusMeter {
    received: Rate,
}

/// What is measured of a consumer.
#[derive(Default)]
pub(crate) struct ConsumerMeter {
    delivered: Rate,
    failed: Rate,
    failures: u64,
    last_error: Option<String>,
    latencies: Latencies,
}

struct Latencies {
    current: Histogram<u64>,
    previous: Histogram<u64>,
    since: Timestamp,
}

impl Rate {
    fn add(&mut self, now: Timestamp) {
        self.advance(now);
        self.counts[Self::slot(now.as_seconds())] += 1;
    }

    /// Returns events a second, the second under way left out.
    fn value(&self, now: Timestamp) -> f64 {
        let present = now.as_seconds();
        let seconds = (present - i64::from(RATE_SECONDS) + 1)..present;
        let counted = seconds
            .filter(|second| *second <= self.second && *second > self.second - i64::from(RATE_SECONDS));
        let total: u32 = counted.map(|second| self.counts[Self::slot(second)]).sum();
        f64::from(total) / f64::from(RATE_SECONDS - 1)
    }

    fn advance(&mut self, now: Timestamp) {
        let present = now.as_seconds();
        let gap = (present - self.second).clamp(0, i64::from(RATE_SECONDS));
        for second in present - gap + 1..=present {
            self.counts[Self::slot(second)] = 0;
        }
        self.second = self.second.max(present);
    }

    fn slot(second: i64) -> usize {
        usize::try_from(second.rem_euclid(i64::from(RATE_SECONDS))).unwrap_or(0)
    }
}

impl BusMeter {
    pub(crate) fn received(&mut self, now: Timestamp) {
        self.received.add(now);
    }

    pub(crate) fn rate(&self, now: Timestamp) -> f64 {
        self.received.value(now)
    }
}

impl ConsumerMeter {
    pub(crate) fn attempted(&mut self, now: Timestamp, error: Option<&str>) {
        if error.is_some() {
            self.failed.add(now);
            self.failures += 1;
        }
        self.last_error = error.map(str::to_owned);
    }

    pub(crate) fn delivered(&mut self, now: Timestamp, latency: Duration) {
        self.delivered.add(now);
        self.latencies.record(now, latency);
    }

    pub(crate) fn rate(&self, now: Timestamp) -> f64 {
        self.delivered.value(now)
    }

    pub(crate) fn failure_rate(&self, now: Timestamp) -> f64 {
        self.failed.value(now)
    }

    pub(crate) fn failures(&self) -> u64 {
        self.failures
    }

    pub(crate) fn last_error(&self) -> Option<String> {
        self.last_error.clone()
    }

    pub(crate) fn latency(&self, now: Timestamp) -> Option<Latency> {
        self.latencies.summary(now)
    }
}

impl Default for Latencies {
    fn default() -> Self {
        Self { current: histogram(), previous: histogram(), since: Timestamp::EPOCH }
    }
}

impl Latencies {
    fn record(&mut self, now: Timestamp, latency: Duration) {
        let age = now.since(self.since);
        if age >= LATENCY_PERIOD {
            std::mem::swap(&mut self.current, &mut self.previous);
            self.current.reset();
            if age >= LATENCY_PERIOD * 2 {
                self.previous.reset();
            }
            self.since = now;
        }
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.current.saturating_record(micros.clamp(1, LATENCY_US_MAX));
    }

    fn summary(&self, now: Timestamp) -> Option<Latency> {
        if now.since(self.since) >= LATENCY_PERIOD * 2 {
            return None;
        }
        let mut both = self.current.clone();
        both += &self.previous;
        let at = |quantile: f64| both.value_at_quantile(quantile);
        (!both.is_empty()).then(|| Latency { p50_us: at(0.5), p99_us: at(0.99), max_us: both.max() })
    }
}

fn histogram() -> Histogram<u64> {
    #[expect(clippy::expect_used, reason = "the bounds are constants that the histogram accepts")]
    Histogram::new_with_bounds(1, LATENCY_US_MAX, 2).expect("constant bounds")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn a_rate_is_that_of_the_last_whole_seconds() {
        let mut rate = Rate::default();
        (0..90).for_each(|count| rate.add(at(1_000 + count / 10)));
        assert!((rate.value(at(1_009)) - 10.0).abs() < 1e-9);
        assert!((rate.value(at(1_013)) - 5.555).abs() < 0.01);
        assert!(rate.value(at(1_030)).abs() < 1e-9);
    }

    #[test]
    fn latencies_of_long_ago_are_forgotten() {
        let mut meter = ConsumerMeter::default();
        meter.delivered(at(100), Duration::from_millis(3));
        let latency = meter.latency(at(110)).expect("one delivery was measured");
        assert!((2_900..3_100).contains(&latency.p50_us), "{latency:?}");
        assert_eq!(meter.latency(at(1_000)), None);
    }
}
