//! The built binary, run as an operator runs it: what it prints, what it leaves behind, how it ends.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod auditing;
mod configuration;
mod harness;
mod import;
mod locking_out;
mod migrations;
mod operating;
mod serving;
mod users;

// It carries SQLite for those tests that change what is kept behind the program's back.
use keyward as _;
