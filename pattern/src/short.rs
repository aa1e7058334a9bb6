//! Texts of up to 16 bytes as two words, which compare and hash faster than bytes do.

use std::hash::{BuildHasher, Hasher};
use std::ops::Range;

use foldhash::fast::FixedState;

/// A text of up to 16 bytes; together with its length it says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Short {
    first: u64,
    last: u64,
}

impl Short {
    pub(crate) const LENGTH_MAX: usize = 16;
    pub(crate) const EMPTY: Self = Self { first: 0, last: 0 };

    /// Returns the words of a text: its first and its last bytes, which may overlap. None where it is too long.
    #[inline]
    pub(crate) fn of(text: &[u8]) -> Option<Self> {
        let length = text.len();
        if length > Self::LENGTH_MAX {
            return None;
        }
        if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
            return Some(Self { first: u64::from_le_bytes(*first), last: u64::from_le_bytes(*last) });
        }
        if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
            let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
            return Some(Self { first: first.into(), last: last.into() });
        }
        let byte = |at: usize| u64::from(text.get(at).copied().unwrap_or(0));
        Some(Self { first: byte(0) | byte(1) << 8 | byte(2) << 16, last: 0 })
    }

    /// Returns the words in which to keep where a longer text lies.
    pub(crate) fn of_range(range: Range<usize>) -> Self {
        Self { first: range.start as u64, last: range.end as u64 }
    }

    /// Returns where the longer text lies.
    pub(crate) fn range(self) -> Range<usize> {
        let place = |word: u64| usize::try_from(word).unwrap_or(usize::MAX);
        place(self.first)..place(self.last)
    }

    /// Returns the bytes of the text, and others behind them.
    pub(crate) fn bytes(self, length: usize) -> [u8; Self::LENGTH_MAX] {
        let mut bytes = [0; Self::LENGTH_MAX];
        let (first, last) = (self.first.to_le_bytes(), self.last.to_le_bytes());
        let half = if length >= 8 { 8 } else { 4 };
        bytes[..8].copy_from_slice(&first);
        if length >= 4 {
            bytes[length - half..length].copy_from_slice(&last[..half]);
        }
        bytes
    }

    /// Returns a hash of the text and a number.
    #[inline]
    pub(crate) fn hash(self, length: usize, seed: u64) -> u64 {
        let seed = seed ^ (length as u64) << 56;
        mix(
            self.first ^ seed ^ 0x9E37_79B9_7F4A_7C15,
            self.last ^ 0xD1B5_4A32_D192_ED03 ^ seed.rotate_left(32),
        )
    }
}

/// Returns a hash of a text of any length and a number: for a short one that of its words.
#[inline]
pub(crate) fn hash(text: &[u8], seed: u64) -> u64 {
    Short::of(text).map_or_else(|| hash_long(text, seed), |short| short.hash(text.len(), seed))
}

fn hash_long(text: &[u8], seed: u64) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write_u64(seed);
    hasher.write(text);
    hasher.finish()
}

/// Multiplies to twice the width and folds the halves together.
#[inline]
fn mix(left: u64, right: u64) -> u64 {
    let (low, high) = left.carrying_mul(right, 0);
    low ^ high
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Short;

    #[test]
    fn texts_of_one_length_differ_in_their_words_where_they_differ() {
        for length in 0..=Short::LENGTH_MAX {
            let mut seen = HashSet::new();
            let text = vec![b'a'; length];
            assert!(seen.insert(Short::of(&text).unwrap()));
            for at in 0..length {
                let mut other = text.clone();
                other[at] = b'b';
                let short = Short::of(&other).unwrap();
                assert!(seen.insert(short), "byte {at} of {length}");
                assert_eq!(short.bytes(length)[..length], other);
            }
        }
        assert_eq!(Short::of(&[0; Short::LENGTH_MAX + 1]), None);
    }
}
