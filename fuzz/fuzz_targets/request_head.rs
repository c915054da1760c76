//! The headers that are parsed before the handler runs.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::edge::request_head::check(input));
