//! How values and alternatives are written.

use std::borrow::Cow;

use super::FOUND_MAX;
use crate::json::write_text;
use crate::value::Value;

/// The limit on characters of one value or alternative in a line; the rest are left out.
const SHOWN_MAX: usize = 200;

/// Returns a value as JSON.
pub(super) fn render(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => write_text(text.as_str()),
        Value::Number(number) => number.text().to_owned(),
        Value::Literal(found) => found.text().to_owned(),
    }
}

/// Joins the first of some items, each shortened, and the number of the rest and of `more`.
pub(super) fn list(items: &[String], more: usize, joint: &str, last: &str) -> String {
    let shown: Vec<Cow<'_, str>> = items.iter().take(FOUND_MAX).map(|item| shorten(item)).collect();
    let more = more + items.len() - shown.len();
    let rest = if more > 0 { format!("{last}{more} more") } else { String::new() };
    shown.join(joint) + &rest
}

/// Returns a text as a JSON string, shortened.
pub(super) fn quote(text: &str) -> String {
    shorten(&write_text(&shorten(text))).into_owned()
}

/// Cuts a text after [`SHOWN_MAX`] characters.
pub(super) fn shorten(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN_MAX) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}...", &text[..end])),
    }
}

/// Returns a path as it can stand in a line: a line break in a name as `\n`.
pub(super) fn in_one_line(path: &str) -> Cow<'_, str> {
    if !path.contains(char::is_control) {
        return Cow::Borrowed(path);
    }
    let escape = |character: char| {
        if character.is_control() { character.escape_default().to_string() } else { character.to_string() }
    };
    path.chars().map(escape).collect()
}

/// Returns what an alternative's operator is about: `"x"` of `{"prefix":{"equals-ignore-case":"x"}}`.
pub(super) fn operand(wanted: &str) -> &str {
    let mut operand = wanted;
    while let Some((_, value)) = operand.strip_prefix('{').and_then(|inside| inside.split_once(':')) {
        operand = value.strip_suffix('}').unwrap_or(value);
    }
    operand
}

/// Removes the white space between the tokens of a JSON text.
pub(super) fn without_space(json: &str) -> String {
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
