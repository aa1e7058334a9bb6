//! What is held to be true of every pattern and every event, whatever bytes they are.
//!
//! Each function takes the bytes of one input and panics where something does not hold. The targets in
//! `fuzz_targets` hand them what libFuzzer makes up (`cargo +nightly fuzz run matching`, from `pattern`); the
//! test `fuzz` in `tests` hands them damaged cases of the project's table, on the stable toolchain. What is
//! right is said by the plain evaluation in `tests/naive`, never by the engine itself.
//!
//! Inputs are made of parts with the byte 0xFF between them, which neither a pattern nor an event can hold.

mod check;

use std::str;

use check::Rules;

/// The byte between the parts of an input.
pub const SEPARATOR: u8 = 0xFF;

/// Only so many patterns of an input are looked at.
const PATTERNS_MAX: usize = 24;

/// Holds one text that may be a pattern.
pub fn parse(input: &[u8]) {
    if let Ok(text) = str::from_utf8(input) {
        check::pattern(text);
    }
}

/// Holds any number of patterns, two a key, and then one event.
pub fn matching(input: &[u8]) {
    let mut parts: Vec<&[u8]> = input.split(|byte| *byte == SEPARATOR).collect();
    let event = parts.pop().unwrap_or_default();
    let texts: Vec<&str> =
        parts.iter().take(PATTERNS_MAX).filter_map(|part| str::from_utf8(part).ok()).collect();
    let mut rules = Rules::new();
    for (index, text) in texts.iter().enumerate() {
        rules.insert(index / 2, text);
    }
    rules.check(event);
    let gone = event.len() % (texts.len() + 1) / 2;
    rules.remove(gone);
    rules.check(event);
    if let Some(text) = texts.get(gone) {
        rules.insert(gone, text);
        rules.churn(texts.len(), text, 3);
        rules.check(event);
    }
}

/// Holds one pattern and what is explained about one event.
pub fn explain(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == SEPARATOR);
    let pattern = parts.next().and_then(|part| str::from_utf8(part).ok()).unwrap_or_default();
    check::explanation(pattern, parts.next().unwrap_or_default());
}
