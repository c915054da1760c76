//! Display names, roles, client ids, devices and idempotency keys.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::names::check(input));
