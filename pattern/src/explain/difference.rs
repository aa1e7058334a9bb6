//! What a value lacks to fulfil a condition.

use super::shown::{operand, quote, render, shorten};
use super::text;
use crate::condition::{Bound, Condition, Range};
use crate::number::comparable;
use crate::value::{Number, Value};
use crate::wildcard::Missing;

/// Why a value does not fulfil a condition. Distances go from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub(super) enum Difference<'a> {
    /// Only the named part of its spelling is amiss.
    Spelling(&'static str),
    /// It is of another kind, both named; `alike` if it would do but for that.
    Kind { wanted: &'static str, found: &'static str, alike: bool },
    /// It is another value.
    Value { distance: f64 },
    /// A part of it is another text; `same` is what is right, from the beginning or up to the end.
    Text { part: Part, same: &'a str, distance: f64, any_case: bool },
    /// Some of a wildcard pattern is not there.
    Piece { missing: Missing<'a>, distance: f64 },
    /// It is not on the right side of a number.
    Bound { sign: &'static str, bound: f64, distance: f64 },
    /// It is a number that cannot be compared.
    Incomparable,
    /// It is an address outside the block.
    Outside,
    /// It is a text and not an address.
    NoAddress,
    /// It is one of those that may not be.
    Excluded,
    /// It is there, and nothing should be.
    Present,
}

/// The part of a text that a condition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    Beginning,
    Ending,
}

impl<'a> Difference<'a> {
    /// Compares a condition with a value that does not fulfil it.
    pub(super) fn of<'v: 'a>(condition: &'a Condition, value: &Value<'v>) -> Self {
        match (condition, value) {
            (Condition::Absent | Condition::Exists, _) => Self::Present,
            (Condition::AnythingBut(_), _) => Self::Excluded,
            (Condition::Literal(_), Value::Literal(_)) | (Condition::NumberText(_), Value::Number(_)) => {
                Self::Value { distance: 1.0 }
            }
            (Condition::Literal(wanted), _) => {
                let alike = matches!(value, Value::Text(text) if text.as_str() == wanted.text());
                Self::Kind { wanted: "a literal", found: kind(value), alike }
            }
            (Condition::Number(wanted), Value::Number(number)) => {
                Self::Value { distance: comparable(number.text()).map_or(1.0, |found| apart(found, *wanted)) }
            }
            (Condition::Range(range), Value::Number(number)) => {
                comparable(number.text()).map_or(Self::Incomparable, |number| beyond(*range, number))
            }
            (Condition::Number(_) | Condition::NumberText(_) | Condition::Range(_), _) => {
                let number = |text| Value::Number(Number::new(text));
                let alike = matches!(value, Value::Text(text) if condition.holds(&number(text.as_str())));
                Self::Kind { wanted: "a number", found: kind(value), alike }
            }
            (_, Value::Text(text)) => text::difference(condition, text.as_str()),
            _ => {
                let alike = condition.holds(&Value::Text(render(value).as_str().into()));
                Self::Kind { wanted: "a string", found: kind(value), alike }
            }
        }
    }

    /// Returns how far the value is from the condition, in the order that [`Closest`](super::Closest) describes.
    pub(super) fn distance(&self) -> f64 {
        match self {
            Self::Spelling(_) | Self::Kind { alike: true, .. } => 0.0,
            Self::Value { distance }
            | Self::Text { distance, .. }
            | Self::Piece { distance, .. }
            | Self::Bound { distance, .. } => 1.0 + distance,
            Self::Outside => 1.5,
            Self::Incomparable | Self::NoAddress => 2.0,
            Self::Excluded | Self::Present => 3.0,
            Self::Kind { alike: false, .. } => 4.0,
        }
    }

    /// Says it in one line; `wanted` is the alternative as it is written, `found` the value.
    pub(super) fn say(&self, wanted: &str, found: &str) -> String {
        let (operand, found) = (shorten(operand(wanted)), shorten(found));
        match self {
            Self::Spelling(part) => format!("{operand} differs in {part}"),
            Self::Kind { wanted: kind, found: other, alike: true } if !wanted.starts_with('{') => {
                format!("{operand} is {kind}, {found} is {other}")
            }
            Self::Kind { wanted: kind, found: other, .. } => format!("{found} is {other}, not {kind}"),
            Self::Value { .. } => format!("{found} is not {operand}"),
            Self::Text { part, same, any_case, .. } => {
                let case = if *any_case { " in any case" } else { "" };
                text_line(*part, &found, same, &operand) + case
            }
            Self::Piece { missing, .. } => piece_line(&found, missing),
            Self::Bound { sign, bound, .. } => format!("{found} is not {sign} {}", number(*bound)),
            Self::Incomparable => format!("{found} has more digits than can be compared"),
            Self::Outside => format!("{found} is not in {operand}"),
            Self::NoAddress => format!("{found} is not an address"),
            Self::Excluded => format!("{found} is excluded"),
            Self::Present => format!("{found} is there"),
        }
    }
}

fn text_line(part: Part, found: &str, same: &str, operand: &str) -> String {
    match (part, same) {
        (Part::Whole, "") => format!("{found} is not {operand}"),
        (Part::Whole, same) => format!("{found} begins with {}, but is not {operand}", quote(same)),
        (Part::Beginning, "") => format!("{found} does not begin with {operand}"),
        (Part::Beginning, same) => format!("{found} begins with {}, not with {operand}", quote(same)),
        (Part::Ending, "") => format!("{found} does not end with {operand}"),
        (Part::Ending, same) => format!("{found} ends with {}, not with {operand}", quote(same)),
    }
}

fn piece_line(found: &str, missing: &Missing<'_>) -> String {
    match missing {
        Missing::Whole(text) => format!("{found} is not {}", quote(text)),
        Missing::Beginning(piece) => format!("{found} does not begin with {}", quote(piece)),
        Missing::Ending(piece) => format!("{found} does not end with {}", quote(piece)),
        Missing::Middle { piece, before: "" } => format!("{found} has no {}", quote(piece)),
        Missing::Middle { piece, before } => {
            format!("{found} has no {} after {}", quote(piece), quote(before))
        }
    }
}

fn kind(value: &Value<'_>) -> &'static str {
    match value {
        Value::Text(_) => "a string",
        Value::Number(_) => "a number",
        Value::Literal(_) => "a literal",
    }
}

/// Compares a range with a number outside it.
fn beyond(range: Range, number: f64) -> Difference<'static> {
    let bottom = match range.bottom {
        Bound::Open(bound) if number <= bound => Some((">", bound)),
        Bound::Closed(bound) if number < bound => Some((">=", bound)),
        _ => None,
    };
    let top = match range.top {
        Bound::Open(bound) if number >= bound => Some(("<", bound)),
        Bound::Closed(bound) if number > bound => Some(("<=", bound)),
        _ => None,
    };
    bottom.or(top).map_or(Difference::Value { distance: 1.0 }, |(sign, bound)| Difference::Bound {
        sign,
        bound,
        distance: apart(number, bound),
    })
}

/// Returns how far two numbers are apart, as a share of the larger.
fn apart(left: f64, right: f64) -> f64 {
    let larger = left.abs().max(right.abs());
    if larger == 0.0 { 0.0 } else { ((left - right).abs() / larger).min(1.0) }
}

/// Returns a number's shortest text.
fn number(value: f64) -> String {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format(value);
    text.strip_suffix(".0").unwrap_or(text).replace("e+", "e")
}
