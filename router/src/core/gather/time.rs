//! [`Watermark`] and windows: how time that events bring along passes.

use event::Timestamp;

use super::group::Span;
use crate::config::{EventTime, Time, Window};

/// How far the events of one key have come in their own time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watermark {
    /// The time of the latest event.
    reached: Option<Timestamp>,
    /// When, by the log's time, an event last came that was later than all before.
    advanced: Timestamp,
}

impl Watermark {
    /// Takes note of an event's time.
    pub(crate) fn observe(&mut self, at: Timestamp, now: Timestamp) {
        if self.reached.is_none_or(|reached| at > reached) {
            *self = Self { reached: Some(at), advanced: now };
        }
    }

    /// Returns the later one of two.
    pub(crate) fn later(self, other: Self) -> Self {
        if other.reached > self.reached { other } else { self }
    }

    /// Returns it as it was saved.
    pub(crate) fn restored(saved: Option<(Timestamp, Timestamp)>) -> Self {
        saved.map_or_else(Self::default, |(reached, advanced)| Self { reached: Some(reached), advanced })
    }

    /// Returns what to save of it.
    pub(crate) fn to_save(self) -> Option<(Timestamp, Timestamp)> {
        self.reached.map(|reached| (reached, self.advanced))
    }

    /// Returns when, by the log's time, an instant of a key's time is over, if no more events come.
    pub(crate) fn over(self, instant: Timestamp, time: &Time) -> Timestamp {
        let Time::Event(EventTime { disorder, quiet, .. }) = time else { return instant };
        // Nothing is over for a key of which no event came, however old the first one is.
        let Some(reached) = self.reached else { return Timestamp::from_micros(i64::MAX) };
        let mark = reached.before(*disorder);
        if mark >= instant {
            return self.advanced;
        }
        // A source that does not go on for `quiet` is taken to go on as the clock does.
        self.advanced.after(*quiet).after(instant.since(mark))
    }

    /// Returns the watermark at an instant of the log's time.
    pub(crate) fn at(self, now: Timestamp, time: &Time) -> Option<Timestamp> {
        let Time::Event(EventTime { disorder, quiet, .. }) = time else { return None };
        Some(self.reached?.before(*disorder).after(now.since(self.advanced.after(*quiet))))
    }
}

/// Returns the windows that an instant is in, the earliest first.
pub(crate) fn windows(window: &Window, at: Timestamp) -> Vec<Span> {
    let micros = |duration: std::time::Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    let (size, slide, offset) = (micros(window.size), micros(window.slide).max(1), micros(window.offset));
    let at = at.as_micros();
    let last = (at - offset).div_euclid(slide) * slide + offset;
    let starts = (0_i64..)
        .map(|back| last.saturating_sub(back.saturating_mul(slide)))
        .take_while(|start| *start > at - size);
    let mut windows: Vec<Span> = starts
        .map(|start| Span {
            start: Timestamp::from_micros(start),
            end: Timestamp::from_micros(start.saturating_add(size)),
        })
        .collect();
    windows.reverse();
    windows
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn an_instant_is_in_every_window_that_covers_it() {
        let check = |size, slide, offset, instant, expected: &[(i64, i64)]| {
            let window = Window {
                size: seconds(size),
                slide: seconds(slide),
                offset: seconds(offset),
                lateness: Duration::ZERO,
            };
            let found: Vec<(i64, i64)> = windows(&window, at(instant))
                .iter()
                .map(|window| (window.start.as_seconds(), window.end.as_seconds()))
                .collect();
            assert_eq!(found, expected, "{size} {slide} {offset} at {instant}");
        };
        check(60, 60, 0, 0, &[(0, 60)]);
        check(60, 60, 0, 59, &[(0, 60)]);
        check(60, 60, 0, 60, &[(60, 120)]);
        check(60, 60, 0, -1, &[(-60, 0)]);
        check(60, 60, 15, 10, &[(-45, 15)]);
        check(60, 20, 0, 65, &[(20, 80), (40, 100), (60, 120)]);
        check(60, 40, 0, 45, &[(0, 60), (40, 100)]);
        check(60, 40, 0, 70, &[(40, 100)]);
    }

    #[test]
    fn a_watermark_follows_events_and_goes_on_by_itself() {
        let time = Time::Event(EventTime { path: Vec::new(), disorder: seconds(5), quiet: seconds(60) });
        let mut mark = Watermark::default();
        mark.observe(at(100), at(1_000));
        mark.observe(at(90), at(1_010));
        assert_eq!(mark.at(at(1_020), &time), Some(at(95)));
        assert_eq!(mark.over(at(95), &time), at(1_000));
        assert_eq!(mark.over(at(96), &time), at(1_061));
        assert_eq!(mark.at(at(1_061), &time), Some(at(96)));
        assert_eq!(mark.over(at(96), &Time::Processing), at(96));
    }
}
