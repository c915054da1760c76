//! The measuring harness: the release binary over HTTP, and beside each route the limit of the machine, in turns.
//!
//! The rule: a figure is a ratio of two things measured in the same run, in turns, by the same load generator, or it is marked
//! as a plain number. An answer that was not expected makes a figure invalid, and a machine that is not quiet is told of.
//! Load comes from wrk, h2load and pgbench; nothing here writes to a socket by itself.

pub mod bare;
pub mod chart;
pub mod flood;
pub mod growth;
pub mod h2load;
pub mod harvest;
pub mod http;
pub mod limits;
pub mod listener;
pub mod load;
pub mod machine;
pub mod markdown;
pub mod noise;
pub mod paths;
pub mod programs;
pub mod results;
pub mod rounds;
pub mod scenarios;
pub mod seed;
pub mod server;
pub mod services;
pub mod skew;
pub mod start;
pub mod stats;
pub mod sweep;

// Not named in the code: with it SQLite and libpq are the ones that the product carries inside.
use auth_storage as _;

/// What can go wrong, told to a person.
pub type Fault = Box<dyn std::error::Error + Send + Sync>;

/// A result that says what went wrong.
pub type Outcome<T> = Result<T, Fault>;

/// Tells the person at the terminal what is going on.
pub fn say(text: &str) {
    use std::io::Write as _;
    let _nobody_reads = writeln!(std::io::stderr(), "{text}");
}
