//! Why an event matches a pattern, or why not.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use crate::compiled::{Branch, Compiled, FieldRule};
use crate::evaluate::{branch_holds, field_holds};
use crate::flatten::{Flattened, Leaf};
use crate::json::write_text;
use crate::paths::PathId;
use crate::value::{Literal, Value};

/// The limit on values an explanation names for one field; the rest are counted.
pub const FOUND_MAX: usize = 20;

/// What a pattern wants and what an event has, field by field.
///
/// Of a pattern with `$or` it tells about one combination: one that matches, or the one that came closest.
///
/// Its text has one line for each field:
///
/// ```
/// use railpost_pattern::Pattern;
///
/// let pattern = Pattern::parse(r#"{"detail": {"total": [{"numeric": [">", 100]}]}}"#)?;
/// let explanation = pattern.explain(br#"{"detail": {"total": 40}}"#)?;
/// assert!(!explanation.matched);
/// assert_eq!(explanation.to_string(), r#"detail.total: wanted {"numeric":[">",100]}, found 40"#);
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
}

/// Explains the first combination that matches, or else the one with the fewest fields that do not hold.
pub(crate) fn explain(text: &str, compiled: &Compiled, ids: &[PathId], event: &Flattened<'_>) -> Explanation {
    let leaves = |rule: &FieldRule| event.at(ids[rule.path as usize]);
    let missing = |branch: &Branch| {
        let matched = branch_holds(compiled, branch, ids, event);
        let failing = compiled.rules(branch).filter(|rule| !field_holds(rule, leaves(rule))).count();
        (!matched, failing)
    };
    let closest = compiled.branches.iter().enumerate().min_by_key(|(_, branch)| missing(branch));
    let (combination, mut rules) = match closest {
        Some((combination, branch)) => (combination, compiled.rules(branch).collect()),
        None => (0, Vec::new()),
    };
    rules.sort_by_key(|rule| rule.spans.first().copied());
    let fields: Vec<_> = rules.iter().map(|rule| field(text, compiled, rule, leaves(rule))).collect();
    let matched = closest.is_some_and(|(_, branch)| branch_holds(compiled, branch, ids, event));
    Explanation {
        matched,
        combinations: compiled.branches.len(),
        combination,
        elements_differ: !matched && fields.iter().all(|field| field.held),
        fields,
    }
}

fn field(text: &str, compiled: &Compiled, rule: &FieldRule, leaves: &[Leaf<'_>]) -> FieldExplanation {
    FieldExplanation {
        path: compiled.paths[rule.path as usize].to_string(),
        wanted: rule.spans.iter().map(|(start, end)| without_space(&text[*start..*end])).collect(),
        found: leaves.iter().take(FOUND_MAX).map(|leaf| render(&leaf.value)).collect(),
        more: leaves.len().saturating_sub(FOUND_MAX),
        held: field_holds(rule, leaves),
    }
}

fn render(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => write_text(text),
        Value::Number(text) => (*text).to_owned(),
        Value::Literal(Literal::True) => "true".to_owned(),
        Value::Literal(Literal::False) => "false".to_owned(),
        Value::Literal(Literal::Null) => "null".to_owned(),
    }
}

/// Removes the white space between the tokens of a JSON text.
fn without_space(json: &str) -> String {
    let mut inside_text = false;
    let mut escaped = false;
    json.chars()
        .filter(|character| {
            let kept = inside_text || !matches!(character, ' ' | '\t' | '\n' | '\r');
            if !escaped && *character == '"' {
                inside_text = !inside_text;
            }
            escaped = inside_text && !escaped && *character == '\\';
            kept
        })
        .collect()
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

impl Display for FieldExplanation {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: wanted {}, found ", self.path, self.wanted.join(" or "))?;
        if self.found.is_empty() {
            return formatter.write_str("nothing");
        }
        formatter.write_str(&self.found.join(", "))?;
        if self.more > 0 {
            write!(formatter, " and {} more", self.more)?;
        }
        Ok(())
    }
}
