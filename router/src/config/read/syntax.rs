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

/// What it says of a condition that is a text.
const NO_TABLE: &str = "invalid type: unit variant";

/// How a date of TOML shows itself where JSON is wanted.
const DATE: &str = "$__toml_private_datetime";

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
        for piece in pieces(value) {
            let span = piece.span();
            let file = DeTable::from_iter([(key.clone(), piece)]);
            errors.extend(File::deserialize(Deserializer::from(Spanned::new(span, file))).err());
        }
    }
    errors
}

/// Takes an array of several tables apart into arrays of one.
fn pieces(value: Spanned<DeValue<'_>>) -> Vec<Spanned<DeValue<'_>>> {
    match value.get_ref() {
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
    if message.starts_with("unknown field") {
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
    } else if message.starts_with(NOT_ONE_KEY) || message.starts_with(NO_TABLE) {
        reader
            .finding(Code::Completion, &span, "a condition is a table of exactly one key", "not exactly one")
            .help("write several conditions as `{ any = [{ .. }, { .. }] }` or `{ all = [{ .. }, { .. }] }`");
    } else if message.contains(DATE) {
        reader
            .finding(Code::WrongValue, &span, "a date is no value of JSON", "a date")
            .help("write it as a string: `\"2026-11-21\"`");
    } else {
        let label = if message.starts_with("invalid value") { "out of range" } else { "of the wrong type" };
        reader
            .finding(Code::WrongValue, &span, wrong_value(message), label)
            .help("see docs/configuration.md");
    }
}

/// Returns what the decoder says of a value that is none for its key, in the words of TOML.
fn wrong_value(message: &str) -> String {
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
        other => other.to_owned(),
    };
    format!("{found} is not {wanted}")
}

/// Cuts a part of the file to its first line.
fn first_line(text: &str, span: &Range<usize>) -> Range<usize> {
    let length = text[span.clone()].find('\n').unwrap_or(span.len());
    span.start..span.start + length
}
