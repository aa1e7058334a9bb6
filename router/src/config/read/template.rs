//! Templates such as `sales/{day}`.

use super::Reader;
use super::values::parse_path;
use crate::config::error::Code;
use crate::config::file::At;
use crate::config::model::{Piece, Template};
use crate::config::suggest;

/// The name that stands for the whole value at the key's path.
pub(super) const VALUE: &str = "value";

impl Reader<'_> {
    /// Reads a template; `names` are the captures that there are.
    ///
    /// `{{` and `}}` stand for braces. A text that starts with `$.` is a path into the event.
    pub(super) fn template(&mut self, text: &At<String>, names: &[&str]) -> Option<Template> {
        if text.value.starts_with("$.") {
            return Some(Template { pieces: vec![Piece::Path(self.path(text)?)] });
        }
        let Some(pieces) = split(&text.value) else {
            let message = format!("`{}` is not a template", text.value);
            self.finding(Code::Template, &text.span, message, "a brace without its partner").help(
                "write names in braces, `sales/{day}`, and braces that stand for themselves twice, `{{`",
            );
            return None;
        };
        if pieces.is_empty() {
            self.finding(Code::Template, &text.span, "the template is empty", "always the same name")
                .help("write names in braces, such as `sales/{day}`");
            return None;
        }
        let pieces: Vec<_> = pieces.into_iter().filter_map(|piece| self.piece(text, piece, names)).collect();
        Some(Template { pieces })
    }

    fn piece(&mut self, text: &At<String>, piece: Piece, names: &[&str]) -> Option<Piece> {
        let Piece::Name(name) = piece else { return Some(piece) };
        if name.starts_with('$') {
            if let Some(path) = parse_path(&name) {
                return Some(Piece::Path(path));
            }
            let message = format!("`{name}` is not a path into the event");
            self.finding(Code::Path, &text.span, message, "in this template")
                .help("write `{$.detail.object.key}`: `$.` and names with dots between them");
            return None;
        }
        if name == VALUE || names.contains(&name.as_str()) {
            return Some(Piece::Name(name));
        }
        let known: Vec<_> = [VALUE].into_iter().chain(names.iter().copied()).collect();
        let help = suggest::help(&name, &known, "there are");
        self.finding(Code::Template, &text.span, format!("there is no capture `{name}`"), "in this template")
            .help(help);
        None
    }
}

/// Splits a template into text and names; none if its braces do not pair.
fn split(text: &str) -> Option<Vec<Piece>> {
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
        let (name, after) = after.strip_prefix('{')?.split_once('}')?;
        if name.is_empty() || name.contains('{') {
            return None;
        }
        if !literal.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut literal)));
        }
        pieces.push(Piece::Name(name.to_owned()));
        rest = after;
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Text(literal));
    }
    Some(pieces)
}
