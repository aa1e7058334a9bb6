//! What one array in a pattern lists for one field.

use std::collections::HashSet;
use std::net::IpAddr;

use foldhash::fast::FixedState;

use crate::cidr::parse_address;
use crate::condition::Condition;
use crate::value::{Text, Value};

/// How many alternatives are tried one by one.
const FEW: usize = 16;

/// The conditions of which a value must fulfil one.
#[derive(Clone, Debug)]
pub(crate) struct Alternatives {
    conditions: Box<[Condition]>,
    /// Whether the field may also have no value.
    absent: bool,
    /// The same, so that a value finds its own among many.
    many: Option<Box<Many>>,
}

#[derive(Clone, Debug, Default)]
struct Many {
    texts: HashSet<Box<str>, FixedState>,
    addresses: HashSet<IpAddr, FixedState>,
    /// As bits.
    numbers: HashSet<u64, FixedState>,
    others: Vec<Condition>,
}

impl Alternatives {
    pub(crate) fn new(conditions: Vec<Condition>) -> Self {
        let absent = conditions.iter().any(|condition| matches!(condition, Condition::Absent));
        let many = (conditions.len() > FEW).then(|| Box::new(Many::of(&conditions)));
        Self { conditions: conditions.into(), absent, many }
    }

    /// Returns them in the order of the pattern.
    pub(crate) fn all(&self) -> &[Condition] {
        &self.conditions
    }

    pub(crate) fn may_be_absent(&self) -> bool {
        self.absent
    }

    /// Returns whether a text fulfils one of them.
    #[inline]
    pub(crate) fn accept_text(&self, text: &Text<'_>) -> bool {
        match &self.many {
            Some(many) => many.accept_text(text),
            None => self.conditions.iter().any(|condition| condition.holds_text(text)),
        }
    }

    /// Returns whether a value fulfils one of them.
    pub(crate) fn accept(&self, value: &Value<'_>) -> bool {
        match &self.many {
            Some(many) => many.accept(value),
            None => self.conditions.iter().any(|condition| condition.holds(value)),
        }
    }
}

impl Many {
    fn of(conditions: &[Condition]) -> Self {
        let mut many = Self::default();
        for condition in conditions {
            match condition {
                Condition::Text(text) => {
                    many.texts.insert(text.clone());
                }
                Condition::Address(address) => {
                    many.addresses.insert(*address);
                }
                Condition::Number(number) => {
                    many.numbers.insert(number.to_bits());
                }
                other => many.others.push(other.clone()),
            }
        }
        many
    }

    fn accept(&self, value: &Value<'_>) -> bool {
        let found = match value {
            Value::Text(text) => return self.accept_text(text),
            Value::Number(number) => number.is(|nearest| self.numbers.contains(&nearest.to_bits())),
            Value::Literal(_) => false,
        };
        found || self.others.iter().any(|condition| condition.holds(value))
    }

    fn accept_text(&self, text: &Text<'_>) -> bool {
        let is_one = |address| self.addresses.contains(&address);
        self.texts.contains(text.as_str())
            || !self.addresses.is_empty() && parse_address(text.as_str()).is_some_and(is_one)
            || self.others.iter().any(|condition| condition.holds_text(text))
    }
}
