use proptest::prelude::*;
use proptest::sample::select;

use super::{Scope, Text, scope, text_end};
use crate::block::{Portable, Work};
use crate::check::tests::{cases, scope as scopes};

/// Returns what every form says, which must be the same.
fn skipped(text: &[u8], open: usize) -> usize {
    let end = scope(text, open);
    assert_eq!(Scope { text, open }.run(Portable), end, "{:?}", String::from_utf8_lossy(text));
    #[cfg(target_arch = "x86_64")]
    if let Some(form) = crate::block::Avx2::detect() {
        assert_eq!(form.run(Scope { text, open }), end, "{:?}", String::from_utf8_lossy(text));
    }
    end
}

/// Returns what every form says of a string's end, which must be the same.
fn ended(text: &[u8], start: usize) -> (usize, bool) {
    let end = text_end(text, start);
    assert_eq!(Text { text, at: start }.run(Portable), end, "{:?}", String::from_utf8_lossy(text));
    #[cfg(target_arch = "x86_64")]
    if let Some(form) = crate::block::Avx2::detect() {
        assert_eq!(form.run(Text { text, at: start }), end, "{:?}", String::from_utf8_lossy(text));
    }
    end
}

/// Passes by every scope and every string of a text, which the simplest of readers finds one by one.
fn check(text: &[u8], end: usize) {
    let mut open = Vec::new();
    let mut at = 0;
    while at < end {
        match text[at] {
            b'"' => {
                let start = at + 1;
                at = start;
                let mut escapes = false;
                while text[at] != b'"' {
                    escapes |= text[at] == b'\\';
                    at += if text[at] == b'\\' { 2 } else { 1 };
                }
                assert_eq!(ended(text, start), (at, escapes), "{:?}", String::from_utf8_lossy(text));
            }
            b'{' | b'[' => open.push(at),
            b'}' | b']' => {
                assert_eq!(skipped(text, open.pop().unwrap()), at + 1, "{:?}", String::from_utf8_lossy(text));
            }
            _ => {}
        }
        at += 1;
    }
}

#[test]
fn a_text_of_any_length_ends_at_its_quote() {
    for length in 0..200 {
        for piece in ["a", "\\\"", "\\\\", "\u{e9}", "a\\n"] {
            for before in ["", "abc"] {
                let text = format!("[\"{before}{}\", 1]", piece.repeat(length));
                check(text.as_bytes(), text.len());
            }
        }
    }
}

#[test]
fn text_that_does_not_end_is_passed_by_to_its_end() {
    for text in ["[", "[\"]", "[\"\\\"]", "[[]", "{\"a\":{}"] {
        assert_eq!(skipped(text.as_bytes(), 0), text.len(), "{text}");
    }
    assert_eq!(skipped(b"", 0), 0);
    assert_eq!(skipped(b"[]", 7), 2);
    assert_eq!(skipped(b"\x1e", 0), 1);
    assert_eq!(ended(b"abc", 0), (3, false));
    assert_eq!(ended(b"abc\\\"", 0), (5, true));
    assert_eq!(ended(b"abc", 7), (3, false));
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn every_scope_and_text_is_passed_by((text, end) in scopes()) {
        check(text.as_bytes(), end);
    }

    #[test]
    fn no_bytes_lead_astray(
        bytes in prop::collection::vec(prop_oneof![select(b"{}[]\"\\a".to_vec()), any::<u8>()], 0..300),
        at in 0..310_usize,
    ) {
        prop_assert!(skipped(&bytes, at) <= bytes.len());
        prop_assert!(ended(&bytes, at).0 <= bytes.len());
    }
}
