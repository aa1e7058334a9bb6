//! A text that may be a pattern.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| railpost_pattern_fuzz::parse(input));
