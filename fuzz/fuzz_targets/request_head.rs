//! The headers that are read before a handler is.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::edge::request_head::check(input));
