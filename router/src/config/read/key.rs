//! How an event's key is found.

use std::collections::BTreeMap;
use std::ops::Range;

use regex::Regex;

use super::Reader;
use super::template::VALUE;
use crate::config::error::Code;
use crate::config::file::{At, Key, Keys, OneOrMany};
use crate::config::model::{KeyExpression, Piece, Template, Value};

/// Expressions that a key is made of, at most.
const EXPRESSIONS_MAX: usize = 8;

impl Reader<'_> {
    /// Reads how an event's key is found, by one expression or several.
    pub(super) fn keys(&mut self, keys: &At<Keys>) -> Option<Vec<KeyExpression>> {
        let each = keys.each();
        if !(1..=EXPRESSIONS_MAX).contains(&each.len()) {
            let message = format!("this key has {} expressions", each.len());
            let label = format!("not from 1 to {EXPRESSIONS_MAX}");
            self.finding(Code::OutOfRange, &keys.span, message, label)
                .help("write a path such as `$.detail.order`, a table, or a list of a few of these");
            return None;
        }
        let read: Vec<_> = each.iter().map(|(span, key)| self.key(span, key)).collect();
        let read: Vec<KeyExpression> = read.into_iter().collect::<Option<_>>()?;
        let mut seen: BTreeMap<&str, &Range<usize>> = BTreeMap::new();
        for ((span, _), expression) in each.iter().zip(&read) {
            for name in captures_of(expression.capture.as_ref()) {
                if let Some(first) = seen.insert(name, span) {
                    let message = format!("two expressions of this key capture `{name}`");
                    self.finding(Code::DuplicateName, span, message, "the same name again")
                        .label(first, "the first")
                        .help("give each capture a name of its own: `part` can use all of them");
                }
            }
        }
        Some(read)
    }

    /// Reads how an event's key is found, by one expression at a place.
    pub(super) fn key(&mut self, span: &Range<usize>, key: &Key) -> Option<KeyExpression> {
        let whole = || Template { pieces: vec![Piece::Value(Value::Name(VALUE.to_owned()), Vec::new())] };
        let table = match key {
            Key::Text(path) => {
                let path = At { span: span.clone(), value: path.clone() };
                return Some(KeyExpression { paths: vec![self.path(&path)?], capture: None, key: whole() });
            }
            Key::Table(table) => table,
        };
        let paths = self.paths(&table.path);
        let capture = match &table.capture {
            Some(capture) => Some(self.capture(capture)?),
            None => None,
        };
        let key = match &table.key {
            Some(template) => self.template(template, &captures_of(capture.as_ref()))?,
            None => whole(),
        };
        Some(KeyExpression { paths: paths?, capture, key })
    }

    fn paths(&mut self, paths: &At<OneOrMany<String>>) -> Option<Vec<Vec<String>>> {
        let each = paths.each();
        if each.is_empty() {
            self.finding(Code::Path, &paths.span, "there is no path", "an empty list")
                .help("write a path, `$.detail.object.key`, `$.source` or `$.subject`");
            return None;
        }
        let path = |(span, path): (&Range<usize>, &String)| {
            self.path(&At { span: span.clone(), value: path.clone() })
        };
        let read: Vec<_> = each.into_iter().map(path).collect();
        read.into_iter().collect()
    }

    /// Reads a regular expression that the whole value must match.
    fn capture(&mut self, text: &At<String>) -> Option<Regex> {
        let compiled = Regex::new(&text.value).and_then(|_| Regex::new(&format!(r"\A(?:{})\z", text.value)));
        let label = match compiled {
            Ok(regex) if captures_of(Some(&regex)).contains(&VALUE) => {
                "`value` is the whole value's name".to_owned()
            }
            Ok(regex) => return Some(regex),
            Err(error) => error.to_string().lines().last().unwrap_or_default().to_owned(),
        };
        self.finding(Code::Regex, &text.span, "this regular expression cannot be used", label).help(
            "name captures as in `(?<day>[0-9-]+)`, and quote the expression with single quotes: `'\\.csv'`",
        );
        None
    }
}

/// Returns the names of the captures of all expressions.
pub(super) fn captures(key: &[KeyExpression]) -> Vec<&str> {
    key.iter().flat_map(|expression| captures_of(expression.capture.as_ref())).collect()
}

fn captures_of(capture: Option<&Regex>) -> Vec<&str> {
    capture.map(|regex| regex.capture_names().flatten().collect()).unwrap_or_default()
}
