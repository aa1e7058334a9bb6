//! JSON shown as it came: laid out in lines, with numbers and the order of keys kept.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// The deepest indentation, in levels; what is nested deeper stays there.
const INDENT_MAX: usize = 24;

/// What a piece of JSON is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Key,
    Text,
    Number,
    /// `true`, `false`, `null`.
    Word,
    /// Brackets, commas, colons and the spaces about them.
    Mark,
}

/// A piece of one line.
pub(crate) type Piece = (Kind, String);

/// Returns the members of an object as they came, none if it is no object.
pub(crate) fn members(raw: &str) -> BTreeMap<String, Box<RawValue>> {
    serde_json::from_str(raw).unwrap_or_default()
}

/// Returns a member that is a string, empty if there is none.
pub(crate) fn text_member(raw: &str, name: &str) -> String {
    members(raw).get(name).map(|value| plain(value.get())).unwrap_or_default()
}

/// Returns a string without its quotes, anything else as it is.
pub(crate) fn plain(raw: &str) -> String {
    serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned())
}

/// Returns valid JSON in indented lines, at most `lines_max` of them.
pub(crate) fn lines(raw: &str, lines_max: usize) -> Vec<Vec<Piece>> {
    let mut layout = Layout::default();
    let mut tokens = Tokens { rest: raw }.peekable();
    while let Some((kind, token)) = tokens.next() {
        if layout.done.len() >= lines_max {
            return layout.done;
        }
        let next = tokens.peek().map(|(_, next)| *next);
        match token {
            "{" | "[" if matches!(next, Some("}" | "]")) => layout.add(Kind::Mark, token),
            "{" | "[" => {
                layout.add(Kind::Mark, token);
                layout.depth += 1;
                layout.end_line();
            }
            "}" | "]" => layout.close(token),
            "," => {
                layout.add(Kind::Mark, token);
                layout.end_line();
            }
            ":" => layout.add(Kind::Mark, ": "),
            _ if kind == Kind::Text && next == Some(":") => layout.add(Kind::Key, token),
            _ => layout.add(kind, token),
        }
    }
    layout.end_line();
    layout.done
}

#[derive(Default)]
struct Layout {
    done: Vec<Vec<Piece>>,
    line: Vec<Piece>,
    depth: usize,
}

impl Layout {
    fn add(&mut self, kind: Kind, text: &str) {
        if self.line.is_empty() && self.depth > 0 {
            self.line.push((Kind::Mark, "  ".repeat(self.depth.min(INDENT_MAX))));
        }
        self.line.push((kind, text.to_owned()));
    }

    fn end_line(&mut self) {
        if !self.line.is_empty() {
            self.done.push(std::mem::take(&mut self.line));
        }
    }

    fn close(&mut self, token: &str) {
        let is_empty = self.line.last().is_some_and(|(_, text)| text == "{" || text == "[");
        if !is_empty {
            self.depth = self.depth.saturating_sub(1);
            self.end_line();
        }
        self.add(Kind::Mark, token);
    }
}

/// Cuts valid JSON into tokens without its spaces.
struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = (Kind, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        self.rest = self.rest.trim_ascii_start();
        let first = self.rest.chars().next()?;
        let (kind, length) = match first {
            '"' => (Kind::Text, string_length(self.rest)),
            '{' | '}' | '[' | ']' | ',' | ':' => (Kind::Mark, 1),
            '-' | '0'..='9' => (Kind::Number, word_length(self.rest)),
            _ => (Kind::Word, word_length(self.rest)),
        };
        let (token, rest) = self.rest.split_at(length.max(first.len_utf8()));
        self.rest = rest;
        Some((kind, token))
    }
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !escaped => return at + 1,
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

fn word_length(text: &str) -> usize {
    text.find(|letter: char| letter.is_ascii_whitespace() || "{}[],:\"".contains(letter))
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(raw: &str, expected: &[&str]) {
        let joined = |line: Vec<Piece>| line.into_iter().map(|(_, text)| text).collect::<String>();
        let shown: Vec<String> = lines(raw, 100).into_iter().map(joined).collect();
        assert_eq!(shown, expected, "{raw}");
    }

    #[test]
    fn values_are_laid_out_as_they_came() {
        check("1.50e3", &["1.50e3"]);
        check("{}", &["{}"]);
        check("[[],{}]", &["[", "  [],", "  {}", "]"]);
        check(
            r#"{"b":12345678901234567890,"a":[true,"x:\"}"],"c":{}}"#,
            &[
                "{",
                "  \"b\": 12345678901234567890,",
                "  \"a\": [",
                "    true,",
                r#"    "x:\"}""#,
                "  ],",
                "  \"c\": {}",
                "}",
            ],
        );
    }

    #[test]
    fn members_are_found() {
        assert_eq!(text_member(r#"{"type":"a\u0062"}"#, "type"), "ab");
        assert_eq!(text_member("[]", "type"), "");
        assert_eq!(plain("12"), "12");
    }

    proptest! {
        #[test]
        fn laying_out_loses_nothing(text in "\\PC*", number in any::<i64>(), more in "[\\[\\]{}:,\"\\\\a ]{0,20}") {
            let value = serde_json::json!({ text.clone(): [number, more, {}, [], { "deep": [text] }], "x": null });
            let joined: String = lines(&value.to_string(), usize::MAX).concat().into_iter().map(|(_, text)| text).collect();
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&joined).unwrap(), value);
        }

        #[test]
        fn anything_can_be_laid_out(raw in "[\\[\\]{}:,\"\\\\a1 \u{e9}]{0,40}") {
            prop_assert!(lines(&raw, 5).len() <= 5 + 1);
        }
    }
}
