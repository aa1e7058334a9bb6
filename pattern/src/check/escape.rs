//! Escapes, one by one: they are rare.

/// The escapes of a block.
pub(super) struct Escapes {
    /// The characters behind a backslash.
    pub(super) escaped: u64,
    /// The backslashes that begin no escape of JSON.
    pub(super) broken: u64,
    /// Whether the first byte of the next block is escaped.
    pub(super) carry: u64,
}

/// Finds the escapes, with the text from the block on; `carry` tells whether the first byte is escaped.
pub(super) fn find(backslash: u64, carry: u64, text: &[u8]) -> Escapes {
    let mut escaped = carry;
    let mut broken = 0;
    let mut left = backslash & !carry;
    let mut carry = 0;
    while left != 0 {
        let at = left.trailing_zeros();
        let bit = left & left.wrapping_neg();
        if !text.get(at as usize + 1..).is_some_and(is_escape) {
            broken |= bit;
        }
        escaped |= bit << 1;
        carry = bit >> 63;
        left &= !(bit | bit << 1);
    }
    Escapes { escaped, broken, carry }
}

/// Tells whether a text begins with what may follow a backslash.
fn is_escape(text: &[u8]) -> bool {
    match text.first() {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => true,
        Some(b'u') => text.get(1..5).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
        _ => false,
    }
}
