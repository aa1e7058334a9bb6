//! Keys and part names: values of an event, taken apart and put together.

use std::borrow::Cow;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::facts::Facts;
use crate::config::{Format, KeyExpression, Piece, Template, Value};

/// The name of the whole value of an expression.
const VALUE: &str = "value";

/// The values that key expressions found, by name; of two of one name the first counts.
#[derive(Debug, Default)]
pub(crate) struct Captures<'r> {
    values: Vec<(&'r str, String)>,
}

impl Captures<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

/// Returns an event's key and what its expressions captured; none if one of them finds nothing.
///
/// Of several expressions the values stand one after the other with slashes between them; a slash in a value is written
/// `%2F` then, and a percent sign `%25`, so that no two lists of values make the same key.
pub(crate) fn key<'r>(expressions: &'r [KeyExpression], facts: &Facts<'_>) -> Option<(String, Captures<'r>)> {
    let mut captures = Captures::default();
    if let [expression] = expressions {
        let key = one(expression, facts, &mut captures)?;
        return Some((key, captures));
    }
    let mut keys = Vec::with_capacity(expressions.len());
    for expression in expressions {
        let mut own = Captures::default();
        keys.push(escaped(&one(expression, facts, &mut own)?).into_owned());
        captures.values.extend(own.values);
    }
    Some((keys.join("/"), captures))
}

/// Returns every value that an expression finds in an event where the way of its path goes through arrays.
pub(crate) fn all(expression: &KeyExpression, facts: &Facts<'_>) -> Vec<String> {
    let mut values = expression.paths.iter().map(|path| facts.scalars(path));
    let values = values.find(|values| !values.is_empty()).unwrap_or_default();
    let each = values.into_iter().filter_map(|value| {
        let mut captures = Captures::default();
        take_apart(expression, value, &mut captures)?;
        fill(&expression.key, &captures, facts)
    });
    each.collect()
}

fn one<'r>(expression: &'r KeyExpression, facts: &Facts<'_>, captures: &mut Captures<'r>) -> Option<String> {
    let value = expression.paths.iter().find_map(|path| facts.scalar(path))?;
    take_apart(expression, value, captures)?;
    fill(&expression.key, captures, facts)
}

/// Adds the value and its named captures; none if the regular expression does not match.
fn take_apart<'r>(expression: &'r KeyExpression, value: String, captures: &mut Captures<'r>) -> Option<()> {
    if let Some(regex) = &expression.capture {
        let found = regex.captures(&value)?;
        let named = regex.capture_names().flatten();
        captures.values.extend(named.filter_map(|name| Some((name, found.name(name)?.as_str().to_owned()))));
    }
    captures.values.push((VALUE, value));
    Some(())
}

fn escaped(value: &str) -> Cow<'_, str> {
    if value.contains(['/', '%']) {
        Cow::Owned(value.replace('%', "%25").replace('/', "%2F"))
    } else {
        Cow::Borrowed(value)
    }
}

/// Fills in a template; none if a name or a path has no value, or one that its format cannot write, or nothing comes of it.
pub(crate) fn fill(template: &Template, captures: &Captures<'_>, facts: &Facts<'_>) -> Option<String> {
    if let [Piece::Value(value, formats)] = template.pieces.as_slice() {
        return value_of(value, formats, captures, facts).filter(|text| !text.is_empty());
    }
    let mut text = String::new();
    for piece in &template.pieces {
        match piece {
            Piece::Text(literal) => text.push_str(literal),
            Piece::Value(value, formats) => text.push_str(&value_of(value, formats, captures, facts)?),
        }
    }
    (!text.is_empty()).then_some(text)
}

fn value_of(value: &Value, formats: &[Format], captures: &Captures<'_>, facts: &Facts<'_>) -> Option<String> {
    let text = match value {
        Value::Name(name) => captures.get(name)?.to_owned(),
        Value::Path(path) => facts.scalar(path)?,
    };
    formats.iter().try_fold(text, |text, format| formatted(&text, format))
}

fn formatted(text: &str, format: &Format) -> Option<String> {
    match format {
        Format::Lower => Some(text.to_lowercase()),
        Format::Upper => Some(text.to_uppercase()),
        Format::Int => whole_number(text),
        Format::Date { form, zone } => {
            let zoned = moment(text, zone)?;
            jiff::fmt::strtime::format(form, &zoned).ok()
        }
    }
}

/// Writes a whole number without leading zeros, whatever its length.
fn whole_number(text: &str) -> Option<String> {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    Some(if digits.is_empty() { "0".to_owned() } else { format!("{sign}{digits}") })
}

/// Reads an instant, a date or a time without a zone, which is then one of `zone`, or seconds or milliseconds since 1970.
fn moment(text: &str, zone: &TimeZone) -> Option<jiff::Zoned> {
    let instant = instant(text).map(|instant| instant.to_zoned(zone.clone()));
    let time = || text.parse::<DateTime>().ok()?.to_zoned(zone.clone()).ok();
    let date = || text.parse::<Date>().ok()?.to_zoned(zone.clone()).ok();
    instant.or_else(time).or_else(date)
}

/// Reads an RFC 3339 time, or seconds (10 digits, and a fraction) or milliseconds (13 digits) since 1970.
pub(crate) fn instant(text: &str) -> Option<jiff::Timestamp> {
    let whole = text.split('.').next().unwrap_or_default();
    let is_number = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
    match (is_number, whole.len()) {
        (true, 10) => {
            let seconds: f64 = text.parse().ok()?;
            #[expect(clippy::cast_possible_truncation, reason = "ten digits of seconds fit many times over")]
            jiff::Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok()
        }
        (true, 13) => jiff::Timestamp::from_millisecond(whole.parse().ok()?).ok(),
        (true, _) => None,
        (false, _) => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_write_values_in_one_form() {
        let date = |form: &str, zone: &str| Format::Date {
            form: form.to_owned(),
            zone: TimeZone::get(zone).unwrap(),
        };
        let cases = [
            ("Paris", Format::Lower, Some("paris")),
            ("paris", Format::Upper, Some("PARIS")),
            ("007", Format::Int, Some("7")),
            ("-000", Format::Int, Some("0")),
            ("12345678901234567890123", Format::Int, Some("12345678901234567890123")),
            ("7a", Format::Int, None),
            ("2026-11-19", date("%Y-%m", "UTC"), Some("2026-11")),
            ("20261119", date("%Y-%m-%d", "UTC"), Some("2026-11-19")),
            ("2026-11-19T23:30:00Z", date("%Y-%m-%d", "Europe/Paris"), Some("2026-11-20")),
            ("2026-11-19T23:30:00", date("%H:%M", "Europe/Paris"), Some("23:30")),
            ("1795240800", date("%Y", "UTC"), Some("2026")),
            ("1795240800000", date("%Y", "UTC"), Some("2026")),
            ("soon", date("%Y", "UTC"), None),
        ];
        for (text, format, expected) in cases {
            assert_eq!(formatted(text, &format).as_deref(), expected, "{text} as {format:?}");
        }
    }

    #[test]
    fn instants_have_three_forms() {
        for (text, micros) in [
            ("1970-01-01T00:00:01Z", Some(1_000_000)),
            ("1970-01-01T01:00:01.5+01:00", Some(1_500_000)),
            ("1795240800.25", Some(1_795_240_800_250_000)),
            ("1795240800123", Some(1_795_240_800_123_000)),
            ("17952", None),
            ("yesterday", None),
        ] {
            assert_eq!(instant(text).map(jiff::Timestamp::as_microsecond), micros, "{text}");
        }
    }
}
