//! [`Measured`]: what the parts of a group add up to.

use std::collections::BTreeSet;

use event::Text;

use super::group::Part;
use crate::config::{Ceiling, Measure, While};

/// What one `while` condition measures of the parts so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Measured {
    sum: f64,
    count: usize,
    distinct: BTreeSet<Text>,
}

/// Measures parts anew, for conditions in their order.
pub(crate) fn measure(rules: &[While], parts: &[Part]) -> Vec<Measured> {
    let mut measured = vec![Measured::default(); rules.len()];
    for part in parts {
        add(rules, &mut measured, part);
    }
    measured
}

/// Adds one part to what was measured.
pub(crate) fn add(rules: &[While], measured: &mut [Measured], part: &Part) {
    let Some(more) = &part.more else { return };
    for ((rule, measured), value) in rules.iter().zip(measured).zip(&more.measured) {
        let Some(value) = value else { continue };
        measured.count += 1;
        match rule.measure {
            Measure::Sum => measured.sum += number(value).unwrap_or_default(),
            Measure::Distinct => drop(measured.distinct.insert(Text::clone(value))),
            Measure::Count => {}
        }
    }
}

/// Reads a number, which infinity and what is no number at all are not.
fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

impl Measured {
    /// Returns whether the limit is reached up to which a group goes on.
    pub(crate) fn reached(&self, rule: &While) -> bool {
        let value = self.value(rule.measure);
        match rule.limit {
            Ceiling::Below(limit) => value >= limit,
            Ceiling::AtMost(limit) => value > limit,
        }
    }

    /// Returns what was measured, in words.
    pub(crate) fn words(&self, rule: &While) -> String {
        let name = match rule.measure {
            Measure::Sum => "sum",
            Measure::Count => "count",
            Measure::Distinct => "distinct",
        };
        let (is, limit) = match rule.limit {
            Ceiling::Below(limit) => ("below", limit),
            Ceiling::AtMost(limit) => ("at most", limit),
        };
        let path = rule.path.join(".");
        let not = if self.reached(rule) { "no longer " } else { "" };
        format!("the {name} of {path} is {}, {not}{is} {limit}", self.value(rule.measure))
    }

    fn value(&self, measure: Measure) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a group has fewer parts than 2^52")]
        match measure {
            Measure::Sum => self.sum,
            Measure::Count => self.count as f64,
            Measure::Distinct => self.distinct.len() as f64,
        }
    }
}
