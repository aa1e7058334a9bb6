//! A quick look at whether a key can be among some, before the table is asked.

/// What a few bits say about some keys. Of few keys it lets few others through; of many it lets all through.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sieve(u64);

impl Sieve {
    pub(crate) fn add(&mut self, key: &[u8]) {
        self.0 |= bit(key);
    }

    /// Returns whether the key may be among those that were added; of those that were, always true.
    #[inline]
    pub(crate) fn lets_through(self, key: &[u8]) -> bool {
        self.0 & bit(key) != 0
    }
}

/// Returns one of 64 bits, by the ends of the key and its length.
#[inline]
fn bit(key: &[u8]) -> u64 {
    let (Some(first), Some(last)) = (key.first(), key.last()) else {
        return 1;
    };
    1 << ((usize::from(*first) + 31 * usize::from(*last) + 7 * key.len()) & 63)
}
