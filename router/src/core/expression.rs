//! Keys and part names: values of an event, taken apart and put together.

use std::collections::HashMap;

use super::facts::Facts;
use crate::config::{KeyExpression, Piece, Template};

/// The values that a key expression found, by name.
pub(crate) type Captures = HashMap<String, String>;

/// Returns what a key expression finds in an event: its captures, and `value`; none if the path leads nowhere or the
/// regular expression does not match.
pub(crate) fn capture(expression: &KeyExpression, facts: &Facts<'_>) -> Option<Captures> {
    let value = facts.scalar(&expression.path)?;
    let mut captures = Captures::new();
    if let Some(regex) = &expression.capture {
        let found = regex.captures(&value)?;
        let named = regex.capture_names().flatten();
        captures
            .extend(named.filter_map(|name| Some((name.to_owned(), found.name(name)?.as_str().to_owned()))));
    }
    captures.insert("value".to_owned(), value);
    Some(captures)
}

/// Fills in a template; none if a name or a path has no value, or nothing comes of it.
pub(crate) fn fill(template: &Template, captures: &Captures, facts: &Facts<'_>) -> Option<String> {
    let mut text = String::new();
    for piece in &template.pieces {
        match piece {
            Piece::Text(literal) => text.push_str(literal),
            Piece::Name(name) => text.push_str(captures.get(name)?),
            Piece::Path(path) => text.push_str(&facts.scalar(path)?),
        }
    }
    (!text.is_empty()).then_some(text)
}
