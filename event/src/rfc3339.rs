//! RFC 3339 texts: whether one is valid, and what it says in whole seconds of UTC.

use std::borrow::Cow;

use jiff::SignedDuration;
use jiff::civil::DateTime;

use crate::time::Timestamp;

/// A valid RFC 3339 text taken apart; the fraction is left out.
struct Parts {
    local: DateTime,
    offset_minutes: i64,
}

/// Tells whether the text is an RFC 3339 date and time with its offset.
pub(crate) fn is_valid(text: &str) -> bool {
    parse(text.as_bytes()).is_some()
}

/// Returns the instant as `2026-11-21T06:00:00Z`; nothing if the text is not RFC 3339 or leaves the calendar.
pub(crate) fn whole_seconds(text: &str) -> Option<Cow<'_, str>> {
    let parts = parse(text.as_bytes())?;
    if text.len() == 20 && text.as_bytes()[10] == b'T' && text.ends_with('Z') {
        return Some(Cow::Borrowed(text));
    }
    let utc = parts.local.checked_sub(SignedDuration::from_mins(parts.offset_minutes)).ok()?;
    Some(Cow::Owned(show(utc)))
}

/// Returns the instant as `2026-11-21T06:00:00Z`, cutting what is below a second.
pub(crate) fn from_timestamp(instant: Timestamp) -> String {
    show(jiff::tz::Offset::UTC.to_datetime(instant.to_jiff()))
}

/// Writes digit by digit: every event that is matched has this text. RFC 3339 has no years before 0.
fn show(utc: DateTime) -> String {
    let year = utc.year().max(0);
    let date = [(year / 100, ""), (year % 100, "-"), (utc.month().into(), "-"), (utc.day().into(), "T")];
    let clock = [(utc.hour().into(), ":"), (utc.minute().into(), ":"), (utc.second().into(), "Z")];
    let mut text = String::with_capacity(20);
    for (number, end) in date.into_iter().chain(clock) {
        let digits = [number / 10, number % 10].map(|digit| u32::from(digit.unsigned_abs()));
        text.extend(digits.into_iter().filter_map(|digit| char::from_digit(digit, 10)));
        text.push_str(end);
    }
    text
}

fn parse(text: &[u8]) -> Option<Parts> {
    let (clock, rest) = text.split_at_checked(19)?;
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    let well_formed =
        separators.iter().all(|(at, byte)| clock[*at] == *byte) && matches!(clock[10], b'T' | b't');
    if !well_formed {
        return None;
    }
    let year = i16::from(two_digits(&clock[0..2])?) * 100 + i16::from(two_digits(&clock[2..4])?);
    let (month, day) = (two_digits(&clock[5..7])?, two_digits(&clock[8..10])?);
    let (hour, minute) = (two_digits(&clock[11..13])?, two_digits(&clock[14..16])?);
    // A leap second has no place of its own in the calendar: it counts as the second before it.
    let second = match two_digits(&clock[17..19])? {
        60 => 59,
        second => second,
    };
    let local = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    Some(Parts { local, offset_minutes: offset(skip_fraction(rest)?)? })
}

fn skip_fraction(rest: &[u8]) -> Option<&[u8]> {
    let Some(fraction) = rest.strip_prefix(b".") else {
        return Some(rest);
    };
    let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (digits > 0).then(|| &fraction[digits..])
}

fn offset(text: &[u8]) -> Option<i64> {
    match text {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), hours @ .., b':', _, _] if hours.len() == 2 => {
            let (hours, minutes) = (two_digits(hours)?, two_digits(&text[4..])?);
            let total = i64::from(hours) * 60 + i64::from(minutes);
            (hours < 24 && minutes < 60).then_some(if *sign == b'-' { -total } else { total })
        }
        _ => None,
    }
}

fn two_digits(text: &[u8]) -> Option<i8> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| (byte - b'0').cast_signed());
    Some(digit(text[0])? * 10 + digit(text[1])?)
}
