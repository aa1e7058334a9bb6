//! From a filter in the file to a pattern.

use std::ops::Range;

use pattern::Pattern;

use super::Reader;
use super::json::Json;
use crate::config::error::Code;
use crate::config::file::{At, Filter};

/// How a field is written in a table.
const HELP_TABLE: &str =
    "a field takes an array of values and matchers: `source = [\"shop.orders\", { prefix = \"aws.\" }]`";

/// How a field is written in a string of JSON.
const HELP_JSON: &str = "a field takes an array of values and matchers: `{\"source\": [\"shop.orders\", {\"prefix\": \"aws.\"}]}`";

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
        let mut json = Json::new(Code::Pattern);
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

/// Returns a reason without the pattern's text and the place in it, which the file shows better.
fn without_source(reason: &str) -> &str {
    let source = reason.find("[Source: (String)");
    source.and_then(|at| reason[..at].rfind(" (")).map_or(reason, |at| &reason[..at])
}

/// Returns where a string of JSON starts in the file, if the file has it without escapes.
fn verbatim(file: &str, span: &Range<usize>, text: &str) -> Option<usize> {
    let start = file.get(span.clone())?.find(text)?;
    Some(span.start + start)
}
