use proptest::prelude::*;

#[cfg(target_arch = "x86_64")]
use super::{Avx2, Avx512};
use super::{Block, Masks, Portable, WIDTH};

/// Everything one form says of a block.
fn look<B: Block>(form: B, bytes: &[u8; WIDTH]) -> (Masks, Vec<u64>) {
    let loaded = form.load(bytes);
    let masks = form.classify(loaded);
    let mut others: Vec<u64> = (0..=255).map(|wanted| form.equal(loaded, wanted)).collect();
    others.push(form.high(loaded));
    others.push(form.parity(masks.quote));
    others.push(form.parity(masks.digit));
    for length in [0, 1, 31, 32, 63, 64] {
        others.push(form.equal(form.load_rest(&bytes[..length]), b' '));
    }
    let brackets = masks.open | masks.close;
    (Masks { brace: masks.brace & brackets, ..masks }, others)
}

fn mask(bytes: &[u8], is: impl Fn(u8) -> bool) -> u64 {
    bytes.iter().rev().fold(0, |mask, byte| mask << 1 | u64::from(is(*byte)))
}

fn check(bytes: &[u8; WIDTH]) {
    let (masks, others) = look(Portable, bytes);
    let expected = Masks {
        quote: mask(bytes, |byte| byte == b'"'),
        backslash: mask(bytes, |byte| byte == b'\\'),
        space: mask(bytes, |byte| b" \t\n\r".contains(&byte)),
        control: mask(bytes, |byte| byte < 0x20),
        open: mask(bytes, |byte| b"{[".contains(&byte)),
        close: mask(bytes, |byte| b"}]".contains(&byte)),
        brace: mask(bytes, |byte| b"{}".contains(&byte)),
        comma: mask(bytes, |byte| byte == b','),
        colon: mask(bytes, |byte| byte == b':'),
        digit: mask(bytes, |byte| byte.is_ascii_digit()),
        zero: mask(bytes, |byte| byte == b'0'),
        minus: mask(bytes, |byte| byte == b'-'),
        dot: mask(bytes, |byte| byte == b'.'),
    };
    assert_eq!(masks, expected, "{bytes:?}");
    for (wanted, found) in (0..=255).zip(&others) {
        assert_eq!(*found, mask(bytes, |byte| byte == wanted), "{wanted} in {bytes:?}");
    }
    assert_eq!(others[256], mask(bytes, |byte| byte >= 0x80), "{bytes:?}");
    let parity = (0..64).rev().fold(0, |all, bit| {
        all << 1 | u64::from((expected.quote & (u64::MAX >> (63 - bit))).count_ones() % 2)
    });
    assert_eq!(others[257], parity, "{bytes:?}");
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(form) = Avx2::detect() {
            assert_eq!(look(form, bytes), (masks, others.clone()), "{bytes:?}");
        }
        if let Some(form) = Avx512::detect() {
            assert_eq!(look(form, bytes), (masks, others), "{bytes:?}");
        }
    }
}

#[test]
fn every_byte_is_classified_alike_by_every_form() {
    for first in [0, 64, 128, 192] {
        let mut byte: u16 = first;
        check(&[(); WIDTH].map(|()| {
            byte += 1;
            (byte - 1).to_le_bytes()[0]
        }));
    }
}

proptest! {
    #[test]
    fn blocks_are_classified_alike_by_every_form(bytes in any::<[[u8; 32]; 2]>()) {
        check(bytes.as_flattened().try_into().unwrap());
    }

    #[test]
    fn blocks_of_json_are_classified_alike_by_every_form(
        bytes in prop::collection::vec(prop::sample::select(b"\"\\ \t\n\r{}[],:0123-.eE+ab\0\x1f\x7f\x80\xff".to_vec()), WIDTH)
    ) {
        check(bytes.as_slice().try_into().unwrap());
    }
}
