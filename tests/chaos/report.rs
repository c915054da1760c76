//! The result of a run: a row of the table, and on failure the way to repeat the same run. And the settings of a run, from its
//! environment:
//!
//! - `KEYWARD_CHAOS_SEED` decides which account makes which call on which node, and when the fault happens. By default the quick form
//!   has a fixed seed, and the long form takes one from the clock.
//! - `KEYWARD_CHAOS_ROUNDS`, of the long form: how many crashes of each backend (100).
//! - `KEYWARD_CHAOS_FAULT_ROUNDS`, of the long form: how often each fault happens (10).
//! - `KEYWARD_CHAOS_ONLY`, of the long form: part of a name, such as `crash`, `redis` or `clock`.

use crate::scenario::Counts;
use std::{
    io::{self, Write},
    time::Duration,
};

/// The first columns say what was done, the others what the result was.
pub(crate) const HEAD: &str = "| fault | rounds | acknowledged | token checks | no decision | well again within | took | violations |\n\
                               | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |";

/// The result of a run.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) seed: u64,
    pub(crate) rounds: u32,
    pub(crate) counts: Counts,
    pub(crate) slowest: Duration,
    pub(crate) violations: Vec<String>,
    pub(crate) took: Duration,
}

impl Row {
    /// The row as Markdown.
    pub(crate) fn markdown(&self) -> String {
        let recovery = if self.slowest.is_zero() {
            "–".to_owned()
        } else {
            format!("{:.1} s", self.slowest.as_secs_f64())
        };
        format!(
            "| {} | {} | {} | {} | {} | {recovery} | {} s | {} |",
            self.name,
            self.rounds,
            self.counts.acknowledged,
            self.counts.checks,
            self.counts.open,
            self.took.as_secs(),
            self.violations.len()
        )
    }

    /// Fails if a promise was broken.
    #[track_caller]
    pub(crate) fn holds(&self) {
        if let Some(first) = self.violations.first() {
            panic!(
                "{}: broken in round {} (KEYWARD_CHAOS_SEED={}): {first}",
                self.name, self.rounds, self.seed
            );
        }
    }
}

/// Prints a line past the capture of test output.
pub(crate) fn say(what: &str) {
    // If the line can't be written, the run goes on.
    let _ = writeln!(io::stderr(), "{what}");
}

/// The seed of the quick form: always the same, unless the environment sets another.
pub(crate) fn seed() -> u64 {
    chosen().unwrap_or(1)
}

/// The seed of the long form: a new one each time, unless the environment sets one.
#[cfg(feature = "services")]
pub(crate) fn new_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    chosen().unwrap_or_else(|| now.map_or(0, |now| now.as_secs()))
}

fn chosen() -> Option<u64> {
    let chosen = std::env::var("KEYWARD_CHAOS_SEED").ok()?;
    Some(chosen.parse().unwrap())
}

/// How many crashes of each backend the long form makes.
#[cfg(feature = "services")]
pub(crate) fn rounds(otherwise: u32) -> u32 {
    number("KEYWARD_CHAOS_ROUNDS", otherwise)
}

/// How often each fault happens in the long form.
#[cfg(feature = "services")]
pub(crate) fn fault_rounds() -> u32 {
    number("KEYWARD_CHAOS_FAULT_ROUNDS", 10)
}

/// Part of a name. The long form leaves out every scenario whose name does not contain it.
#[cfg(feature = "services")]
pub(crate) fn only() -> String {
    std::env::var("KEYWARD_CHAOS_ONLY").unwrap_or_default()
}

#[cfg(feature = "services")]
fn number(variable: &str, otherwise: u32) -> u32 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}
