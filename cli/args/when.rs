//! [`Moment`] and [`Place`]: times and ends of ranges as people name them; lengths of time.

use std::time::Duration;

use event::Timestamp;
use jiff::{SignedDuration, Span, SpanRelativeTo};

/// A time, or how long ago it is by the router's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    At(Timestamp),
    Ago(Duration),
}

/// One end of a range of a bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// As the router takes it.
    Fixed(api::Place),
    /// What was accepted so long ago by the router's clock.
    Ago(Duration),
}

impl Moment {
    /// Returns the time that is meant.
    pub(crate) fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(age) => now.before(age),
        }
    }
}

impl Place {
    /// Returns the place that is meant.
    pub(crate) fn at(self, now: Timestamp) -> api::Place {
        match self {
            Self::Fixed(place) => place,
            Self::Ago(age) => api::Place::At(now.before(age)),
        }
    }
}

/// Reads an RFC 3339 time or an age.
pub(crate) fn parse_moment(text: &str) -> Result<Moment, String> {
    let moment = time(text).map(Moment::At).or_else(|| age(text).map(Moment::Ago));
    moment.ok_or_else(|| "expected a time such as 2026-11-21T06:00:00Z, or an age such as 2h".to_owned())
}

/// Reads `earliest`, `latest`, a position, an RFC 3339 time or an age.
pub(crate) fn parse_place(text: &str) -> Result<Place, String> {
    match text {
        "earliest" => return Ok(Place::Fixed(api::Place::Earliest)),
        "latest" => return Ok(Place::Fixed(api::Place::Latest)),
        _ => {}
    }
    if text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit())
    {
        return match text.parse() {
            Ok(position) if position > 0 => Ok(Place::Fixed(api::Place::Position(position))),
            Ok(_) => Err("positions begin at 1".to_owned()),
            Err(_) => Err("no position is as large as that".to_owned()),
        };
    }
    let place = time(text).map(|at| Place::Fixed(api::Place::At(at))).or_else(|| age(text).map(Place::Ago));
    place.ok_or_else(|| {
        "expected `earliest`, `latest`, a position, a time such as 2026-11-21T06:00:00Z, or an age such as 2h"
            .to_owned()
    })
}

/// Reads a length of time that is not zero.
pub(crate) fn parse_length(text: &str) -> Result<Duration, String> {
    match age(text) {
        Some(length) if length >= Duration::from_millis(1) => Ok(length),
        Some(_) => Err("the shortest is 1ms".to_owned()),
        None => Err("expected a length of time such as 30m or 2h".to_owned()),
    }
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse::<jiff::Timestamp>().ok().map(Timestamp::from)
}

/// Reads a length of time; a day has 24 hours, and months and years have no length.
fn age(text: &str) -> Option<Duration> {
    let span: Span = text.parse().ok()?;
    let duration: SignedDuration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(duration).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T06:00:00Z.
    const NOW: Timestamp = Timestamp::from_millis(1_795_240_800_000);

    fn moment(text: &str) -> Option<String> {
        parse_moment(text).ok().map(|moment| moment.at(NOW).to_string())
    }

    fn place(text: &str) -> Option<api::Place> {
        parse_place(text).ok().map(|place| place.at(NOW))
    }

    #[test]
    fn a_moment_is_a_time_or_an_age() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(moment(text).as_deref(), expected, "{text}");
        check("2026-11-20T23:30:00Z", Some("2026-11-20T23:30:00.000Z"));
        check("2026-11-21T00:30:00+01:00", Some("2026-11-20T23:30:00.000Z"));
        check("2h", Some("2026-11-21T04:00:00.000Z"));
        check("30m", Some("2026-11-21T05:30:00.000Z"));
        check("1h 30m", Some("2026-11-21T04:30:00.000Z"));
        check("7d", Some("2026-11-14T06:00:00.000Z"));
        check("0s", Some("2026-11-21T06:00:00.000Z"));
        for wrong in ["", "2", "yesterday", "2026-11-20", "2026-11-20T23:30:00", "-2h", "1mo", "2 h ago"] {
            check(wrong, None);
        }
    }

    #[test]
    fn a_place_is_an_end_a_position_a_time_or_an_age() {
        let check = |text: &str, expected: Option<api::Place>| assert_eq!(place(text), expected, "{text}");
        check("earliest", Some(api::Place::Earliest));
        check("latest", Some(api::Place::Latest));
        check("17", Some(api::Place::Position(17)));
        check("2h", Some(api::Place::At(NOW.before(Duration::from_hours(2)))));
        check("2026-11-21T07:00:00+01:00", Some(api::Place::At(NOW)));
        for wrong in ["", "0", "-1", "1.5", "99999999999999999999", "first", "Latest", "2026-11-21"] {
            check(wrong, None);
        }
    }

    #[test]
    fn a_length_is_not_zero() {
        let check = |text: &str, expected: Result<u64, &str>| {
            let expected = expected.map(Duration::from_secs).map_err(str::to_owned);
            assert_eq!(parse_length(text), expected, "{text}");
        };
        check("30m", Ok(1_800));
        check("1d", Ok(86_400));
        check("0s", Err("the shortest is 1ms"));
        check("-2h", Err("expected a length of time such as 30m or 2h"));
        check("soon", Err("expected a length of time such as 30m or 2h"));
    }

    #[test]
    fn what_is_wrong_says_what_would_be_right() {
        assert!(parse_place("first").unwrap_err().contains("`earliest`"));
        assert_eq!(parse_place("0").unwrap_err(), "positions begin at 1");
        assert!(parse_moment("first").unwrap_err().contains("an age such as 2h"));
    }
}
