//! Text with `*` in it, which stands for any run of characters.

use crate::error::Reason;

/// A wildcard pattern, cut at its stars.
#[derive(Clone, Debug)]
pub(crate) struct Wildcard {
    /// The literal text between the stars; one piece is a text without a star.
    pieces: Box<[Box<str>]>,
}

impl Wildcard {
    /// Reads a pattern: `*` is a star, `\*` and `\\` are the characters themselves.
    ///
    /// Positions in errors count bytes and start behind the opening quote, which is 0.
    pub(crate) fn parse(pattern: &str) -> Result<Self, Reason> {
        let mut pieces = Vec::new();
        let mut piece = String::new();
        let mut characters = pattern.char_indices().peekable();
        while let Some((index, character)) = characters.next() {
            let next = characters.peek().map(|(_, next)| *next);
            match (character, next) {
                ('*', Some('*')) => return Err(Reason::ConsecutiveWildcards(index + 1)),
                ('*', _) => pieces.push(std::mem::take(&mut piece).into()),
                ('\\', Some(escaped @ ('*' | '\\'))) => {
                    piece.push(escaped);
                    characters.next();
                }
                ('\\', _) => return Err(Reason::WildcardEscape(index + 1)),
                _ => piece.push(character),
            }
        }
        pieces.push(piece.into());
        Ok(Self { pieces: pieces.into() })
    }

    /// Returns the literal pieces between the stars, first and last included though they may be empty.
    pub(crate) fn pieces(&self) -> &[Box<str>] {
        &self.pieces
    }

    pub(crate) fn matches(&self, value: &str) -> bool {
        let [first, middle @ .., last] = &*self.pieces else {
            return self.pieces.first().is_some_and(|only| **only == *value);
        };
        let Some(rest) = value.strip_prefix(&**first) else {
            return false;
        };
        let Some(mut rest) = rest.strip_suffix(&**last) else {
            return false;
        };
        middle.iter().all(|piece| match rest.find(&**piece) {
            Some(at) => {
                rest = &rest[at + piece.len()..];
                true
            }
            None => false,
        })
    }
}
