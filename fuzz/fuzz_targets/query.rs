//! Query strings, with the cursor.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::edge::query::check(input));
