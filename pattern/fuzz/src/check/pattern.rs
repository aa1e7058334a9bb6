//! A text that may be a pattern.

use railpost_pattern::{Error, Pattern};

use super::naive;

/// How the engine begins when it refuses a pattern for the work its wildcards could cause.
const TOO_COMPLEX: &str = "Rule is too complex - try using fewer wildcard characters";

/// Parses a text and holds what is said of it; returns the pattern where it is one.
pub(crate) fn pattern(text: &str) -> Option<Pattern> {
    let plain = naive::Pattern::read(text);
    match Pattern::parse(text) {
        Ok(pattern) => {
            let plain = plain.unwrap_or_else(|| panic!("accepted, and no pattern: {text}"));
            assert_eq!(pattern.text(), text);
            assert_eq!(pattern.paths().collect::<Vec<_>>(), plain.paths(), "{text}");
            Some(pattern)
        }
        Err(error) => {
            let expected = plain.is_none() || error.message().starts_with(TOO_COMPLEX);
            assert!(expected, "refused, and a pattern: {text}\n{error}");
            check_place(&error, text);
            None
        }
    }
}

fn check_place(error: &Error, text: &str) {
    let span = error.span();
    assert!(span.start <= span.end && span.end <= text.len(), "{span:?} of {text:?}");
    assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end), "{span:?} of {text:?}");
    assert!(error.message_with_source().starts_with(error.message()));

    let before = text[..span.start].replace("\r\n", "\n").replace('\r', "\n");
    let line = before.rsplit('\n').next().unwrap_or_default();
    let place = (before.matches('\n').count() + 1, line.encode_utf16().count() + 1);
    assert_eq!((span.line, span.column), place, "{span:?} of {text:?}");
}
