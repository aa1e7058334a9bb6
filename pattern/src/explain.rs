//! Why an event matches a pattern, or why not.

mod closest;
mod difference;
mod shown;
mod text;

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use crate::compiled::{Branch, Compiled, FieldRule};
use crate::elements::Search;
use crate::evaluate::branch_holds;
use crate::flatten::Flattened;
use crate::value::Value;

pub use closest::Closest;

/// The limit on values an explanation names for one field; the rest are counted.
pub const FOUND_MAX: usize = 20;

/// What a pattern wants and what an event has, field by field.
///
/// Of a pattern with `$or` it tells about one combination: one that matches, or the one that came closest.
///
/// Its text has one line for each field, in which values and alternatives are cut after 200 characters and no more than
/// [`FOUND_MAX`] of them are named:
///
/// ```
/// use railpost_pattern::Pattern;
///
/// let pattern = Pattern::parse(r#"{"detail": {"total": [{"numeric": [">", 100]}]}}"#)?;
/// let explanation = pattern.explain(br#"{"detail": {"total": 40}}"#)?;
/// assert!(!explanation.matched);
/// assert_eq!(explanation.to_string(), r#"detail.total: wanted {"numeric":[">",100]}, found 40; closest: 40 is not > 100"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// Whether the event matches.
    pub matched: bool,
    /// How many combinations the pattern's `$or` expand to; 1 without `$or`.
    pub combinations: usize,
    /// The combination that the fields are those of, counted from 0.
    pub combination: usize,
    /// Whether every field holds by itself, but only with values from different elements of one array.
    pub elements_differ: bool,
    /// The fields, in the order of the pattern's text.
    pub fields: Vec<FieldExplanation>,
}

/// What a pattern wants of one field, and what an event has there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FieldExplanation {
    /// The dotted path of the field.
    pub path: String,
    /// The alternatives, in the pattern's own text without its white space.
    pub wanted: Vec<String>,
    /// The values in the event, as JSON, at most [`FOUND_MAX`]; none where the field is absent.
    pub found: Vec<String>,
    /// How many values there are beyond those.
    pub more: usize,
    /// Whether one of the values fulfils one of the alternatives.
    pub held: bool,
    /// The alternative that came closest, where none holds and the event has a value.
    pub closest: Option<Closest>,
}

/// Explains the first combination that matches, or else the one with the fewest fields that do not hold.
pub(crate) fn explain(
    text: &str,
    compiled: &Compiled,
    event: Flattened<'_>,
    search: &mut Search,
) -> Explanation {
    let held: Vec<bool> = compiled.rules.iter().map(|rule| rule.test().holds(event)).collect();
    let failing = |branch: &Branch| branch.0.iter().filter(|rule| !held[**rule as usize]).count();
    let first = first_that_matches(compiled, &held, event, search);
    let matched = first.is_some();
    let combinations = compiled.branches.len();
    let nearest = || (0..combinations).min_by_key(|combination| failing(&compiled.branches[*combination]));
    let combination = first.or_else(nearest).unwrap_or_default();
    let mut rules = compiled.branches.get(combination).map_or_else(Vec::new, |branch| branch.0.to_vec());
    // The rules are numbered in the order of the text.
    rules.sort_unstable();
    let fields = rules.into_iter().map(|rule| {
        let field = field(text, compiled, &compiled.rules[rule as usize], event);
        if matched || held[rule as usize] {
            FieldExplanation { held: held[rule as usize], closest: None, ..field }
        } else {
            field
        }
    });
    let fields: Vec<FieldExplanation> = fields.collect();
    let elements_differ = !matched && fields.iter().all(|field| field.held);
    Explanation { matched, combinations, combination, elements_differ, fields }
}

/// Explains a field that fails.
fn field(text: &str, compiled: &Compiled, rule: &FieldRule, event: Flattened<'_>) -> FieldExplanation {
    let values: Vec<Value<'_>> = event.at(rule.path).take(FOUND_MAX).map(|leaf| event.value(leaf)).collect();
    let wanted: Vec<String> =
        rule.spans.iter().map(|(start, end)| shown::without_space(&text[*start..*end])).collect();
    let found: Vec<String> = values.iter().map(shown::render).collect();
    FieldExplanation {
        path: compiled.paths[rule.path as usize].to_string(),
        more: event.at(rule.path).count() - values.len(),
        held: false,
        closest: closest::closest(rule.alternatives.all(), &values, &wanted, &found),
        wanted,
        found,
    }
}

/// Returns the first combination that matches. Only those are held against the event of which no field fails by itself.
fn first_that_matches(
    compiled: &Compiled,
    held: &[bool],
    event: Flattened<'_>,
    search: &mut Search,
) -> Option<usize> {
    let may_hold = |rule: &u32| {
        let field = &compiled.rules[*rule as usize];
        held[*rule as usize] || field.alternatives.may_be_absent() && event.is_placed(field.path)
    };
    compiled
        .branches
        .iter()
        .position(|branch| branch.0.iter().all(may_hold) && branch_holds(compiled, branch, event, search))
}

impl Display for Explanation {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for (index, field) in self.fields.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            write!(formatter, "{field}")?;
        }
        if self.elements_differ {
            formatter.write_str("\nevery field holds, but only in different elements of one array")?;
        }
        Ok(())
    }
}

impl FieldExplanation {
    /// Returns the alternatives in one line, each cut after 200 characters, at most [`FOUND_MAX`] of them.
    pub fn wanted_line(&self) -> String {
        shown::list(&self.wanted, 0, " or ", " or ")
    }

    /// Returns the values in one line, each cut after 200 characters; empty where the field is absent.
    pub fn found_line(&self) -> String {
        shown::list(&self.found, self.more, ", ", " and ")
    }
}

impl Display for FieldExplanation {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let found = if self.found.is_empty() { "nothing".to_owned() } else { self.found_line() };
        write!(
            formatter,
            "{}: wanted {}, found {found}",
            shown::in_one_line(&self.path),
            self.wanted_line()
        )?;
        match &self.closest {
            Some(closest) => write!(formatter, "; closest: {}", closest.why),
            None => Ok(()),
        }
    }
}
