//! The words `true`, `false` and `null`.

/// Returns the length of the literal that a text begins with, if what follows it may follow a value.
pub(super) fn length(text: &[u8]) -> Option<usize> {
    let length = match text.first_chunk()? {
        b"true" | b"null" => 4,
        b"fals" if text.get(4) == Some(&b'e') => 5,
        _ => return None,
    };
    matches!(text.get(length), Some(b' ' | b'\t' | b'\n' | b'\r' | b',' | b']' | b'}')).then_some(length)
}
