//! Redis URLs, and the display of any URL.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::edge::redis_url::check(input));
