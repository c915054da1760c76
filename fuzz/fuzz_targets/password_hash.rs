//! Password hashes in every spelling.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::password_hash::check(input));
