//! Text with `*` in it, which stands for any run of characters.

use crate::error::Reason;

/// A wildcard pattern, cut at its stars.
#[derive(Clone, Debug)]
pub(crate) struct Wildcard {
    /// The literal text between the stars; one piece is a text without a star.
    pieces: Box<[Box<str>]>,
}

/// What of a wildcard pattern a text lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing<'a> {
    /// It has no star and is another text.
    Whole(&'a str),
    /// The text begins otherwise.
    Beginning(&'a str),
    /// The text ends otherwise, or what should be its end is its beginning.
    Ending(&'a str),
    /// The piece is not there; the one before it is.
    Middle { piece: &'a str, before: &'a str },
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
        self.missing(value).is_none()
    }

    /// Returns the first piece that a text lacks, and how many bytes the pieces have that it has: the first, then
    /// the last, then those between in their order.
    pub(crate) fn missing(&self, value: &str) -> Option<(Missing<'_>, usize)> {
        let [first, middle @ .., last] = &*self.pieces else {
            let only = self.pieces.first()?;
            return (**only != *value).then_some((Missing::Whole(only), 0));
        };
        let Some(rest) = value.strip_prefix(&**first) else {
            return Some((Missing::Beginning(first), 0));
        };
        let mut there = first.len();
        let Some(mut rest) = rest.strip_suffix(&**last) else {
            return Some((Missing::Ending(last), there));
        };
        there += last.len();
        let mut before = first;
        for piece in middle {
            let Some(at) = rest.find(&**piece) else {
                return Some((Missing::Middle { piece, before }, there));
            };
            rest = &rest[at + piece.len()..];
            there += piece.len();
            before = piece;
        }
        None
    }
}
