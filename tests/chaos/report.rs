//! What a run came to: a row of the table, and a failure that tells how to have the same run again. And what a run is told
//! by its environment:
//!
//! - `KEYWARD_CHAOS_SEED` decides who calls what, when and of whom, and when the fault comes. Not given,
//!   the quick form has a fixed one, and the long form one that the clock gives.
//! - `KEYWARD_CHAOS_ROUNDS`, of the long form: how many crashes of each backend (100).
//! - `KEYWARD_CHAOS_FAULT_ROUNDS`, of the long form: how often each fault befalls (10).
//! - `KEYWARD_CHAOS_ONLY`, of the long form: part of a name, such as `crash`, `redis` or `clock`.

use crate::scenario::Counts;
use std::{
    io::{self, Write},
    time::Duration,
};

/// The first columns tell what was done, the others what came of it.
pub(crate) const HEAD: &str = "| fault | rounds | acknowledged | token checks | no decision | well again within | took | violations |\n\
                               | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |";

/// What a run came to.
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
        let well_again = if self.slowest.is_zero() {
            "–".to_owned()
        } else {
            format!("{:.1} s", self.slowest.as_secs_f64())
        };
        format!(
            "| {} | {} | {} | {} | {} | {well_again} | {} s | {} |",
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

/// Says something where a test's output is not kept back.
pub(crate) fn say(what: &str) {
    // Nobody reads it: the run goes on all the same.
    let _ = writeln!(io::stderr(), "{what}");
}

/// The seed of the quick form: always the same, unless another one is asked for.
pub(crate) fn seed() -> u64 {
    chosen().unwrap_or(1)
}

/// The seed of the long form: another one each time, unless one is asked for.
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

/// How often each fault befalls in the long form.
#[cfg(feature = "services")]
pub(crate) fn fault_rounds() -> u32 {
    number("KEYWARD_CHAOS_FAULT_ROUNDS", 10)
}

/// What is left out of the long form: all whose name does not contain this.
#[cfg(feature = "services")]
pub(crate) fn only() -> String {
    std::env::var("KEYWARD_CHAOS_ONLY").unwrap_or_default()
}

#[cfg(feature = "services")]
fn number(variable: &str, otherwise: u32) -> u32 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}
