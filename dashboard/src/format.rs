//! Numbers, sizes, times and trends in human units, each in few columns.

use std::error::Error;
use std::time::Duration;

use api::WindowStatus;
use event::Timestamp;

const MINUTE_MICROS: i64 = 60_000_000;
const DAY_MICROS: i64 = 86_400_000_000;

const FULL: &str = "\u{2588}";
const EMPTY: &str = "\u{2591}";
/// From low to high; a rate of nothing is a space.
const LEVELS: [&str; 9] =
    [" ", "\u{2581}", "\u{2582}", "\u{2583}", "\u{2584}", "\u{2585}", "\u{2586}", "\u{2587}", "\u{2588}"];

/// Returns a count in at most six columns: `12,345`, `123k`, `4.5M`.
pub(crate) fn count(value: u64) -> String {
    match value {
        0..1_000 => value.to_string(),
        1_000..100_000 => format!("{},{:03}", value / 1_000, value % 1_000),
        100_000..1_000_000 => format!("{}k", value / 1_000),
        1_000_000..1_000_000_000 => scaled(value, 1_000_000, "M"),
        1_000_000_000..1_000_000_000_000 => scaled(value, 1_000_000_000, "G"),
        _ => scaled(value, 1_000_000_000_000, "T"),
    }
}

/// Returns a count of any size with its thousands apart: `1,234,567`.
pub(crate) fn exact(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a rate a second in at most seven columns: `0/s`, `2.5/s`, `1.2k/s`.
pub(crate) fn rate(value: f64) -> String {
    if !value.is_finite() || value < 0.0 {
        return "-".to_owned();
    }
    match value {
        0.0 => "0/s".to_owned(),
        ..0.1 => "<0.1/s".to_owned(),
        ..99.95 => format!("{value:.1}/s"),
        ..999.5 => format!("{value:.0}/s"),
        ..99_950.0 => format!("{:.1}k/s", value / 1e3),
        ..999_500.0 => format!("{:.0}k/s", value / 1e3),
        _ => format!("{:.1}M/s", value / 1e6),
    }
}

/// Returns a size in at most nine columns: `512 B`, `1.5 KiB`.
pub(crate) fn bytes(value: u64) -> String {
    match value {
        0..1_024 => format!("{value} B"),
        1_024..1_048_576 => scaled(value, 1 << 10, " KiB"),
        1_048_576..1_073_741_824 => scaled(value, 1 << 20, " MiB"),
        _ => scaled(value, 1 << 30, " GiB"),
    }
}

/// Returns a short time in at most six columns: `850us` with a real micro sign, `12.3ms`, `1.2s`, `3m12s`.
pub(crate) fn micros(value: u64) -> String {
    match value {
        0..1_000 => format!("{value}\u{b5}s"),
        1_000..1_000_000 => scaled(value, 1_000, "ms"),
        1_000_000..60_000_000 => scaled(value, 1_000_000, "s"),
        _ => age(Duration::from_micros(value)).replace(' ', ""),
    }
}

/// Returns a duration in its two largest units: `0s`, `12s`, `3m 12s`, `4h 05m`, `2d 03h`.
pub(crate) fn age(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{minutes}m {:02}s", seconds % 60),
        3_600..86_400 => format!("{hours}h {:02}m", minutes % 60),
        86_400..8_640_000 => format!("{days}d {:02}h", hours % 24),
        _ => format!("{days}d"),
    }
}

/// Returns how long until an instant, or `due` if it is over.
pub(crate) fn until(instant: Timestamp, now: Timestamp) -> String {
    if instant <= now { "due".to_owned() } else { age(instant.since(now)) }
}

/// Returns the time of day in UTC: `06:00:00.123`.
pub(crate) fn clock(instant: Timestamp) -> String {
    instant.to_jiff().strftime("%H:%M:%S%.3f").to_string()
}

/// Returns the time of day, after the date if that is another day than today, in UTC.
pub(crate) fn moment(instant: Timestamp, now: Timestamp) -> String {
    let format = if day(instant) == day(now) { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
    instant.to_jiff().strftime(format).to_string()
}

/// Returns the time of day to the minute, after the date if that is another day than today, in UTC.
pub(crate) fn minute(instant: Timestamp, now: Timestamp) -> String {
    let format = if day(instant) == day(now) { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    instant.to_jiff().strftime(format).to_string()
}

/// Returns a window as shortly as today allows, in UTC: `[05:00..06:00)`, `[11-20 23:00..11-21 00:00)`; one of whole
/// days without times: `[11-20..11-21)`.
pub(crate) fn window(window: WindowStatus, now: Timestamp) -> String {
    let (start, end) = window_edges(window, now);
    format!("[{start}..{end})")
}

/// Returns the beginning of a window, where there is no room for its end: `[05:00..`.
pub(crate) fn window_start(window: WindowStatus, now: Timestamp) -> String {
    format!("[{}..", window_edges(window, now).0)
}

fn window_edges(window: WindowStatus, now: Timestamp) -> (String, String) {
    let edges = [window.start, window.end];
    let is_at_each = |unit: i64| edges.iter().all(|at| at.as_micros().rem_euclid(unit) == 0);
    let written = |at: Timestamp, format: &str| at.to_jiff().strftime(format).to_string();
    let is_this_year = edges.iter().all(|at| written(*at, "%Y") == written(now, "%Y"));
    let date = if is_this_year { "%m-%d" } else { "%Y-%m-%d" };
    if is_at_each(DAY_MICROS) {
        return (written(window.start, date), written(window.end, date));
    }
    let time = if is_at_each(MINUTE_MICROS) { "%H:%M" } else { "%H:%M:%S%.f" };
    let beside = |at: Timestamp, other: Timestamp| {
        if day(at) == day(other) { written(at, time) } else { written(at, &format!("{date} {time}")) }
    };
    (beside(window.start, now), beside(window.end, window.start))
}

/// Returns `1 part`, `2 parts`.
pub(crate) fn plural(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// Returns a bar of that many columns, filled as far as `have` is of `want`.
pub(crate) fn bar(have: usize, want: usize, columns: usize) -> String {
    let filled = have.min(want).saturating_mul(columns).checked_div(want).unwrap_or(0).min(columns);
    FULL.repeat(filled) + &EMPTY.repeat(columns - filled)
}

/// Returns the newest samples as a line of blocks, the highest a full block, the newest at the right end.
pub(crate) fn sparkline<'a>(samples: impl DoubleEndedIterator<Item = &'a f64>, columns: usize) -> String {
    chart(samples, columns, 1).concat()
}

/// Returns the newest samples as bars over some lines, the highest filling them, the newest at the right end.
pub(crate) fn chart<'a>(
    samples: impl DoubleEndedIterator<Item = &'a f64>,
    columns: usize,
    rows: usize,
) -> Vec<String> {
    let mut newest: Vec<f64> = samples.rev().take(columns).map(|sample| sane(*sample)).collect();
    newest.reverse();
    let top = newest.iter().copied().fold(0.0, f64::max);
    let levels: Vec<usize> = newest.into_iter().map(|sample| level(sample, top, rows * 8)).collect();
    let row = |below: usize| {
        let mut line = " ".repeat(columns - levels.len());
        line.extend(levels.iter().map(|level| LEVELS[level.saturating_sub(below * 8).min(8)]));
        line
    };
    (0..rows).rev().map(row).collect()
}

/// Returns the largest of the newest samples.
pub(crate) fn peak<'a>(samples: impl DoubleEndedIterator<Item = &'a f64>, columns: usize) -> f64 {
    samples.rev().take(columns).map(|sample| sane(*sample)).fold(0.0, f64::max)
}

/// Returns an error and its first cause in one line; what lies between says little.
pub(crate) fn chain(error: &dyn Error) -> String {
    let (words, cause) = (error.to_string(), root(error));
    if words.contains(&cause) { words } else { format!("{words}: {cause}") }
}

/// Returns the first cause of an error.
pub(crate) fn root(mut error: &dyn Error) -> String {
    while let Some(cause) = error.source() {
        error = cause;
    }
    error.to_string()
}

fn day(instant: Timestamp) -> i64 {
    instant.as_micros().div_euclid(DAY_MICROS)
}

fn sane(sample: f64) -> f64 {
    if sample.is_finite() { sample.max(0.0) } else { 0.0 }
}

/// Returns 0 for nothing, else 1 to `levels` as the share of `top` that the sample reaches into.
fn level(sample: f64, top: f64, levels: usize) -> usize {
    if sample <= 0.0 {
        return 0;
    }
    let levels = u32::try_from(levels).unwrap_or(u32::MAX);
    1 + (1..levels).filter(|step| sample > top / f64::from(levels) * f64::from(*step)).count()
}

fn scaled(value: u64, unit: u64, suffix: &str) -> String {
    let tenths = u128::from(value) * 10 / u128::from(unit);
    if tenths >= 1_000 {
        return format!("{}{suffix}", tenths / 10);
    }
    format!("{}.{}{suffix}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_short() {
        let counts = [0, 999, 1_000, 99_999, 100_000, 1_500_000, 123_000_000, u64::MAX].map(count);
        assert_eq!(counts, ["0", "999", "1,000", "99,999", "100k", "1.5M", "123M", "18446744T"]);
        assert_eq!([0, 12, 1_234, 1_234_567].map(exact), ["0", "12", "1,234", "1,234,567"]);
    }

    #[test]
    fn rates_stay_short() {
        let rates = [0.0, 0.01, 2.5, 99.96, 1_234.0, 250_000.0, 3e6, f64::NAN, -1.0].map(rate);
        assert_eq!(rates, ["0/s", "<0.1/s", "2.5/s", "100/s", "1.2k/s", "250k/s", "3.0M/s", "-", "-"]);
    }

    #[test]
    fn sizes_and_times_take_the_largest_unit() {
        assert_eq!([0, 1_536, 5 << 20, 3 << 30].map(bytes), ["0 B", "1.5 KiB", "5.0 MiB", "3.0 GiB"]);
        let times = [850, 12_345, 1_200_000, 192_000_000].map(micros);
        assert_eq!(times, ["850\u{b5}s", "12.3ms", "1.2s", "3m12s"]);
        let ages = [0, 12, 192, 14_700, 183_600, 8_640_000].map(|seconds| age(Duration::from_secs(seconds)));
        assert_eq!(ages, ["0s", "12s", "3m 12s", "4h 05m", "2d 03h", "100d"]);
    }

    #[test]
    fn a_moment_names_the_day_only_if_it_is_another() {
        let now = Timestamp::from_millis(1_795_240_800_000);
        assert_eq!(moment(now, now), "06:00:00");
        assert_eq!(moment(now.before(Duration::from_hours(7)), now), "2026-11-20 23:00:00");
        assert_eq!(until(now.after(Duration::from_secs(61)), now), "1m 01s");
        assert_eq!(until(now, now), "due");
    }

    #[test]
    fn a_window_is_as_short_as_today_allows() {
        let check = |start: &str, end: &str, expected: &str| {
            let at = |text: &str| Timestamp::from(text.parse::<jiff::Timestamp>().unwrap());
            let written = WindowStatus { start: at(start), end: at(end) };
            assert_eq!(window(written, at("2026-11-21T06:00:00Z")), expected);
        };
        check("2026-11-21T05:00:00Z", "2026-11-21T06:00:00Z", "[05:00..06:00)");
        check("2026-11-21T05:00:00Z", "2026-11-21T05:00:10.5Z", "[05:00:00..05:00:10.5)");
        check("2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z", "[11-20..11-21)");
        check("2026-11-20T23:00:00Z", "2026-11-20T23:30:00Z", "[11-20 23:00..23:30)");
        check("2026-11-21T23:30:00Z", "2026-11-22T00:30:00Z", "[23:30..11-22 00:30)");
        check("2025-12-31T00:00:00Z", "2026-01-01T00:00:00Z", "[2025-12-31..2026-01-01)");
    }

    #[test]
    fn bars_and_trends_fill_their_columns() {
        assert_eq!(bar(2, 3, 6), "\u{2588}\u{2588}\u{2588}\u{2588}\u{2591}\u{2591}");
        assert_eq!(bar(9, 3, 2), "\u{2588}\u{2588}");
        assert_eq!(bar(1, 0, 2), "\u{2591}\u{2591}");
        assert_eq!(sparkline([0.0, 1.0, 4.0, 8.0].iter(), 5), "  \u{2581}\u{2584}\u{2588}");
        assert_eq!(chart([1.0, 8.0, 16.0].iter(), 3, 2), ["  \u{2588}", "\u{2581}\u{2588}\u{2588}"]);
        assert_eq!(sparkline([1.0, f64::NAN, 8.0].iter(), 2), " \u{2588}");
    }
}
