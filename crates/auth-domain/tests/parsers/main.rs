//! The parsers at the edge, each rule as a sentence: addresses, passwords, stored hashes, device names.

mod device;
mod email;
mod guessing;
mod hash_text;
mod other_hashes;
mod password;
mod password_hash;
