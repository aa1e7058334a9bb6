//! 64 bytes in one register, classified to masks at once.

#![expect(unsafe_code, reason = "the instructions of AVX-512 are for machines that have them")]

use std::arch::x86_64::{
    __m512i, _addcarry_u64, _mm_clmulepi64_si128, _mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_set1_epi8,
    _mm512_broadcast_i32x4, _mm512_cmpeq_epi8_mask, _mm512_cmple_epu8_mask, _mm512_cmplt_epu8_mask,
    _mm512_loadu_si512, _mm512_mask_loadu_epi8, _mm512_movepi8_mask, _mm512_or_si512, _mm512_set1_epi8,
    _mm512_shuffle_epi8, _mm512_sub_epi8, _mm512_test_epi8_mask,
};

use super::{Block, Masks, WIDTH, Work};

/// The proof that this machine has the instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(());

impl Avx512 {
    #[inline]
    pub(crate) fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
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

#[target_feature(enable = "avx512f,avx512bw,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
fn run<W: Work>(form: Avx512, work: W) -> W::Output {
    work.run(form)
}

impl Block for Avx512 {
    type Bytes = __m512i;

    #[inline(always)]
    fn load(self, bytes: &[u8; WIDTH]) -> __m512i {
        // SAFETY: the array has the 64 bytes, in any alignment; `self` proves the feature.
        unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
    }

    #[inline(always)]
    fn load_rest(self, rest: &[u8]) -> __m512i {
        let length = rest.len().min(WIDTH);
        let there = if length == 0 { 0 } else { u64::MAX >> (WIDTH - length) };
        // SAFETY: only the bytes that the mask names are read, and the slice has them; `self` proves the feature.
        unsafe { _mm512_mask_loadu_epi8(splat(b' '), there, rest.as_ptr().cast()) }
    }

    #[inline(always)]
    fn classify(self, bytes: __m512i) -> Masks {
        // SAFETY: `self` proves the features.
        unsafe { classify(bytes) }
    }

    #[inline(always)]
    fn equal(self, bytes: __m512i, wanted: u8) -> u64 {
        // SAFETY: `self` proves the features.
        unsafe { _mm512_cmpeq_epi8_mask(bytes, splat(wanted)) }
    }

    #[inline(always)]
    fn either(self, one: __m512i, other: __m512i) -> __m512i {
        // SAFETY: `self` proves the features.
        unsafe { _mm512_or_si512(one, other) }
    }

    #[inline(always)]
    fn high(self, bytes: __m512i) -> u64 {
        // SAFETY: `self` proves the features.
        unsafe { _mm512_movepi8_mask(bytes) }
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
#[target_feature(enable = "avx512f,avx512bw")]
fn classify(bytes: __m512i) -> Masks {
    let equal = |wanted: u8| _mm512_cmpeq_epi8_mask(bytes, splat(wanted));
    // The bit that tells `{` from `[` is also the one that tells `}` from `]`.
    let folded = _mm512_or_si512(bytes, splat(0x20));
    let spaces = _mm512_broadcast_i32x4(super::avx2::space_table());
    Masks {
        quote: equal(b'"'),
        backslash: equal(b'\\'),
        space: _mm512_cmpeq_epi8_mask(bytes, _mm512_shuffle_epi8(spaces, bytes)),
        control: _mm512_cmplt_epu8_mask(bytes, splat(b' ')),
        open: _mm512_cmpeq_epi8_mask(folded, splat(b'{')),
        close: _mm512_cmpeq_epi8_mask(folded, splat(b'}')),
        brace: _mm512_test_epi8_mask(bytes, splat(0x20)),
        comma: equal(b','),
        colon: equal(b':'),
        digit: _mm512_cmple_epu8_mask(_mm512_sub_epi8(bytes, splat(b'0')), splat(9)),
        zero: equal(b'0'),
        minus: equal(b'-'),
        dot: equal(b'.'),
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn splat(byte: u8) -> __m512i {
    _mm512_set1_epi8(byte.cast_signed())
}
