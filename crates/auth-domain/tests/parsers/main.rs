//! The parsers of input: email addresses, passwords, stored hashes, device names. Each test's name is a rule.

mod device;
mod email;
mod email_properties;
mod guessing;
mod hash_text;
mod other_hashes;
mod password;
mod password_hash;
