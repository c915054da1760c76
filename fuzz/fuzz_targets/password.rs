//! Passwords, new and presented.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::password::check(input));
