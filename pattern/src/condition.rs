//! One alternative of a field: what a value must be.

use std::net::IpAddr;

use crate::cidr::{Cidr, parse_address};
use crate::fold::Folded;
use crate::value::{Literal, Number, Text, Value};
use crate::wildcard::Wildcard;

#[derive(Clone, Debug)]
pub(crate) enum Condition {
    Text(Box<str>),
    /// A text that is an address equals every text of that address.
    Address(IpAddr),
    Literal(Literal),
    /// A number that can be compared equals every text of that number.
    Number(f64),
    /// A number that cannot be compared equals its own text.
    NumberText(Box<str>),
    Prefix(Box<str>),
    Suffix(Box<str>),
    EqualFold(Folded),
    PrefixFold(Folded),
    SuffixFold(Folded),
    Wildcard(Wildcard),
    Range(Range),
    Cidr(Cidr),
    AnythingBut(Excluded),
    Exists,
    /// Holds for no value: the field must not be there.
    Absent,
}

/// Numbers between two bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    pub(crate) bottom: Bound,
    pub(crate) top: Bound,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    None,
    Open(f64),
    Closed(f64),
}

/// What `anything-but` excludes.
#[derive(Clone, Debug)]
pub(crate) enum Excluded {
    /// In order.
    Texts(Box<[Box<str>]>),
    /// In order.
    Numbers(Box<[f64]>),
    Prefixes(Box<[Box<str>]>),
    Suffixes(Box<[Box<str>]>),
    Folded(Box<[Folded]>),
    Wildcards(Box<[Wildcard]>),
}

impl Condition {
    /// Returns whether a value in the event fulfils the condition.
    pub(crate) fn holds(&self, value: &Value<'_>) -> bool {
        match value {
            Value::Text(text) => self.holds_text(text),
            Value::Number(number) => self.holds_number(*number),
            Value::Literal(literal) => self.holds_literal(*literal),
        }
    }

    #[inline]
    pub(crate) fn holds_text(&self, text: &Text<'_>) -> bool {
        match self {
            Self::Exists => true,
            Self::AnythingBut(excluded) => !excluded.contains_text(text),
            Self::Text(wanted) => wanted.as_bytes() == text.bytes,
            Self::Address(wanted) => parse_address(text.as_str()) == Some(*wanted),
            Self::Prefix(prefix) => text.bytes.starts_with(prefix.as_bytes()),
            Self::Suffix(suffix) => text.bytes.ends_with(suffix.as_bytes()),
            Self::EqualFold(folded) => folded.equals(text),
            Self::PrefixFold(folded) => folded.is_prefix_of(text),
            Self::SuffixFold(folded) => folded.is_suffix_of(text),
            Self::Wildcard(wildcard) => wildcard.matches(text.as_str()),
            Self::Cidr(cidr) => cidr.contains(text.as_str()),
            Self::Absent | Self::Literal(_) | Self::Number(_) | Self::NumberText(_) | Self::Range(_) => false,
        }
    }

    fn holds_number(&self, number: Number<'_>) -> bool {
        match self {
            Self::AnythingBut(Excluded::Numbers(numbers)) => {
                !number.is(|nearest| numbers.binary_search_by(|one| one.total_cmp(&nearest)).is_ok())
            }
            Self::Exists | Self::AnythingBut(_) => true,
            Self::Number(wanted) => number.is(|nearest| nearest.total_cmp(wanted).is_eq()),
            Self::NumberText(wanted) => wanted.as_bytes() == number.bytes,
            Self::Range(range) => number.is(|nearest| range.contains(nearest)),
            _ => false,
        }
    }

    fn holds_literal(&self, found: Literal) -> bool {
        match self {
            Self::Exists | Self::AnythingBut(_) => true,
            Self::Literal(wanted) => *wanted == found,
            _ => false,
        }
    }

    /// Returns the wildcard patterns in the condition.
    pub(crate) fn wildcards(&self) -> &[Wildcard] {
        match self {
            Self::Wildcard(wildcard) => std::slice::from_ref(wildcard),
            Self::AnythingBut(Excluded::Wildcards(wildcards)) => wildcards,
            _ => &[],
        }
    }
}

impl Range {
    fn contains(self, number: f64) -> bool {
        let above = match self.bottom {
            Bound::None => true,
            Bound::Open(bound) => number > bound,
            Bound::Closed(bound) => number >= bound,
        };
        let below = match self.top {
            Bound::None => true,
            Bound::Open(bound) => number < bound,
            Bound::Closed(bound) => number <= bound,
        };
        above && below
    }
}

impl Excluded {
    #[inline]
    fn contains_text(&self, text: &Text<'_>) -> bool {
        match self {
            Self::Texts(texts) => is_among(texts, text),
            Self::Numbers(_) => false,
            Self::Prefixes(prefixes) => {
                prefixes.iter().any(|prefix| text.bytes.starts_with(prefix.as_bytes()))
            }
            Self::Suffixes(suffixes) => suffixes.iter().any(|suffix| text.bytes.ends_with(suffix.as_bytes())),
            Self::Folded(folded) => folded.iter().any(|folded| folded.equals(text)),
            Self::Wildcards(wildcards) => wildcards.iter().any(|wildcard| wildcard.matches(text.as_str())),
        }
    }
}

/// Returns whether a text is one of those, which are in order.
fn is_among(texts: &[Box<str>], text: &Text<'_>) -> bool {
    const FEW: usize = 8;
    if texts.len() <= FEW {
        return texts.iter().any(|one| one.as_bytes() == text.bytes);
    }
    texts.binary_search_by(|one| one.as_bytes().cmp(text.bytes)).is_ok()
}
