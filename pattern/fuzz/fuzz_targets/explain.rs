//! A pattern, an event and what is explained about them.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| railpost_pattern_fuzz::explain(input));
