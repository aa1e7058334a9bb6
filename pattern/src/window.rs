//! The marks of a text, 64 bytes at a time: colons and brackets outside strings.

#![expect(clippy::inline_always, reason = "the work is compiled again with the instructions of each form")]

use crate::block::{Block, WIDTH};
use crate::skip::escaped;

/// The bit that tells brackets from braces, and nothing else that counts here from another.
const SHAPE: u8 = 0x20;

/// What is known of the 64 bytes around the place that was reached.
pub(crate) struct Window {
    /// The place that was reached, where it was last said.
    pub(crate) at: usize,
    /// Where the window begins.
    base: usize,
    /// The marks that are left in it.
    marks: u64,
    /// All quotes in it that begin or end strings.
    quotes: u64,
    /// All dots and backslashes in it.
    odd: u64,
    /// All ones where its end lies in a string.
    in_text: u64,
    /// Whether the byte behind it is escaped.
    escaped: u64,
    /// The last two quotes before it.
    before: [usize; 2],
    /// Whether nothing is known of it yet.
    blank: bool,
}

/// Where a name is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Whether it has neither dots nor escapes; sometimes it is not said though it has none.
    pub(crate) is_plain: bool,
}

impl Window {
    pub(crate) fn new() -> Self {
        Self {
            at: 0,
            base: 0,
            marks: 0,
            quotes: 0,
            odd: 0,
            in_text: 0,
            escaped: 0,
            before: [0; 2],
            blank: true,
        }
    }

    /// Goes on to a place outside strings.
    #[inline(always)]
    pub(crate) fn seek(&mut self, at: usize) {
        self.at = at;
        let ahead = at.wrapping_sub(self.base);
        if ahead < WIDTH && !self.blank {
            self.marks &= u64::MAX << ahead;
        } else {
            (self.base, self.marks, self.in_text, self.escaped, self.blank) = (at, 0, 0, 0, true);
        }
    }

    /// Takes the next mark in the window.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Option<usize> {
        if self.marks == 0 {
            return None;
        }
        let mark = self.base + self.marks.trailing_zeros() as usize;
        self.marks &= self.marks - 1;
        Some(mark)
    }

    /// Looks at the next 64 bytes; returns whether there are any.
    #[inline(always)]
    pub(crate) fn refill<B: Block>(&mut self, block: B, json: &[u8]) -> bool {
        if !self.blank {
            self.before = self.last_quotes(self.quotes);
            self.base += WIDTH;
        }
        self.blank = false;
        let Some(rest) = json.get(self.base..).filter(|rest| !rest.is_empty()) else {
            return false;
        };
        let bytes = rest.first_chunk().map_or_else(|| block.load_rest(rest), |bytes| block.load(bytes));
        self.quotes = block.equal(bytes, b'"');
        let backslash = block.equal(bytes, b'\\');
        self.odd = backslash | block.equal(bytes, b'.');
        if backslash | self.escaped != 0 {
            let (behind, next) = escaped(backslash, self.escaped);
            (self.quotes, self.escaped) = (self.quotes & !behind, next);
        }
        let in_text = block.parity(self.quotes) ^ self.in_text;
        self.in_text = (in_text.cast_signed() >> 63).cast_unsigned();
        let shaped = block.either(bytes, block.load(&[SHAPE; WIDTH]));
        let marks = block.equal(shaped, b':') | block.equal(shaped, b'{') | block.equal(shaped, b'}');
        self.marks = marks & !in_text;
        true
    }

    /// Returns the content of the last string before a mark in the window.
    #[inline(always)]
    pub(crate) fn text_before(&self, mark: usize) -> Name {
        let [start, end] = self.last_quotes(self.quotes & !(u64::MAX << (mark - self.base)));
        let is_plain = start >= self.base && self.odd >> (start - self.base) << (63 + start - end) == 0;
        Name { start: start + 1, end, is_plain }
    }

    /// Returns where the last two of some quotes in the window are, or of those before it.
    #[inline(always)]
    fn last_quotes(&self, quotes: u64) -> [usize; 2] {
        if quotes == 0 {
            return self.before;
        }
        let last = quotes.ilog2();
        let others = quotes ^ 1 << last;
        let last = self.base + last as usize;
        if others == 0 {
            return [self.before[1], last];
        }
        [self.base + others.ilog2() as usize, last]
    }
}
