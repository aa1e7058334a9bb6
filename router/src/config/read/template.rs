//! Templates such as `sales/{day|upper}`.

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use super::Reader;
use super::values::parse_path;
use crate::config::error::Code;
use crate::config::file::At;
use crate::config::model::{Format, Piece, Template, Value};
use crate::config::suggest;

/// The name that stands for the whole value at the key's path.
pub(super) const VALUE: &str = "value";

/// The forms of a value that have a name.
const FORMS: [&str; 3] = ["lower", "upper", "int"];

/// A piece of a template's text.
enum Written<'t> {
    /// Literal text.
    Text(String),
    /// What stands in braces.
    Braces(&'t str),
}

impl Reader<'_> {
    /// Reads a template; `names` are the captures that there are.
    ///
    /// `{{` and `}}` stand for braces. A text that starts with `$.` is a path into the event.
    pub(super) fn template(&mut self, text: &At<String>, names: &[&str]) -> Option<Template> {
        if text.value.starts_with("$.") {
            if text.value.contains('|') {
                let message = format!("`{}` is not a template", text.value);
                self.finding(Code::Template, &text.span, message, "a path alone has no form")
                    .help(format!("write it in braces: `{{{}}}`", text.value));
                return None;
            }
            return Some(Template { pieces: vec![Piece::Value(Value::Path(self.path(text)?), Vec::new())] });
        }
        let Some(written) = split(&text.value) else {
            let message = format!("`{}` is not a template", text.value);
            self.finding(Code::Template, &text.span, message, "a brace without its partner").help(
                "write names in braces, `sales/{day}`, and braces that stand for themselves twice, `{{`",
            );
            return None;
        };
        if written.is_empty() {
            self.finding(Code::Template, &text.span, "the template is empty", "always the same name")
                .help("write names in braces, such as `sales/{day}`");
            return None;
        }
        let pieces = written.into_iter().filter_map(|piece| match piece {
            Written::Text(literal) => Some(Piece::Text(literal)),
            Written::Braces(inner) => self.piece(text, inner, names),
        });
        Some(Template { pieces: pieces.collect() })
    }

    /// Reads a template that names a value of the event; `what` is what it is for.
    pub(super) fn telling(&mut self, text: &At<String>, names: &[&str], what: &str) -> Option<Template> {
        let findings = self.findings.len();
        let template = self.template(text, names)?;
        if self.findings.len() > findings
            || template.pieces.iter().any(|piece| matches!(piece, Piece::Value(..)))
        {
            return Some(template);
        }
        let message = format!("`{}` names no value of the event", text.value);
        self.finding(Code::Template, &text.span, message, format!("{what} is always the same"))
            .help("write a path such as `$.data.number`, or names in braces, such as `{number}`");
        None
    }

    /// Reads what stands in braces: a name or a path, and how its value is written.
    fn piece(&mut self, text: &At<String>, inner: &str, names: &[&str]) -> Option<Piece> {
        let mut words = inner.split('|');
        let value = self.value(text, words.next().unwrap_or_default(), names);
        let formats: Vec<_> = words.map(|word| self.format(text, word)).collect();
        Some(Piece::Value(value?, formats.into_iter().collect::<Option<_>>()?))
    }

    fn value(&mut self, text: &At<String>, name: &str, names: &[&str]) -> Option<Value> {
        if name.starts_with('$') {
            if let Some(path) = parse_path(name) {
                return Some(Value::Path(path));
            }
            let message = format!("`{name}` is not a path into the event");
            self.finding(Code::Path, &text.span, message, "in this template")
                .help("write `{$.detail.object.key}`: `$.` and names with dots between them");
            return None;
        }
        if name == VALUE || names.contains(&name) {
            return Some(Value::Name(name.to_owned()));
        }
        let known: Vec<_> = [VALUE].into_iter().chain(names.iter().copied()).collect();
        let help = suggest::help(name, &known, "there are");
        self.finding(Code::Template, &text.span, format!("there is no capture `{name}`"), "in this template")
            .help(help);
        None
    }

    fn format(&mut self, text: &At<String>, word: &str) -> Option<Format> {
        match word {
            "lower" => return Some(Format::Lower),
            "upper" => return Some(Format::Upper),
            "int" => return Some(Format::Int),
            _ if word.contains('%') => return self.date(text, word),
            _ => {}
        }
        let help = match suggest::nearest(word, FORMS) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}, and dates such as `%Y-%m-%d`", suggest::list(&FORMS)),
        };
        self.finding(Code::Template, &text.span, format!("there is no form `{word}`"), "in this template")
            .help(help);
        None
    }

    /// Reads the form of a date; its last word is a time zone if it has no `%`.
    fn date(&mut self, text: &At<String>, word: &str) -> Option<Format> {
        let (form, zone) = match word.rsplit_once(' ') {
            Some((form, zone)) if !zone.contains('%') => (form, self.zone(text, zone, "in this template")?),
            _ => (word, TimeZone::UTC),
        };
        let Err(error) = strtime::format(form, &Timestamp::UNIX_EPOCH.to_zoned(zone.clone())) else {
            return Some(Format::Date { form: form.to_owned(), zone });
        };
        let error = error.to_string();
        let label = error.rsplit(": ").next().unwrap_or_default();
        let message = format!("`{form}` is not the form of a date");
        self.finding(Code::Template, &text.span, message, label).help(
            "write it as `strftime` has it, such as `%Y-%m-%d` or `%H:%M`, with a time zone after it where it is not UTC",
        );
        None
    }
}

/// Splits a template into text and what stands in braces; none if its braces do not pair.
fn split(text: &str) -> Option<Vec<Written<'_>>> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(index) = rest.find(['{', '}']) {
        let (before, after) = rest.split_at(index);
        literal.push_str(before);
        if let Some(after) = after.strip_prefix("{{").or_else(|| after.strip_prefix("}}")) {
            literal.push_str(&rest[index..=index]);
            rest = after;
            continue;
        }
        let (inner, after) = after.strip_prefix('{')?.split_once('}')?;
        if inner.is_empty() || inner.contains('{') {
            return None;
        }
        if !literal.is_empty() {
            pieces.push(Written::Text(std::mem::take(&mut literal)));
        }
        pieces.push(Written::Braces(inner));
        rest = after;
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Written::Text(literal));
    }
    Some(pieces)
}
