//! Passes by what nobody asked for, in a text that is known to be well-formed.

#![expect(clippy::inline_always, reason = "the work is compiled again with the instructions of each form")]

#[cfg(test)]
mod tests;

use crate::block::{self, Block, WIDTH, Work};

/// Returns the position behind the object or array whose opening bracket is at `open`.
///
/// In a text that is not well-formed the answer is some position in it or its end.
#[inline]
pub(crate) fn scope(text: &[u8], open: usize) -> usize {
    block::widest(Scope { text, open })
}

struct Scope<'t> {
    text: &'t [u8],
    open: usize,
}

impl Work for Scope<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<B: Block>(self, block: B) -> usize {
        let mut at = self.open;
        let Some(open) = self.text.get(at) else {
            return self.text.len();
        };
        // Both closing brackets are two behind the one that opens.
        let mut skipper =
            Skipper { open: *open, close: open.wrapping_add(2), depth: 0, in_text: 0, escaped: 0 };
        while let Some(bytes) = self.text[at..].first_chunk() {
            if let Some(end) = skipper.step(block, block.load(bytes)) {
                return at + end;
            }
            at += WIDTH;
        }
        let rest = &self.text[at..];
        // Where `open` is no bracket, what stands in for the rest may look like its closing one.
        let end = skipper.step(block, block.load_rest(rest)).unwrap_or(WIDTH);
        self.text.len().min(at + end)
    }
}

struct Skipper {
    open: u8,
    close: u8,
    depth: u64,
    in_text: u64,
    escaped: u64,
}

impl Skipper {
    /// Returns the position behind the last bracket, if it is in the block.
    #[inline(always)]
    fn step<B: Block>(&mut self, block: B, bytes: B::Bytes) -> Option<usize> {
        let mut quote = block.equal(bytes, b'"');
        let backslash = block.equal(bytes, b'\\');
        if backslash | self.escaped != 0 {
            let (behind, next) = escaped(backslash, self.escaped);
            (quote, self.escaped) = (quote & !behind, next);
        }
        let in_text = block.parity(quote) ^ self.in_text;
        self.in_text = (in_text.cast_signed() >> 63).cast_unsigned();
        let open = block.equal(bytes, self.open) & !in_text;
        let mut close = block.equal(bytes, self.close) & !in_text;
        let opens = u64::from(open.count_ones());
        let closes = u64::from(close.count_ones());
        if closes >= self.depth {
            let mut depth = self.depth;
            while close != 0 {
                let bit = close & close.wrapping_neg();
                depth = depth.wrapping_sub(1);
                if depth.wrapping_add(u64::from((open & (bit - 1)).count_ones())) == 0 {
                    return Some(bit.trailing_zeros() as usize + 1);
                }
                close &= close - 1;
            }
        }
        self.depth = self.depth.wrapping_add(opens).wrapping_sub(closes);
        None
    }
}

/// Returns the characters behind backslashes; `carry` tells whether the first byte is one.
pub(crate) fn escaped(backslash: u64, carry: u64) -> (u64, u64) {
    let mut escaped = carry;
    let mut carry = 0;
    let mut left = backslash & !escaped;
    while left != 0 {
        let bit = left & left.wrapping_neg();
        escaped |= bit << 1;
        carry = bit >> 63;
        left &= !(bit | bit << 1);
    }
    (escaped, carry)
}

/// Returns the position of the closing quote of the string whose content begins at `start`, and whether the
/// content has escapes.
///
/// In a text that is not well-formed the answer is some position in it or its end.
#[inline]
pub(crate) fn text_end(text: &[u8], start: usize) -> (usize, bool) {
    let mut at = start;
    // Most strings are short: the wide form is for what goes on.
    for _ in 0..SHORT_WORDS {
        let Some(word) = text.get(at..).and_then(<[u8]>::first_chunk) else {
            break;
        };
        let found = quotes_and_backslashes(u64::from_le_bytes(*word));
        if found != 0 {
            at += found.trailing_zeros() as usize / 8;
            if text[at] == b'"' {
                return (at, false);
            }
            break;
        }
        at += 8;
    }
    block::widest(Text { text, at })
}

const SHORT_WORDS: usize = 4;

/// Returns a word whose lowest bit set is in the first byte that is a quote or a backslash.
#[inline]
fn quotes_and_backslashes(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let quote = word ^ (ONES * u64::from(b'"'));
    let backslash = word ^ (ONES * u64::from(b'\\'));
    // A byte that is zero borrows; one above it that was reached by the borrow may be wrong, but is not first.
    let zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
    (zero(quote) | zero(backslash)) & (ONES << 7)
}

struct Text<'t> {
    text: &'t [u8],
    at: usize,
}

impl Work for Text<'_> {
    type Output = (usize, bool);

    #[inline(always)]
    fn run<B: Block>(self, block: B) -> (usize, bool) {
        let mut at = self.at;
        let mut escapes = false;
        let mut carry = 0;
        while let Some(rest) = self.text.get(at..).filter(|rest| !rest.is_empty()) {
            let bytes = rest.first_chunk().map_or_else(|| block.load_rest(rest), |bytes| block.load(bytes));
            let mut quote = block.equal(bytes, b'"');
            let backslash = block.equal(bytes, b'\\');
            if backslash | carry != 0 {
                let (behind, next) = escaped(backslash, carry);
                (quote, carry) = (quote & !behind, next);
            }
            // All below the quote, or all if there is none.
            let before = quote.wrapping_sub(1) & !quote;
            escapes |= backslash & before != 0;
            if quote != 0 {
                return (at + quote.trailing_zeros() as usize, escapes);
            }
            at += WIDTH;
        }
        (self.text.len(), escapes)
    }
}
