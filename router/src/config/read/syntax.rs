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
    } else if message.starts_with(NOT_ONE_KEY) {
        reader
            .finding(Code::Completion, &span, "a condition is a table of exactly one key", "not exactly one")
            .help("write several conditions as `{ any = [{ .. }, { .. }] }` or `{ all = [{ .. }, { .. }] }`");
    } else if message.contains(DATE) {
        reader
            .finding(Code::WrongValue, &span, "a date is no value of JSON", "a date")
            .help("write it as a string: `\"2026-11-21\"`");
    } else {
        let message = message.to_owned();
        reader
            .finding(Code::WrongValue, &span, message, "of the wrong type")
            .help("see docs/configuration.md");
    }
}

/// Cuts a part of the file to its first line.
fn first_line(text: &str, span: &Range<usize>) -> Range<usize> {
    let length = text[span.clone()].find('\n').unwrap_or(span.len());
    span.start..span.start + length
}
