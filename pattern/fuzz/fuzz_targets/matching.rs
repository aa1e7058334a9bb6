//! Patterns and an event.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| railpost_pattern_fuzz::matching(input));
