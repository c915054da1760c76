//! JSON bodies.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::edge::json_body::check(input));
