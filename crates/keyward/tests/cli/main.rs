//! The built binary, run as an operator runs it: what it prints, what it leaves behind, how it ends.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

mod configuration;
mod harness;
mod import;
mod migrations;
mod operating;
mod serving;
mod users;
