//! What was measured, as it is kept in `bench/results.json`: raw figures with the machine and the verdict on its quiet. A section
//! that was not measured again stays as it was.

use crate::{Outcome, machine::Machine, stats::Spread};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// All sections.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Results {
    /// The routes beside their limits, and what a server takes at rest.
    pub routes: Option<Section<Routes>>,
    /// The same routes on databases of several sizes.
    pub growth: Option<Section<Vec<Grown>>>,
    /// A user with a long past beside a new one.
    #[serde(default)]
    pub skew: Option<Section<Vec<Skewed>>>,
    /// A flood of sign-ins.
    pub flood: Option<Section<Vec<Flooded>>>,
    /// A sweep of expired rows.
    pub sweep: Option<Section<Vec<Swept>>>,
}

/// Figures of one run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Section<T> {
    /// When, where, how.
    pub taken: Taken,
    /// The figures.
    pub figures: T,
}

/// The circumstances of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Taken {
    /// When it began, RFC 3339.
    pub at: String,
    /// The commit that was checked out, with a `+` if files had changed since.
    pub commit: String,
    /// The machine.
    pub machine: Machine,
    /// Whether it was quiet.
    pub noise: Noise,
    /// Rounds a comparison.
    pub rounds: u32,
    /// Seconds a side and round.
    pub seconds: u32,
}

/// The verdict on the machine's quiet.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Noise {
    /// The times of the fixed work in milliseconds.
    pub calibration: Option<Spread>,
    /// How far they are apart, but for the tenth at either end, as a part of their median.
    pub spread: f64,
    /// What part of the processor was taken before the run.
    pub busy_before: f64,
    /// Why the machine counts as noisy; empty: it was quiet.
    pub reasons: Vec<String>,
}

impl Noise {
    /// Whether the figures need caution.
    #[must_use]
    pub fn is_noisy(&self) -> bool {
        !self.reasons.is_empty()
    }
}

/// The section of the routes.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Routes {
    /// The comparisons.
    pub comparisons: Vec<Comparison>,
    /// What a server takes at rest.
    pub start: Option<Start>,
}

/// Latencies in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Half took no longer.
    pub p50: f64,
    /// Nine of ten.
    pub p90: f64,
    /// 99 of a hundred.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
}

/// One side's rounds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Series {
    /// What ran.
    pub name: String,
    /// How many a second.
    pub rate: Spread,
    /// The same, round by round.
    pub rates: Vec<f64>,
    /// The medians of the rounds' latencies.
    pub latency: Option<Latency>,
}

/// A route and its limit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Comparison {
    /// A short name.
    pub name: String,
    /// What was measured.
    pub what: String,
    /// On which database.
    pub backend: String,
    /// The product.
    pub subject: Series,
    /// The limit.
    pub limit: Option<Series>,
    /// The ratio of each pair of rounds.
    pub ratio: Option<Spread>,
    /// The least ratio that is good.
    pub goal: Option<f64>,
}

impl Comparison {
    /// Whether the goal is met, where there is one.
    #[must_use]
    pub fn met(&self) -> Option<bool> {
        Some(self.ratio?.median >= self.goal?)
    }

    /// One line for the terminal.
    #[must_use]
    pub fn line(&self) -> String {
        let ratio = self.ratio.map_or_else(String::new, |ratio| {
            format!(" ratio {:.2} ({:.2}–{:.2})", ratio.median, ratio.min, ratio.max)
        });
        let goal = self.goal.map_or_else(String::new, |goal| {
            let word = if self.met() == Some(true) { "met" } else { "missed" };
            format!(", goal {goal:.2}: {word}")
        });
        let limit = self.limit.as_ref().map_or_else(String::new, |limit| {
            format!(" against {:.0}/s ({})", limit.rate.median, limit.name)
        });
        format!(
            "{} [{}]: {:.0}/s{limit}{ratio}{goal}",
            self.what, self.backend, self.subject.rate.median
        )
    }
}

/// What a server takes at rest: embedded, on existing data.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Start {
    /// Milliseconds from the start of the process until `/health/ready` answers 200.
    pub ready_ms: Spread,
    /// Resident memory in MB after that and one request.
    pub resident_mb: Spread,
    /// The size of the binary in MB.
    pub binary_mb: f64,
    /// The shared libraries that it loads.
    pub libraries: Vec<String>,
}

/// What a start may take, in milliseconds.
pub const READY_GOAL: f64 = 100.0;
/// How much memory a server at rest may hold, in MB.
pub const RESIDENT_GOAL: f64 = 20.0;
/// How large the binary may be, in MB.
pub const BINARY_GOAL: f64 = 30.0;
/// The libraries that a binary may load; the loader and the kernel's own are no files of ours.
pub const LIBRARIES_GOAL: [&str; 3] = ["libc.so.6", "libm.so.6", "libgcc_s.so.1"];

/// A route on databases of several sizes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Grown {
    /// On which database.
    pub backend: String,
    /// The route.
    pub route: String,
    /// By size, ascending.
    pub sizes: Vec<AtSize>,
}

/// At one size.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AtSize {
    /// How many users.
    pub users: u64,
    /// What the database takes on the disk, in MB.
    pub database_mb: f64,
    /// The p50 of each round, in microseconds.
    pub p50: Spread,
}

/// How much slower the largest may be than the smallest.
pub const GROWTH_GOAL: f64 = 1.2;

impl Grown {
    /// The median p50 at the largest size over that at the smallest.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        let (first, last) = (self.sizes.first()?, self.sizes.last()?);
        (first.p50.median > 0.0).then(|| last.p50.median / first.p50.median)
    }
}

/// A route as a new user and one with a long past meet it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Skewed {
    /// On which database.
    pub backend: String,
    /// The route.
    pub route: String,
    /// How long the new user waited, in microseconds.
    pub fresh: Spread,
    /// How long the other one waited.
    pub heavy: Spread,
}

/// How much longer a user with a long past may wait.
pub const SKEW_GOAL: f64 = 1.2;

impl Skewed {
    /// The median of the user with a long past over that of the new one.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.heavy.median / self.fresh.median
    }
}

/// A flood of sign-ins on one backend.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Flooded {
    /// On which database.
    pub backend: String,
    /// Sign-ins a second that the server makes in a closed loop.
    pub capacity: f64,
    /// Sign-ins a second that were sent.
    pub offered: f64,
    /// Sign-ins a second that were let in.
    pub admitted: f64,
    /// Refusals (503): how many, and how long they took, in microseconds.
    pub refused: u64,
    /// The latencies of the refusals.
    pub refusals: Latency,
    /// Token checks while it was quiet.
    pub verify_quiet: Latency,
    /// Token checks during the flood.
    pub verify_flooded: Latency,
    /// Refreshes while it was quiet.
    pub refresh_quiet: Latency,
    /// Refreshes during the flood.
    pub refresh_flooded: Latency,
    /// Resident memory in MB: with the hash threads' memory before, at most during, and after.
    pub resident_mb: [f64; 3],
    /// Token checks, refreshes and sign-ins that were not answered as expected; a refused sign-in is.
    pub wrong: u64,
}

/// How much slower checks may get.
pub const FLOOD_GOAL: f64 = 2.0;
/// How long a refusal may take, in microseconds.
pub const REFUSAL_GOAL: f64 = 50_000.0;
/// How much memory may grow by: some connections' buffers, no more.
pub const FLAT_GOAL: f64 = 1.25;

/// A sweep of expired rows on one backend.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Swept {
    /// On which database.
    pub backend: String,
    /// How many rows there were to be swept.
    pub rows: u64,
    /// How many of them went while it was measured.
    pub gone: u64,
    /// How many were left after that: the sweep went on to the end.
    pub left: u64,
    /// What was asked for beside it.
    pub routes: Vec<Beside>,
}

/// A route in quiet, and beside the sweep.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Beside {
    /// The route.
    pub route: String,
    /// While nothing was swept.
    pub quiet: Latency,
    /// During the sweep.
    pub swept: Latency,
}

/// How much slower anything may get during a sweep.
pub const SWEEP_GOAL: f64 = 2.0;

impl Beside {
    /// The p50 and the p99 during the sweep over those before.
    #[must_use]
    pub fn ratios(&self) -> [f64; 2] {
        [
            self.swept.p50 / self.quiet.p50.max(1.0),
            self.swept.p99 / self.quiet.p99.max(1.0),
        ]
    }
}

impl Swept {
    /// One line for the terminal.
    #[must_use]
    pub fn line(&self) -> String {
        let routes: Vec<String> = self
            .routes
            .iter()
            .map(|one| {
                let [p50, p99] = one.ratios();
                format!(
                    "{} p50 {:.0} → {:.0} µs (× {p50:.2}), p99 {:.0} → {:.0} µs (× {p99:.2})",
                    one.route, one.quiet.p50, one.swept.p50, one.quiet.p99, one.swept.p99
                )
            })
            .collect();
        format!(
            "sweep [{}]: {} rows, {} gone while it was measured, {} left; {}",
            self.backend,
            self.rows,
            self.gone,
            self.left,
            routes.join("; ")
        )
    }
}

impl Results {
    /// What the file holds; nothing if there is none.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn read(file: &Path) -> Outcome<Self> {
        if !file.exists() {
            return Ok(Self::default());
        }
        Ok(serde_json::from_str(&std::fs::read_to_string(file)?)?)
    }

    /// Writes the file.
    ///
    /// # Errors
    /// If it can't.
    pub fn write(&self, file: &Path) -> Outcome<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        std::fs::write(file, text)?;
        Ok(())
    }
}
