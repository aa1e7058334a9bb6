//! Ranges of numbers, by the places of numbers in the order of all.

use crate::condition::{Bound, Range};
use crate::keys::Key;

/// The places from one to another, both included; none where the last comes before the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    first: u64,
    last: u64,
}

impl Interval {
    pub(crate) fn of(range: Range) -> Self {
        let first = match range.bottom {
            Bound::None => 0,
            Bound::Open(bound) => order(bound).saturating_add(1),
            Bound::Closed(bound) => order(bound),
        };
        let last = match range.top {
            Bound::None => u64::MAX,
            Bound::Open(bound) => order(bound).saturating_sub(1),
            Bound::Closed(bound) => order(bound),
        };
        Self { first, last }
    }

    #[inline]
    pub(crate) fn contains(self, place: u64) -> bool {
        self.first <= place && place <= self.last
    }

    pub(crate) fn bytes(self) -> [u8; 16] {
        (u128::from(self.first) << 64 | u128::from(self.last)).to_be_bytes()
    }

    /// Returns the interval that has these bytes.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (first, last) = (bytes.first_chunk()?, bytes.last_chunk()?);
        Some(Self { first: u64::from_be_bytes(*first), last: u64::from_be_bytes(*last) })
    }

    /// Returns one or two blocks that cover the interval, and at most four times as many places.
    pub(crate) fn blocks<'k>(self) -> impl Iterator<Item = Key<'k>> {
        let open = u64::BITS - self.last.saturating_sub(self.first).leading_zeros();
        let (low, high) = (block(self.first, open), block(self.last.max(self.first), open));
        let second = (low != high).then_some(high);
        [Some(low), second].into_iter().flatten().map(move |block| Key::block(open, block))
    }
}

/// Returns the place of a number in the order of all numbers.
#[inline]
pub(crate) fn order(number: f64) -> u64 {
    let bits = (number + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// Returns which of the blocks with so many bits left open a number's place lies in.
pub(crate) fn block(place: u64, open: u32) -> u64 {
    place.checked_shr(open).unwrap_or(0)
}

/// Returns the key of a block, which holds how large it is.
pub(crate) fn block_bytes(block: u64, open: u32) -> [u8; 9] {
    let mut bytes = [0; 9];
    bytes[0] = open.to_le_bytes()[0];
    bytes[1..].copy_from_slice(&block.to_be_bytes());
    bytes
}
