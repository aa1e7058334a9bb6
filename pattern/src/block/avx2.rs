//! 64 bytes in two registers.

#![expect(unsafe_code, reason = "the instructions of AVX2 are for machines that have them")]

use std::arch::x86_64::{
    __m128i, __m256i, _addcarry_u64, _mm_clmulepi64_si128, _mm_cvtsi64_si128, _mm_cvtsi128_si64,
    _mm_set1_epi8, _mm_setr_epi8, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8, _mm256_loadu_si256,
    _mm256_min_epu8, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_shuffle_epi8,
    _mm256_slli_epi16, _mm256_sub_epi8,
};

use super::{Block, Masks, WIDTH, Work};

/// The proof that this machine has the instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

impl Avx2 {
    #[inline]
    pub(crate) fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("pclmulqdq");
        found.then_some(Self(()))
    }

    #[inline]
    pub(crate) fn run<W: Work>(self, work: W) -> W::Output {
        // SAFETY: `detect` makes the only values, where the machine has each of these features.
        unsafe { run(self, work) }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
fn run<W: Work>(form: Avx2, work: W) -> W::Output {
    work.run(form)
}

impl Block for Avx2 {
    type Bytes = [__m256i; 2];

    #[inline(always)]
    #[expect(clippy::cast_ptr_alignment, reason = "the instruction loads from any address")]
    fn load(self, bytes: &[u8; WIDTH]) -> [__m256i; 2] {
        let at = bytes.as_ptr().cast::<__m256i>();
        // SAFETY: the array has twice the 32 bytes, in any alignment; `self` proves the feature.
        unsafe { [_mm256_loadu_si256(at), _mm256_loadu_si256(at.add(1))] }
    }

    #[inline(always)]
    fn classify(self, bytes: [__m256i; 2]) -> Masks {
        // SAFETY: `self` proves the features.
        unsafe { classify(bytes) }
    }

    #[inline(always)]
    fn equal(self, bytes: [__m256i; 2], wanted: u8) -> u64 {
        // SAFETY: `self` proves the features.
        unsafe { join(bytes.map(|half| _mm256_cmpeq_epi8(half, splat(wanted)))) }
    }

    #[inline(always)]
    fn either(self, one: [__m256i; 2], other: [__m256i; 2]) -> [__m256i; 2] {
        // SAFETY: `self` proves the features.
        unsafe { [_mm256_or_si256(one[0], other[0]), _mm256_or_si256(one[1], other[1])] }
    }

    #[inline(always)]
    fn high(self, bytes: [__m256i; 2]) -> u64 {
        // SAFETY: `self` proves the features.
        unsafe { join(bytes) }
    }

    #[inline(always)]
    fn add(self, one: u64, other: u64) -> (u64, u64) {
        let mut sum = 0;
        let over = _addcarry_u64(0, one, other, &mut sum);
        (sum, u64::from(over))
    }

    #[inline(always)]
    fn parity(self, bits: u64) -> u64 {
        // SAFETY: `self` proves the features.
        unsafe {
            let product = _mm_clmulepi64_si128::<0>(_mm_cvtsi64_si128(bits.cast_signed()), _mm_set1_epi8(-1));
            _mm_cvtsi128_si64(product).cast_unsigned()
        }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn classify(bytes: [__m256i; 2]) -> Masks {
    let equal = |wanted: u8| join(bytes.map(|half| _mm256_cmpeq_epi8(half, splat(wanted))));
    let at_most = |bytes: [__m256i; 2], most: u8| {
        join(bytes.map(|half| _mm256_cmpeq_epi8(_mm256_min_epu8(half, splat(most)), half)))
    };
    // The bit that tells `{` from `[` is also the one that tells `}` from `]`.
    let folded = bytes.map(|half| _mm256_or_si256(half, splat(0x20)));
    let spaces = _mm256_broadcastsi128_si256(space_table());
    Masks {
        quote: equal(b'"'),
        backslash: equal(b'\\'),
        space: join(bytes.map(|half| _mm256_cmpeq_epi8(half, _mm256_shuffle_epi8(spaces, half)))),
        control: at_most(bytes, 0x1f),
        open: join(folded.map(|half| _mm256_cmpeq_epi8(half, splat(b'{')))),
        close: join(folded.map(|half| _mm256_cmpeq_epi8(half, splat(b'}')))),
        brace: join(bytes.map(|half| _mm256_slli_epi16::<2>(half))),
        comma: equal(b','),
        colon: equal(b':'),
        digit: at_most(bytes.map(|half| _mm256_sub_epi8(half, splat(b'0'))), 9),
        zero: equal(b'0'),
        minus: equal(b'-'),
        dot: equal(b'.'),
    }
}

/// Returns a table that answers with the byte itself where a space character's low four bits look it up.
#[inline(always)]
pub(super) fn space_table() -> __m128i {
    let no = -1;
    // SAFETY: every x86-64 has SSE2.
    #[expect(clippy::cast_possible_wrap, reason = "ASCII fits")]
    unsafe {
        _mm_setr_epi8(
            b' ' as i8,
            no,
            no,
            no,
            no,
            no,
            no,
            no,
            no,
            b'\t' as i8,
            b'\n' as i8,
            no,
            no,
            b'\r' as i8,
            no,
            no,
        )
    }
}

/// Returns the highest bit of each byte.
#[inline]
#[target_feature(enable = "avx2")]
fn join(bytes: [__m256i; 2]) -> u64 {
    let [low, high] = bytes.map(|half| u64::from(_mm256_movemask_epi8(half).cast_unsigned()));
    low | high << 32
}

#[inline]
#[target_feature(enable = "avx2")]
fn splat(byte: u8) -> __m256i {
    _mm256_set1_epi8(byte.cast_signed())
}
