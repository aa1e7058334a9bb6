//! `Retry-After`: how long a target asks to be left alone, in seconds or until a date.

use std::time::Duration;

use event::Timestamp;
use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The three forms of an HTTP date: the one that is written today, and the two that must still be read.
const DATE_FORMS: [&str; 3] =
    ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// Returns the wait that an answer asks for; none if it asks for none, or not in a form that HTTP knows.
///
/// A date is read against the answer's own `Date`, so that two clocks that disagree do no harm, and against `now` only
/// where there is none. A date in the past is no wait.
pub(super) fn read(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return text.parse().ok().map(Duration::from_secs);
    }
    let until = parse_date(text)?;
    let sent = headers.get(DATE).and_then(|date| date.to_str().ok()).and_then(parse_date);
    Some(until.since(sent.unwrap_or(now)))
}

fn parse_date(text: &str) -> Option<Timestamp> {
    let date = DATE_FORMS.iter().find_map(|form| DateTime::strptime(form, text.trim()).ok())?;
    date.to_zoned(TimeZone::UTC).ok().map(|date| date.timestamp().into())
}
