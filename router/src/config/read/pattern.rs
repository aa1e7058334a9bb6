//! From a filter in the file to a pattern, and from a place in the pattern's JSON back to the file.

use std::ops::Range;

use pattern::Pattern;

use super::Reader;
use crate::config::error::Code;
use crate::config::file::{At, Entries, Filter, Node};

/// How a field is written in a table.
const HELP_TABLE: &str =
    "a field takes an array of values and matchers: `source = [\"shop.orders\", { prefix = \"aws.\" }]`";

/// How a field is written in a string of JSON.
const HELP_JSON: &str = "a field takes an array of values and matchers: `{\"source\": [\"shop.orders\", {\"prefix\": \"aws.\"}]}`";

/// A pattern's JSON and where its pieces stand in the file.
struct Json {
    text: String,
    /// Bytes of the JSON and bytes of the file; what holds others comes after them.
    places: Vec<(Range<usize>, Range<usize>)>,
    /// Where the JSON starts in the file, if the file has it word for word.
    verbatim: Option<usize>,
}

impl Reader<'_> {
    /// Reads a filter, where there is one: none inside means all events.
    #[expect(clippy::option_option, reason = "no filter and a filter with an error are different answers")]
    pub(super) fn filter(&mut self, filter: Option<&At<Filter>>) -> Option<Option<Pattern>> {
        match filter {
            Some(filter) => self.pattern(filter).map(Some),
            None => Some(None),
        }
    }

    /// Reads a pattern.
    pub(super) fn pattern(&mut self, filter: &At<Filter>) -> Option<Pattern> {
        let json = self.json(filter)?;
        let error = match Pattern::parse(&json.text) {
            Ok(pattern) => return Some(pattern),
            Err(error) => error,
        };
        let span = json.place(error.span().start..error.span().end).unwrap_or_else(|| filter.span.clone());
        let help = match &filter.value {
            Filter::Text(_) => HELP_JSON,
            Filter::Table(_) => HELP_TABLE,
        };
        let message = "this is not a pattern that EventBridge would take";
        self.finding(Code::Pattern, &span, message, without_source(error.message())).help(help);
        None
    }

    fn json(&mut self, filter: &At<Filter>) -> Option<Json> {
        let mut json = Json { text: String::new(), places: Vec::new(), verbatim: None };
        match &filter.value {
            Filter::Text(text) => {
                json.verbatim = verbatim(self.text, &filter.span, text);
                json.text.clone_from(text);
            }
            Filter::Table(entries) => json.table(self, entries)?,
        }
        Some(json)
    }
}

impl Json {
    fn table(&mut self, reader: &mut Reader<'_>, entries: &Entries) -> Option<()> {
        self.text.push('{');
        for (index, (key, node)) in entries.iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            let start = self.text.len();
            self.string(&key.value);
            self.places.push((start..self.text.len(), key.span.clone()));
            self.text.push(':');
            self.node(reader, node)?;
        }
        self.text.push('}');
        Some(())
    }

    fn node(&mut self, reader: &mut Reader<'_>, node: &At<Node>) -> Option<()> {
        let start = self.text.len();
        match &node.value {
            Node::Table(entries) => self.table(reader, entries)?,
            Node::Array(items) => {
                self.text.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.text.push(',');
                    }
                    self.node(reader, item)?;
                }
                self.text.push(']');
            }
            Node::String(text) => self.string(text),
            Node::Boolean(flag) => self.text.push_str(if *flag { "true" } else { "false" }),
            Node::Number(otherwise) => {
                let number = number(reader.text, &node.span, otherwise.as_deref());
                let Some(number) = number else {
                    reader
                        .finding(Code::Pattern, &node.span, "JSON has no such number", "not a finite number")
                        .help("write a number with digits");
                    return None;
                };
                self.text.push_str(&number);
            }
        }
        self.places.push((start..self.text.len(), node.span.clone()));
        Some(())
    }

    fn string(&mut self, text: &str) {
        self.text.push_str(&serde_json::Value::from(text).to_string());
    }

    /// Returns the smallest piece of the file that holds this part of the JSON.
    fn place(&self, part: Range<usize>) -> Option<Range<usize>> {
        if let Some(start) = self.verbatim {
            let end = part.end.min(self.text.len());
            return Some(start + part.start.min(end)..start + end);
        }
        let holds = |json: &Range<usize>| json.start <= part.start && part.end <= json.end;
        let holding = self.places.iter().filter(|(json, _)| holds(json));
        holding.min_by_key(|(json, _)| json.len()).map(|(_, file)| file.clone())
    }
}

/// Returns a reason without the pattern's text and the place in it, which the file shows better.
fn without_source(reason: &str) -> &str {
    let source = reason.find("[Source: (String)");
    source.and_then(|at| reason[..at].rfind(" (")).map_or(reason, |at| &reason[..at])
}

/// Returns a number as the file has it, where that is JSON too; `otherwise` is what else it could be.
fn number(file: &str, span: &Range<usize>, otherwise: Option<&str>) -> Option<String> {
    let written = file.get(span.clone()).unwrap_or_default().replace('_', "");
    let written = written.strip_prefix('+').unwrap_or(&written);
    let is_json = serde_json::from_str::<&serde_json::value::RawValue>(written).is_ok();
    if is_json { Some(written.to_owned()) } else { otherwise.map(str::to_owned) }
}

/// Returns where a string of JSON starts in the file, if the file has it without escapes.
fn verbatim(file: &str, span: &Range<usize>, text: &str) -> Option<usize> {
    let start = file.get(span.clone())?.find(text)?;
    Some(span.start + start)
}
