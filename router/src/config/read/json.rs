//! From a value in the file to JSON, and from a place in that JSON back to the file.

use std::ops::Range;

use super::Reader;
use crate::config::error::Code;
use crate::config::file::{At, Entries, Node};

/// JSON and where its pieces stand in the file.
pub(super) struct Json {
    pub(super) text: String,
    /// The kind of what is said of a value that JSON has not.
    code: Code,
    /// Bytes of the JSON and bytes of the file; what holds others comes after them.
    places: Vec<(Range<usize>, Range<usize>)>,
    /// Where the JSON starts in the file, if the file has it word for word.
    pub(super) verbatim: Option<usize>,
}

impl Json {
    /// Returns JSON of no value yet.
    pub(super) fn new(code: Code) -> Self {
        Self { text: String::new(), code, places: Vec::new(), verbatim: None }
    }

    /// Adds a table; none if an error was recorded.
    pub(super) fn table(&mut self, reader: &mut Reader<'_>, entries: &Entries) -> Option<()> {
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

    /// Adds a value; none if an error was recorded.
    pub(super) fn node(&mut self, reader: &mut Reader<'_>, node: &At<Node>) -> Option<()> {
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
                        .finding(self.code, &node.span, "JSON has no such number", "not a finite number")
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
    pub(super) fn place(&self, part: Range<usize>) -> Option<Range<usize>> {
        if let Some(start) = self.verbatim {
            let end = part.end.min(self.text.len());
            return Some(start + part.start.min(end)..start + end);
        }
        let holds = |json: &Range<usize>| json.start <= part.start && part.end <= json.end;
        let holding = self.places.iter().filter(|(json, _)| holds(json));
        holding.min_by_key(|(json, _)| json.len()).map(|(_, file)| file.clone())
    }
}

/// Returns a number as the file has it, where that is JSON too; `otherwise` is what else it could be.
fn number(file: &str, span: &Range<usize>, otherwise: Option<&str>) -> Option<String> {
    let written = file.get(span.clone()).unwrap_or_default().replace('_', "");
    let written = written.strip_prefix('+').unwrap_or(&written);
    let is_json = serde_json::from_str::<&serde_json::value::RawValue>(written).is_ok();
    if is_json { Some(written.to_owned()) } else { otherwise.map(str::to_owned) }
}
