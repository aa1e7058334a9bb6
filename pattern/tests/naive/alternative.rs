//! One alternative of a field.

use std::net::IpAddr;

use super::json::Json;
use super::number::comparable;
use super::text::{self, Block, Mark};

/// What a value must be.
#[derive(Clone, Debug)]
pub(super) enum Alternative {
    /// `null`, `true`, `false`, or a number that cannot be compared: that very text.
    Same(Json),
    Number(f64),
    Address(IpAddr),
    /// A list of two bounds, each with whether the bound itself is in it.
    Range(Vec<(Comparison, f64)>),
    Text(TextTest),
    Exists,
    /// The field has no value.
    Absent,
    /// Any value that fulfils none of these.
    AnythingBut(Vec<Alternative>),
}

/// What a string must be.
#[derive(Clone, Debug)]
pub(super) enum TextTest {
    Exactly(String),
    Prefix(String),
    Suffix(String),
    EqualsIgnoreCase(String),
    PrefixIgnoreCase(String),
    SuffixIgnoreCase(String),
    Wildcard(Vec<Mark>),
    Cidr(Block),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Alternative {
    /// Reads an alternative; none where it is not one.
    pub(super) fn read(json: &Json) -> Option<Self> {
        match json {
            Json::Text(text) => Some(match text::read_address(text) {
                Some(address) => Self::Address(address),
                None => Self::Text(TextTest::Exactly(text.clone())),
            }),
            Json::Number(number) => {
                Some(comparable(number).map_or_else(|| Self::Same(json.clone()), Self::Number))
            }
            Json::Null | Json::True | Json::False => Some(Self::Same(json.clone())),
            Json::Object(members) => {
                let [(operator, operand)] = &members[..] else { return None };
                Self::read_operator(operator, operand)
            }
            Json::List(_) => None,
        }
    }

    fn read_operator(operator: &str, operand: &Json) -> Option<Self> {
        match (operator, operand) {
            ("exists", Json::True) => Some(Self::Exists),
            ("exists", Json::False) => Some(Self::Absent),
            ("numeric", Json::List(terms)) => read_numeric(terms),
            ("anything-but", operand) => read_anything_but(operand).map(Self::AnythingBut),
            ("cidr", Json::Text(block)) => Block::read(block).map(TextTest::Cidr).map(Self::Text),
            ("prefix" | "suffix", Json::Object(members)) => {
                let [(nested, Json::Text(text))] = &members[..] else { return None };
                let affix = match operator {
                    "prefix" => TextTest::PrefixIgnoreCase(text.clone()),
                    _ => TextTest::SuffixIgnoreCase(text.clone()),
                };
                (nested == "equals-ignore-case").then_some(Self::Text(affix))
            }
            (operator, Json::Text(text)) => TextTest::read(operator, text).map(Self::Text),
            _ => None,
        }
    }

    /// Returns whether a value in an event fulfils the alternative.
    pub(super) fn holds(&self, value: &Json) -> bool {
        let number = if let Json::Number(text) = value { comparable(text) } else { None };
        match self {
            Self::Same(wanted) => wanted == value,
            Self::Number(wanted) => number == Some(*wanted),
            Self::Range(bounds) => number.is_some_and(|number| in_range(bounds, number)),
            Self::Address(wanted) => value.text().and_then(text::read_address) == Some(*wanted),
            Self::Text(test) => value.text().is_some_and(|text| test.holds(text)),
            Self::Exists => true,
            Self::Absent => false,
            Self::AnythingBut(excluded) => !excluded.iter().any(|excluded| excluded.holds(value)),
        }
    }
}

impl TextTest {
    fn read(operator: &str, text: &str) -> Option<Self> {
        let text = text.to_owned();
        Some(match operator {
            "exactly" => Self::Exactly(text),
            "prefix" => Self::Prefix(text),
            "suffix" => Self::Suffix(text),
            "equals-ignore-case" => Self::EqualsIgnoreCase(text),
            "wildcard" => Self::Wildcard(text::read_wildcard(&text)?),
            _ => return None,
        })
    }

    fn holds(&self, value: &str) -> bool {
        match self {
            Self::Exactly(text) => text == value,
            Self::Prefix(text) => value.starts_with(text),
            Self::Suffix(text) => value.ends_with(text),
            Self::EqualsIgnoreCase(text) => text::equals_in_any_case(text, value),
            Self::PrefixIgnoreCase(text) => text::starts_in_any_case(text, value),
            Self::SuffixIgnoreCase(text) => text::ends_in_any_case(text, value),
            Self::Wildcard(marks) => text::matches_wildcard(marks, value),
            Self::Cidr(block) => block.contains(value),
        }
    }
}

fn in_range(bounds: &[(Comparison, f64)], number: f64) -> bool {
    bounds.iter().all(|(comparison, bound)| match comparison {
        Comparison::Less => number < *bound,
        Comparison::LessOrEqual => number <= *bound,
        Comparison::Greater => number > *bound,
        Comparison::GreaterOrEqual => number >= *bound,
    })
}

fn read_numeric(terms: &[Json]) -> Option<Alternative> {
    use Comparison::{Greater, GreaterOrEqual, Less, LessOrEqual};

    if let [Json::Text(equals), Json::Number(number)] = terms
        && equals == "="
    {
        return comparable(number).map(Alternative::Number);
    }
    let mut bounds = Vec::new();
    for pair in terms.chunks(2) {
        let [Json::Text(operator), Json::Number(number)] = pair else { return None };
        let comparison = match operator.as_str() {
            "<" => Less,
            "<=" => LessOrEqual,
            ">" => Greater,
            ">=" => GreaterOrEqual,
            _ => return None,
        };
        bounds.push((comparison, comparable(number)?));
    }
    let valid = match bounds[..] {
        [_] => true,
        [(Greater | GreaterOrEqual, bottom), (Less | LessOrEqual, top)] => bottom < top,
        _ => false,
    };
    valid.then_some(Alternative::Range(bounds))
}

fn read_anything_but(operand: &Json) -> Option<Vec<Alternative>> {
    let (operator, values) = match operand {
        Json::Object(members) => {
            let [(operator, values)] = &members[..] else { return None };
            (operator.as_str(), values)
        }
        values => ("exactly", values),
    };
    let values = match values {
        Json::List(values) => values.as_slice(),
        single => std::slice::from_ref(single),
    };
    if values.is_empty() {
        return None;
    }
    let plain = !matches!(operand, Json::Object(_));
    if plain && values.iter().all(|value| matches!(value, Json::Number(_))) {
        let number = |value: &Json| if let Json::Number(text) = value { comparable(text) } else { None };
        return values.iter().map(|value| number(value).map(Alternative::Number)).collect();
    }
    let nested = matches!(operator, "prefix" | "suffix" | "equals-ignore-case" | "wildcard");
    let affix = matches!(operator, "prefix" | "suffix");
    let mut excluded = Vec::new();
    for value in values {
        let text = value.text().filter(|text| !(affix && text.is_empty()))?;
        excluded.push(Alternative::Text(TextTest::read(operator, text)?));
    }
    (plain || nested).then_some(excluded)
}
