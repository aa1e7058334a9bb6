//! Proves that an object or an array is well-formed, 64 bytes at a step.
//!
//! Nothing is read token by token. Masks of 64 bits, one for each class of byte, are combined so that every rule
//! of the grammar becomes a mask of the places where it is broken. What a rule must know of the block before is
//! carried in a bit. Only brackets, escapes and literals are looked at one by one.
//!
//! The rules, outside strings and with white space passed by:
//! * what follows a comma, a colon or an opening bracket begins a value, and nothing else does; but a closing
//!   bracket may follow an opening one;
//! * of commas, colons and brackets alone: a brace's next is a colon, or its closing brace; in an object also a
//!   comma's next is a colon; every colon is such a next; in an array there is none;
//! * a colon follows a string.
//!
//! So in an object colons and commas alternate between a first and a last colon, each colon behind a name.

#![expect(clippy::inline_always, reason = "the work is compiled again with the instructions of each form")]

mod escape;
mod literal;
mod number;
mod scopes;
#[cfg(test)]
pub(crate) mod tests;

use crate::block::{self, Block, Masks, WIDTH, Work};
use number::{Numbers, Scalars};
use scopes::{Brackets, Scopes};

/// Returns the position behind the object or array that the text begins with, white space aside, if all of it
/// is well-formed JSON in UTF-8.
///
/// `None` says only that it was not proved: the reader then tells what is wrong. What the reader accepts is
/// proved, and what follows the object or array is not looked at.
#[inline]
pub(crate) fn scope_end(text: &[u8]) -> Option<usize> {
    block::widest(Check { text })
}

struct Check<'t> {
    text: &'t [u8],
}

impl Work for Check<'_> {
    type Output = Option<usize>;

    #[inline(always)]
    fn run<B: Block>(self, block: B) -> Option<usize> {
        let text = self.text;
        let start = text.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))?;
        let mut checker = Checker::new(text, start)?;
        let mut all = block.load(&[0; WIDTH]);
        loop {
            let rest = text.get(checker.at..)?;
            let bytes = match rest.first_chunk() {
                Some(bytes) => block.load(bytes),
                None if rest.is_empty() => return None,
                None => block.load_rest(rest),
            };
            all = block.either(all, bytes);
            if let Some(verdict) = checker.step(block, bytes, rest) {
                return verdict.end(text, block.high(all) != 0);
            }
            checker.at += WIDTH;
        }
    }
}

/// What ends a check.
enum Verdict {
    End(usize),
    Unproved,
}

impl Verdict {
    /// Returns the end, if the text up to it is in UTF-8.
    fn end(self, text: &[u8], high: bool) -> Option<usize> {
        match self {
            Self::End(end) if !high || std::str::from_utf8(&text[..end]).is_ok() => Some(end),
            _ => None,
        }
    }
}

/// Where a check stands: what the blocks so far leave to the next one. A bit that is carried is the lowest.
struct Checker {
    /// Where the current block begins.
    at: usize,
    /// All ones within a string.
    in_text: u64,
    /// Whether the first byte is escaped.
    escaped: u64,
    /// Whether the next token must begin a value.
    value_due: u64,
    /// Whether the next token follows an opening bracket.
    opened: u64,
    /// Whether the next token follows a string.
    text_ended: u64,
    /// Whether the next comma, colon or bracket follows a comma or an opening brace.
    colon_due: u64,
    /// Whether the last byte was of a number or a literal.
    scalar: u64,
    numbers: Numbers,
    scopes: Scopes,
}

/// The strings of a block.
struct Texts {
    opening: u64,
    closing: u64,
    /// The places outside strings; quotes are part of their string.
    outside: u64,
    /// The escapes that are none.
    broken: u64,
}

impl Checker {
    /// Returns a checker at a text's first bracket, or `None` if there is another character.
    #[inline(always)]
    fn new(text: &[u8], start: usize) -> Option<Self> {
        let first = text[start];
        matches!(first, b'{' | b'[').then(|| Self {
            at: start,
            in_text: 0,
            escaped: 0,
            value_due: 1,
            opened: 0,
            text_ended: 0,
            colon_due: 0,
            scalar: 0,
            numbers: Numbers::default(),
            scopes: Scopes::new(),
        })
    }

    /// Checks one block, and returns what it decides.
    #[inline(always)]
    fn step<B: Block>(&mut self, block: B, bytes: B::Bytes, text: &[u8]) -> Option<Verdict> {
        let masks = block.classify(bytes);
        let texts = self.texts(block, &masks, text);
        let outside = texts.outside;
        let space = masks.space & outside;
        let (open, close) = (masks.open & outside, masks.close & outside);
        let (comma, colon) = (masks.comma & outside, masks.colon & outside);
        let operators = open | close | comma | colon;
        let scalar = outside & !(operators | space);
        let starts = scalar & !(scalar << 1 | self.scalar);
        self.scalar = scalar >> 63;

        let behind = self.tokens_behind(open | comma | colon, open, texts.closing, space);
        let empty = close & behind.open;
        let colon_due =
            run_behind(block, comma | (open & masks.brace), !operators, &mut self.colon_due) & operators;
        let scalars = Scalars {
            all: scalar,
            starts,
            digit: masks.digit,
            zero: masks.zero,
            minus: masks.minus & scalar,
            dot: masks.dot & scalar,
        };
        let values = texts.opening | starts | open;

        let mut bad = (values ^ behind.value_due) & !empty;
        bad |= colon & !(behind.text & colon_due);
        bad |= (masks.control & !space) | texts.broken;
        bad |= self.numbers.step(block, bytes, scalars, text);

        let brackets = Brackets {
            open,
            close,
            brace: masks.brace,
            not_in_object: colon_due & !(colon | empty),
            not_in_array: colon,
        };
        if let Some(end) = self.scopes.step(block, brackets, &mut bad) {
            let proved = bad & (u64::MAX >> (63 - end)) == 0;
            return Some(if proved { Verdict::End(self.at + end as usize + 1) } else { Verdict::Unproved });
        }
        (bad != 0).then_some(Verdict::Unproved)
    }

    /// Returns what is behind what may stand before a value, behind opening brackets and behind strings.
    #[inline(always)]
    fn tokens_behind(&mut self, before_value: u64, open: u64, closing: u64, space: u64) -> Behind {
        if space == 0 {
            let behind = Behind {
                value_due: before_value << 1 | self.value_due,
                open: open << 1 | self.opened,
                text: closing << 1 | self.text_ended,
            };
            self.value_due = before_value >> 63;
            self.opened = open >> 63;
            self.text_ended = closing >> 63;
            return behind;
        }
        Behind {
            value_due: token_behind(before_value, space, &mut self.value_due),
            open: token_behind(open, space, &mut self.opened),
            text: token_behind(closing, space, &mut self.text_ended),
        }
    }

    /// Finds the strings.
    #[inline(always)]
    fn texts<B: Block>(&mut self, block: B, masks: &Masks, text: &[u8]) -> Texts {
        let mut quote = masks.quote;
        let mut broken = 0;
        if masks.backslash | self.escaped != 0 {
            let escapes = escape::find(masks.backslash, self.escaped, text);
            self.escaped = escapes.carry;
            quote &= !escapes.escaped;
            broken = escapes.broken;
        }
        let in_text = block.parity(quote) ^ self.in_text;
        self.in_text = (in_text.cast_signed() >> 63).cast_unsigned();
        Texts { opening: quote & in_text, closing: quote & !in_text, outside: !(in_text | quote), broken }
    }
}

/// The places where the first token behind something begins.
struct Behind {
    value_due: u64,
    open: u64,
    text: u64,
}

/// Returns the first place behind each mark that is no white space; a mark is never white space itself.
#[inline(always)]
fn token_behind(marks: u64, space: u64, carry: &mut u64) -> u64 {
    // Adding to the lowest bit of a run of ones sets the bit behind the run.
    let (sum, over) = (marks << 1 | *carry).overflowing_add(space);
    *carry = marks >> 63 | u64::from(over);
    sum & !space
}

/// Returns for each mark the run of ones in `between` that begins behind it, and the place behind the run.
///
/// Nothing but a mark stands before a run: the marks are not in `between`, and no two have a run between them.
#[inline(always)]
fn run_behind<B: Block>(block: B, marks: u64, between: u64, carry: &mut u64) -> u64 {
    let (sum, over) = block.add(marks << 1 | *carry, between);
    *carry = marks >> 63 | over;
    sum ^ between
}
