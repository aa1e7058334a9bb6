//! Looks at 64 bytes at once: each [`Block`] turns them into masks whose bit `i` speaks of byte `i`.
//!
//! There are three forms of one thing: AVX-512 and AVX2, chosen when the program runs, and portable code. A
//! form's value is the proof that this machine has its instructions, so that only this module is unsafe.

#![expect(clippy::inline_always, reason = "the work is compiled again with the instructions of each form")]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;
#[cfg(test)]
mod tests;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
pub(crate) use portable::Portable;

/// How many bytes a block has.
pub(crate) const WIDTH: usize = 64;

/// Which bytes of a block are of which class; no mask knows of strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Masks {
    pub(crate) quote: u64,
    pub(crate) backslash: u64,
    /// Space, tab, line feed and carriage return.
    pub(crate) space: u64,
    /// Everything below the space.
    pub(crate) control: u64,
    /// Opening brackets and braces.
    pub(crate) open: u64,
    /// Closing brackets and braces.
    pub(crate) close: u64,
    /// Tells, of a bracket or brace, that it is a brace; says nothing of other bytes.
    pub(crate) brace: u64,
    pub(crate) comma: u64,
    pub(crate) colon: u64,
    pub(crate) digit: u64,
    pub(crate) zero: u64,
    pub(crate) minus: u64,
    pub(crate) dot: u64,
}

/// One form of looking at a block.
pub(crate) trait Block: Copy {
    /// The 64 bytes, where the form wants them.
    type Bytes: Copy;

    fn load(self, bytes: &[u8; WIDTH]) -> Self::Bytes;

    /// Loads what is left of a text, at most 64 bytes, with spaces behind it.
    #[inline(always)]
    fn load_rest(self, rest: &[u8]) -> Self::Bytes {
        let mut bytes = [b' '; WIDTH];
        let length = rest.len().min(WIDTH);
        bytes[..length].copy_from_slice(&rest[..length]);
        self.load(&bytes)
    }

    fn classify(self, bytes: Self::Bytes) -> Masks;

    /// Returns which bytes are `wanted`.
    fn equal(self, bytes: Self::Bytes, wanted: u8) -> u64;

    /// Returns the bits that are set in the one or the other.
    fn either(self, one: Self::Bytes, other: Self::Bytes) -> Self::Bytes;

    /// Returns which bytes are not ASCII.
    fn high(self, bytes: Self::Bytes) -> u64;

    /// Returns for each bit whether the number of bits set up to and with it is odd.
    #[inline(always)]
    fn parity(self, mut bits: u64) -> u64 {
        for shift in [1, 2, 4, 8, 16, 32] {
            bits ^= bits << shift;
        }
        bits
    }

    /// Adds, and returns the carry apart.
    #[inline(always)]
    fn add(self, one: u64, other: u64) -> (u64, u64) {
        let (sum, over) = one.overflowing_add(other);
        (sum, u64::from(over))
    }
}

/// Work that is compiled for each form.
pub(crate) trait Work {
    type Output;

    fn run<B: Block>(self, block: B) -> Self::Output;
}

/// Does the work in the widest form this machine has.
#[inline]
pub(crate) fn widest<W: Work>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(form) = Avx512::detect() {
            return form.run(work);
        }
        if let Some(form) = Avx2::detect() {
            return form.run(work);
        }
    }
    work.run(Portable)
}
