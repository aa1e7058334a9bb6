//! 64 bytes through a table, for machines without wide registers.

use super::{Block, Masks, WIDTH};

/// The form that every machine has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portable;

/// The classes of each byte, a bit for each mask.
static CLASSES: [u16; 256] = classes();

const fn classes() -> [u16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "the loop ends at 256")]
        let classes = classes_of(byte as u8);
        table[byte] = classes;
        byte += 1;
    }
    table
}

/// Returns a byte's classes, in the order of `classify`.
const fn classes_of(byte: u8) -> u16 {
    let is = [
        byte == b'"',
        byte == b'\\',
        matches!(byte, b' ' | b'\t' | b'\n' | b'\r'),
        byte < b' ',
        matches!(byte, b'{' | b'['),
        matches!(byte, b'}' | b']'),
        byte & 0x20 != 0,
        byte == b',',
        byte == b':',
        byte.is_ascii_digit(),
        byte == b'0',
        byte == b'-',
        byte == b'.',
    ];
    let mut bits = 0;
    let mut class = 0;
    while class < is.len() {
        bits |= (is[class] as u16) << class;
        class += 1;
    }
    bits
}

impl Block for Portable {
    type Bytes = [u8; WIDTH];

    #[inline(always)]
    fn load(self, bytes: &[u8; WIDTH]) -> [u8; WIDTH] {
        *bytes
    }

    fn classify(self, bytes: [u8; WIDTH]) -> Masks {
        let mut masks = [0_u64; 16];
        for (index, eight) in bytes.as_chunks::<8>().0.iter().enumerate() {
            let classes = eight.map(|byte| CLASSES[usize::from(byte)].to_le_bytes());
            for half in 0..2 {
                let square = transpose(u64::from_le_bytes(classes.map(|class| class[half])));
                for (mask, row) in masks[half * 8..].iter_mut().zip(square.to_le_bytes()) {
                    *mask |= u64::from(row) << (index * 8);
                }
            }
        }
        let [quote, backslash, space, control, open, close, brace, comma, colon, digit, zero, minus, dot, ..] =
            masks;
        Masks { quote, backslash, space, control, open, close, brace, comma, colon, digit, zero, minus, dot }
    }

    #[inline(always)]
    fn equal(self, bytes: [u8; WIDTH], wanted: u8) -> u64 {
        const LOW: u64 = u64::MAX / 255;
        const REST: u64 = LOW * 0x7f;
        gather(bytes, |eight| {
            let other = eight ^ (LOW * u64::from(wanted));
            !(((other & REST) + REST) | other | REST)
        })
    }

    #[inline(always)]
    fn either(self, mut one: [u8; WIDTH], other: [u8; WIDTH]) -> [u8; WIDTH] {
        for (byte, other) in one.iter_mut().zip(other) {
            *byte |= other;
        }
        one
    }

    #[inline(always)]
    fn high(self, bytes: [u8; WIDTH]) -> u64 {
        gather(bytes, |eight| eight & (u64::MAX / 255 * 0x80))
    }
}

/// Returns a mask of what `look` finds in each eight bytes, told by the highest bit of each byte.
#[inline(always)]
fn gather(bytes: [u8; WIDTH], look: impl Fn(u64) -> u64) -> u64 {
    let mut mask = 0;
    for (index, eight) in bytes.as_chunks::<8>().0.iter().enumerate() {
        let found = look(u64::from_le_bytes(*eight)) >> 7;
        mask |= (found.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (index * 8);
    }
    mask
}

/// Swaps the rows and the columns of eight by eight bits.
const fn transpose(square: u64) -> u64 {
    let mut bits = square;
    let swap = (bits ^ (bits >> 7)) & 0x00AA_00AA_00AA_00AA;
    bits ^= swap ^ (swap << 7);
    let swap = (bits ^ (bits >> 14)) & 0x0000_CCCC_0000_CCCC;
    bits ^= swap ^ (swap << 14);
    let swap = (bits ^ (bits >> 28)) & 0x0000_0000_F0F0_F0F0;
    bits ^ swap ^ (swap << 28)
}
