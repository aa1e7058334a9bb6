//! Versions as files name them, and the characters of names.

use semver::Version;

/// Returns the version that `1`, `1.2` or `1.2.3` stands for; missing parts are 0.
pub(crate) fn parse(text: &str) -> Option<Version> {
    let mut parts = [0; 3];
    let mut pieces = text.split('.');
    for (part, piece) in parts.iter_mut().zip(pieces.by_ref()) {
        let canonical = piece == "0" || !piece.starts_with('0');
        if !canonical || !piece.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *part = piece.parse().ok()?;
    }
    let [major, minor, patch] = parts;
    pieces.next().is_none().then(|| Version::new(major, minor, patch))
}

/// Returns whether a registry or a schema may have this name.
pub(crate) fn is_name(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !text.is_empty() && !text.starts_with('.') && text.bytes().all(legal)
}
