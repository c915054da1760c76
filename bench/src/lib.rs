//! The benchmark harness. It measures the release binary over HTTP and, for each route, the limit of the machine, in alternation.
//!
//! The rule: a figure is a ratio of two things that the same run measured in alternation with the same load generator, or it is marked as a
//! plain number. An unexpected answer makes a figure invalid, and a noisy machine is reported with the figures. wrk, h2load and pgbench
//! generate the load.

pub mod bare;
pub mod chart;
pub mod flood;
pub mod growth;
pub mod h2load;
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
pub mod token_pool;

// Not used in the code: it links the SQLite and libpq that the product bundles.
use auth_storage as _;

/// Any error, with a text for the terminal.
pub type BenchError = Box<dyn std::error::Error + Send + Sync>;

/// The result of a step of a benchmark.
pub type BenchResult<T> = Result<T, BenchError>;

/// Prints progress to stderr.
pub fn progress(text: &str) {
    use std::io::Write as _;
    // Without a reader of stderr there is nothing to do.
    let _written = writeln!(std::io::stderr(), "{text}");
}
