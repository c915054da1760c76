//! Ids, and the ids of refresh tokens.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::identifiers::check(input));
