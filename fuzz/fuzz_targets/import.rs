//! Import files.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::edge::import::check(input));
