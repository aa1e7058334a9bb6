//! From text to the file's shape, or to everything that keeps it from having one.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer, Error};

use super::Reader;
use crate::config::error::Code;
use crate::config::file::File;
use crate::config::suggest;

/// What the decoder says of a table of no key or several, where one is wanted.
const NOT_ONE_KEY: &str = "wanted exactly 1 element";

/// The keys that take one of several words, of which the decoder says the same.
const WORD_KEYS: [&str; 10] = [
    "at_limit",
    "duplicates",
    "durability",
    "from",
    "late",
    "mode",
    "on_missing_key",
    "otherwise",
    "partial",
    "parts",
];

/// What it says of a condition that is a text.
const NO_TABLE: &str = "invalid type: unit variant";

/// How a date of TOML shows itself where JSON is wanted.
const DATE: &str = "$__toml_private_datetime";

/// Fields of a retrier of Step Functions that are not here, why, and so what to do.
const NOT_HERE: [(&str, &str, &str); 2] = [
    (
        "JitterStrategy",
        "waits are always spread",
        "remove it: every wait is drawn at random up to the longest wait, as with `FULL`, so that a target that \
         comes back is not met by all at once",
    ),
    (
        "ErrorEquals",
        "the answer itself says whether another try can help",
        "remove it: timeouts, lost connections, throttling and the target's own failures are tried again, and what \
         the target refuses for good is a dead letter at once",
    ),
];

/// Errors of syntax after the first few are mostly echoes of those.
const SYNTAX_ERRORS_MAX: usize = 5;

/// Reads the shape of the file; none if an error was recorded.
pub(super) fn parse(reader: &mut Reader<'_>) -> Option<File> {
    let (table, errors) = DeTable::parse_recoverable(reader.text);
    if !errors.is_empty() {
        for error in errors.iter().take(SYNTAX_ERRORS_MAX) {
            let span = error.span().unwrap_or(0..0);
            let message = format!("the file is not TOML: {}", error.message());
            reader
                .finding(Code::Syntax, &span, message, "here")
                .help("strings need quotes, tables within a line need commas between their keys");
        }
        return None;
    }
    match File::deserialize(Deserializer::from(table.clone())) {
        Ok(file) => Some(file),
        Err(first) => {
            let mut errors = shape_errors(table.into_inner());
            if errors.is_empty() {
                errors.push(first);
            }
            for error in &errors {
                shape_finding(reader, error);
            }
            None
        }
    }
}

/// Reads every bus, consumer, aggregation and other table as if it were a file of its own, to find an error in each.
fn shape_errors(table: DeTable<'_>) -> Vec<Error> {
    let mut errors = Vec::new();
    for (key, value) in table {
        for piece in pieces(key.get_ref(), value) {
            let span = piece.span();
            let file = DeTable::from_iter([(key.clone(), piece)]);
            errors.extend(File::deserialize(Deserializer::from(Spanned::new(span, file))).err());
        }
    }
    errors
}

/// Takes an array of several tables, or the table of buses, apart into arrays or tables of one.
fn pieces<'t>(key: &str, value: Spanned<DeValue<'t>>) -> Vec<Spanned<DeValue<'t>>> {
    match value.get_ref() {
        DeValue::Table(buses) if key == "bus" => buses
            .iter()
            .map(|(name, bus)| {
                let one = DeTable::from_iter([(name.clone(), bus.clone())]);
                Spanned::new(bus.span(), DeValue::Table(one))
            })
            .collect(),
        DeValue::Array(items) => items
            .iter()
            .map(|item| {
                let mut one = DeArray::new();
                one.push(item.clone());
                Spanned::new(item.span(), DeValue::Array(one))
            })
            .collect(),
        _ => vec![value],
    }
}

/// Records what the decoder says, in the words of this file.
fn shape_finding(reader: &mut Reader<'_>, error: &Error) {
    let span = error.span().unwrap_or(0..0);
    let message = error.message();
    let mut names = message.split('`').skip(1).step_by(2);
    let given = names.next().unwrap_or_default();
    let known: Vec<_> = names.collect();
    let not_here = NOT_HERE.iter().find(|(name, ..)| *name == given && known.contains(&"BackoffRate"));
    if let Some((_, why, help)) = not_here {
        reader
            .finding(Code::UnknownKey, &span, format!("`{given}` of Step Functions is not a key here"), *why)
            .help(*help);
    } else if message.starts_with("unknown field") {
        let help = suggest::help(given, &known, "the keys here are");
        reader
            .finding(Code::UnknownKey, &span, format!("unknown key `{given}`"), "no such key here")
            .help(help);
    } else if message.starts_with("unknown variant") {
        let help = suggest::help(given, &known, "it is one of");
        let message = format!("`{given}` is not known here");
        reader.finding(Code::WrongValue, &span, message, "not one of what it can be").help(help);
    } else if message.starts_with("missing field") {
        let span = first_line(reader.text, &span);
        reader
            .finding(Code::MissingKey, &span, format!("`{given}` is missing"), "in this table")
            .help(format!("add `{given} = ...`"));
    } else if let Some(key) = word_key(reader.text, &span)
        && message.starts_with(NOT_ONE_KEY)
    {
        let help = format!("see `{key}` in docs/configuration.md");
        let message = format!("`{key}` takes a string");
        reader.finding(Code::WrongValue, &span, message, "of the wrong type").help(help);
    } else if message.starts_with(NOT_ONE_KEY) || message.starts_with(NO_TABLE) {
        reader
            .finding(Code::Completion, &span, "a condition is a table of exactly one key", "not exactly one")
            .help("write several conditions as `{ any = [{ .. }, { .. }] }` or `{ all = [{ .. }, { .. }] }`");
    } else if message.contains(DATE) {
        let written = reader.text.get(span.clone()).unwrap_or_default();
        let help = format!("write it as a string: `\"{written}\"`");
        reader.finding(Code::WrongValue, &span, "a date is no value of JSON", "a date").help(help);
    } else {
        wrong_value(reader, &span, message);
    }
}

/// Records a value that is none for its key.
fn wrong_value(reader: &mut Reader<'_>, span: &Range<usize>, message: &str) {
    let written = reader.text.get(span.clone()).unwrap_or_default();
    if message.starts_with("invalid type: map") && written.starts_with(|first: char| first.is_ascii_digit()) {
        let help = format!("write it as a string: `\"{written}\"`");
        reader.finding(Code::WrongValue, span, "a date is no value here", "a date").help(help);
        return;
    }
    let label = if message.starts_with("invalid value") { "out of range" } else { "of the wrong type" };
    let help = match key_before(reader.text, span.start) {
        Some(key) => format!("see `{key}` in docs/configuration.md"),
        None => "see docs/configuration.md".to_owned(),
    };
    reader.finding(Code::WrongValue, span, in_words(message), label).help(help);
}

/// Returns the key whose value this is, if it takes one of several words.
fn word_key<'t>(text: &'t str, span: &Range<usize>) -> Option<&'t str> {
    key_before(text, span.start).filter(|key| WORD_KEYS.contains(key))
}

/// Returns the key whose value starts at a place in the file.
fn key_before(text: &str, start: usize) -> Option<&str> {
    let before = text.get(..start)?.trim_end().strip_suffix('=')?.trim_end();
    let is_of_key = |next: char| next.is_ascii_alphanumeric() || next == '_' || next == '-';
    let key = &before[before.trim_end_matches(is_of_key).len()..];
    (!key.is_empty()).then_some(key)
}

/// Returns what the decoder says of a value that is none for its key, in the words of TOML.
pub(super) fn in_words(message: &str) -> String {
    let said = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    let Some((found, wanted)) = said.and_then(|said| said.rsplit_once(", expected ")) else {
        return message.to_owned();
    };
    let kinds = ["integer ", "floating point ", "boolean ", "string "];
    let is_whole = found.starts_with("integer ");
    let found = found.trim_end_matches(" as i128").trim_end_matches(" as u128");
    let found = match found {
        "sequence" => "an array",
        "map" => "a table",
        other => kinds.iter().find_map(|kind| other.strip_prefix(kind)).unwrap_or(other),
    };
    let wanted = match wanted {
        "i64" if is_whole => "a whole number of at most 64 bits".to_owned(),
        "i64" => "a whole number".to_owned(),
        "u32" => format!("a whole number from 0 to {}", u32::MAX),
        "f64" => "a number".to_owned(),
        "a sequence" => "an array".to_owned(),
        other => other.to_owned(),
    };
    format!("{found} is not {wanted}")
}

/// Cuts a part of the file to its first line.
fn first_line(text: &str, span: &Range<usize>) -> Range<usize> {
    let length = text[span.clone()].find('\n').unwrap_or(span.len());
    span.start..span.start + length
}
