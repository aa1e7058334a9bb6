//! `retry`, in both spellings.

use std::ops::Range;
use std::time::Duration;

use super::Reader;
use super::values::span;
use crate::config::error::Code;
use crate::config::file::{At, LengthOfTime, RetryTable};
use crate::config::model::Retry;

/// Tries after the first, unless set.
const ATTEMPTS: u32 = 185;

/// How long an event may be tried again, unless set.
const MAX_AGE: Duration = Duration::from_hours(24);

/// The longest wait after the first failure, unless set.
const INTERVAL: Duration = Duration::from_secs(1);

/// The longest wait after any failure, unless set.
const INTERVAL_MAX: Duration = Duration::from_mins(15);

/// A wait in seconds at most, as Step Functions has it.
const SECONDS_MAX: usize = 99_999_999;

/// How many times longer a wait is than the one before, unless set.
const BACKOFF_RATE: f64 = 2.0;

/// The same at most: past it the longest wait is always the second.
const BACKOFF_RATE_MAX: f64 = 1000.0;

/// Every key that has two names: ours and that of Step Functions.
const NAMES: [[&str; 2]; 4] = [
    ["attempts", "MaxAttempts"],
    ["interval", "IntervalSeconds"],
    ["interval_max", "MaxDelaySeconds"],
    ["backoff_rate", "BackoffRate"],
];

/// Where each key stands under each of its names, in the order of [`NAMES`].
type Spans = [[Option<Range<usize>>; 2]; 4];

impl Reader<'_> {
    /// Reads the retry policy; what has an error has its default instead.
    pub(super) fn retry(&mut self, table: &RetryTable) -> Retry {
        let spans = spans(table);
        for (names, spans) in NAMES.iter().zip(&spans) {
            self.said_once(names, spans);
        }
        let attempts = table.attempts.as_ref().or(table.step_attempts.as_ref());
        let rate = table.backoff_rate.as_ref().or(table.step_backoff_rate.as_ref());
        let interval = self.wait(table.interval.as_ref(), NAMES[1][1], table.step_interval.as_ref());
        let interval_max =
            self.wait(table.interval_max.as_ref(), NAMES[2][1], table.step_interval_max.as_ref());
        let retry = Retry {
            attempts: attempts.map_or(ATTEMPTS, |attempts| attempts.value),
            max_age: self.length_or(table.max_age.as_ref(), MAX_AGE),
            interval: interval.unwrap_or(INTERVAL),
            backoff_rate: rate.map_or(BACKOFF_RATE, |rate| self.backoff_rate(name(&spans, 3), rate)),
            interval_max: interval_max.unwrap_or(INTERVAL_MAX),
        };
        if retry.interval > retry.interval_max {
            self.too_long(&retry, &spans);
        }
        retry
    }

    /// Records a key that is there under both of its names.
    fn said_once(&mut self, names: &[&str; 2], spans: &[Option<Range<usize>>; 2]) {
        let [Some(own), Some(other)] = spans else { return };
        let (first, second) = if own.start < other.start { (own, other) } else { (other, own) };
        let message = format!("`{}` and `{}` say the same", names[0], names[1]);
        self.finding(Code::SaidTwice, second, message, "the second")
            .label(first, "the first")
            .help(format!("remove one of them: `{}` is what Step Functions calls `{}`", names[1], names[0]));
    }

    /// Reads a wait that is given as a length of time, or in seconds as `key`.
    fn wait(
        &mut self,
        length: Option<&At<LengthOfTime>>,
        key: &str,
        seconds: Option<&At<i64>>,
    ) -> Option<Duration> {
        match (length, seconds) {
            (Some(length), _) => self.length(length),
            (None, Some(seconds)) => {
                let seconds = self.number(key, seconds, SECONDS_MAX)?;
                u64::try_from(seconds).ok().map(Duration::from_secs)
            }
            (None, None) => None,
        }
    }

    fn backoff_rate(&mut self, key: &str, rate: &At<f64>) -> f64 {
        if (1.0..=BACKOFF_RATE_MAX).contains(&rate.value) {
            return rate.value;
        }
        let message = format!("`{key}` is {}", rate.value);
        self.finding(Code::OutOfRange, &rate.span, message, format!("not from 1 to {BACKOFF_RATE_MAX}"))
            .help("`2.0` doubles the longest wait after each failure, `1.0` leaves it as it is");
        BACKOFF_RATE
    }

    /// Records that the wait after the first failure is longer than the longest.
    fn too_long(&mut self, retry: &Retry, spans: &Spans) {
        let place = [2, 1].into_iter().find_map(|key: usize| spans[key].iter().flatten().next());
        let Some(place) = place else { return };
        let (interval, interval_max) = (name(spans, 1), name(spans, 2));
        let message = format!("`{interval}` is longer than `{interval_max}`");
        let label =
            format!("`{interval}` is {:?}, `{interval_max}` is {:?}", retry.interval, retry.interval_max);
        self.finding(Code::OutOfRange, place, message, label)
            .help("the wait after the first failure cannot be longer than the longest wait");
    }
}

/// Returns the name under which a key is there, or else our own.
fn name(spans: &Spans, key: usize) -> &'static str {
    let is_theirs = matches!(&spans[key], [None, Some(_)]);
    NAMES[key][usize::from(is_theirs)]
}

fn spans(table: &RetryTable) -> Spans {
    [
        [span(table.attempts.as_ref()), span(table.step_attempts.as_ref())],
        [span(table.interval.as_ref()), span(table.step_interval.as_ref())],
        [span(table.interval_max.as_ref()), span(table.step_interval_max.as_ref())],
        [span(table.backoff_rate.as_ref()), span(table.step_backoff_rate.as_ref())],
    ]
}
