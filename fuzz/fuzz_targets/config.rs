//! Configuration files and variables.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::edge::config::check(input));
