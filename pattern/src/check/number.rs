//! Numbers: every byte of every number of a block at once.

use super::literal;
use crate::block::Block;

/// What a number or a literal leaves to the next block; bits are the lowest but for `literal`.
#[derive(Default)]
pub(super) struct Numbers {
    /// The last byte was a minus, a plus or a dot: a digit must follow.
    digit_due: u64,
    /// The digits behind a dot go on: no other dot may end them.
    fraction: u64,
    /// The last byte was a number's minus.
    signed: u64,
    /// The last byte was a zero that begins an integer: no digit may follow.
    leading_zero: u64,
    /// The last byte was an exponent's letter.
    exponent: u64,
    /// The digits of an exponent go on: neither a dot nor another exponent may end them.
    power: u64,
    /// The bytes of a literal that began in the block before.
    literal: u64,
}

/// The numbers and literals of a block.
#[derive(Clone, Copy)]
pub(super) struct Scalars {
    /// All their bytes.
    pub(super) all: u64,
    /// Their first bytes.
    pub(super) starts: u64,
    /// The digits in the block, those in strings too.
    pub(super) digit: u64,
    /// The zeros in the block, those in strings too.
    pub(super) zero: u64,
    pub(super) minus: u64,
    pub(super) dot: u64,
}

impl Numbers {
    /// Returns the places where the block's scalars, told by all their bytes and their first ones, are wrong.
    #[inline(always)]
    pub(super) fn step<B: Block>(&mut self, block: B, bytes: B::Bytes, scalars: Scalars, text: &[u8]) -> u64 {
        let Scalars { all, starts, digit, zero, minus, dot } = scalars;
        let letters = all & !(digit | minus | dot);
        let mut due = minus | dot;
        // A minus begins its number, a dot does not.
        let mut bad = due & (starts ^ minus);
        if letters | self.exponent | self.power != 0 {
            let (signs, broken) = self.letters(block, bytes, (scalars, letters), text);
            due |= signs;
            bad = (bad & !signs) | broken;
        }
        bad |= (due << 1 | self.digit_due) & !digit;
        self.digit_due = due >> 63;

        let (sum, over) = block.add(dot << 1 | self.fraction, digit);
        bad |= sum & dot;
        self.fraction = dot >> 63 | over;

        let signed = minus & starts;
        let leading_zero = zero & (starts | signed << 1 | self.signed);
        bad |= (leading_zero << 1 | self.leading_zero) & digit;
        self.signed = signed >> 63;
        self.leading_zero = leading_zero >> 63;
        bad
    }

    /// Checks exponents and literals, and returns the exponents' signs and the places that are wrong.
    #[inline(always)]
    fn letters<B: Block>(
        &mut self,
        block: B,
        bytes: B::Bytes,
        (scalars, letters): (Scalars, u64),
        text: &[u8],
    ) -> (u64, u64) {
        let Scalars { starts, digit, minus, dot, .. } = scalars;
        let (words, next) = literals(letters & starts, text);
        let letters = letters & !(words | self.literal);
        self.literal = next;
        let exponent = (block.equal(bytes, b'e') | block.equal(bytes, b'E')) & letters;
        let plus = block.equal(bytes, b'+') & letters;
        let behind = exponent << 1 | self.exponent;
        let signs = (minus & !starts | plus) & behind;
        let mut bad = letters & !(exponent | signs);
        bad |= exponent & starts;
        bad |= behind & !(digit | signs);

        let power = (behind & digit) | (signs << 1) | self.power;
        let (sum, over) = power.overflowing_add(digit);
        bad |= sum & (exponent | dot);
        self.exponent = exponent >> 63;
        self.power = signs >> 63 | u64::from(over);
        (signs, bad)
    }
}

/// Returns the bytes of the literals that begin in a block: the second word is of the next block.
fn literals(mut starts: u64, text: &[u8]) -> (u64, u64) {
    let mut words = 0_u128;
    while starts != 0 {
        let at = starts.trailing_zeros();
        if let Some(length) = text.get(at as usize..).and_then(literal::length) {
            words |= ((1 << length) - 1) << at;
        }
        starts &= starts - 1;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the low half is one word, the high half the other")]
    (words as u64, (words >> 64) as u64)
}
