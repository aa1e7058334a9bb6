//! [`Meter`]: how many events a second there were lately.

use std::collections::VecDeque;
use std::time::Duration;

use event::Timestamp;

/// Marks kept: 21 reach back more than a second, and 32 events are enough where they are slow.
const MARKS_MAX: usize = 32;
/// Events that came within this time are one mark.
const MARK: Duration = Duration::from_millis(50);
/// How far back a rate is measured.
const SPAN_MIN: Duration = Duration::from_secs(1);
/// How far back it is measured at most, where events are few.
const SPAN_MAX: Duration = Duration::from_secs(30);
/// How many events a rate should be measured by.
const EVENTS: f64 = 15.0;

/// Counts of events, the latest last.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    marks: VecDeque<(Timestamp, u64)>,
}

impl Meter {
    /// Counts events.
    pub(crate) fn add(&mut self, now: Timestamp, events: u32) {
        if self.marks.back().is_some_and(|(at, _)| now < *at) {
            self.marks.clear();
        }
        match self.marks.back_mut().filter(|(at, _)| now.since(*at) < MARK) {
            Some((_, count)) => *count += u64::from(events),
            None => self.marks.push_back((now, u64::from(events))),
        }
        if self.marks.len() > MARKS_MAX {
            self.marks.pop_front();
        }
    }

    /// Returns events a second: of the last second, or of as much more as takes fifteen events at the rate `about`, as
    /// long as that is after `since`.
    pub(crate) fn per_second(&self, now: Timestamp, about: f64, since: Timestamp) -> f64 {
        let span = Duration::try_from_secs_f64(EVENTS / about)
            .unwrap_or(SPAN_MAX)
            .min(now.since(since))
            .clamp(SPAN_MIN, SPAN_MAX);
        let within = |span: Duration| self.marks.partition_point(|(at, _)| *at <= now.before(span));
        // From the first to now there is an interval for each event, if they come evenly and another is due. So it
        // begins with the last before the span, unless that was long ago.
        let first = within(span * 2).max(within(span).saturating_sub(1));
        let time = self.marks.get(first).map_or(span, |(at, _)| now.since(*at)).max(SPAN_MIN);
        let count: u64 = self.marks.iter().skip(first).map(|(_, count)| *count).sum();
        #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds are small")]
        let count = count as f64;
        count / time.as_secs_f64()
    }
}
