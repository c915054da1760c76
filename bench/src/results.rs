//! The results in `bench/results.json`: raw figures, the machine, and whether it was quiet. A run replaces only the sections that it
//! measured.

use crate::{BenchResult, machine::Machine, stats::Spread};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// All sections.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Results {
    /// The routes and their limits, and a server at rest.
    pub routes: Option<Section<Routes>>,
    /// The same routes on databases of several sizes.
    pub growth: Option<Section<Vec<GrowthResult>>>,
    /// A user with a long history compared with a new user.
    #[serde(default)]
    pub skew: Option<Section<Vec<SkewResult>>>,
    /// A flood of sign-ins.
    pub flood: Option<Section<Vec<FloodResult>>>,
    /// A sweep of expired rows.
    pub sweep: Option<Section<Vec<SweepResult>>>,
}

/// Figures of one run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Section<T> {
    /// The circumstances of the run.
    pub taken: RunInfo,
    /// The figures.
    pub figures: T,
}

/// The circumstances of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunInfo {
    /// When the run began (RFC 3339).
    pub at: String,
    /// The checked-out commit, with a `+` if there were uncommitted changes.
    pub commit: String,
    /// The machine.
    pub machine: Machine,
    /// Whether the machine was quiet.
    pub noise: Noise,
    /// Rounds of each comparison.
    pub rounds: u32,
    /// Seconds of each side in a round.
    pub seconds: u32,
}

/// Whether the machine was quiet during the run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Noise {
    /// The times of the fixed work in milliseconds.
    pub calibration: Option<Spread>,
    /// Their spread without the lowest and the highest tenth, as a fraction of their median.
    pub spread: f64,
    /// The fraction of the processor in use before the run.
    pub busy_before: f64,
    /// Why the machine counts as noisy; empty if it was quiet.
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
    /// A server at rest.
    pub start: Option<Start>,
}

/// Latencies in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// The median.
    pub p50: f64,
    /// The 90th percentile.
    pub p90: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

/// The rounds of one side.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Series {
    /// The name of the side.
    pub name: String,
    /// The rate, in requests a second.
    pub rate: Spread,
    /// The rate of each round.
    pub rates: Vec<f64>,
    /// The medians of the latencies of the rounds.
    pub latency: Option<Latency>,
}

/// A route and its limit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Comparison {
    /// A short name.
    pub name: String,
    /// The label in the tables.
    pub what: String,
    /// The database.
    pub backend: String,
    /// The rates of the product.
    pub subject: Series,
    /// The rates of the limit.
    pub limit: Option<Series>,
    /// The spread of the ratios, one for each pair of rounds.
    pub ratio: Option<Spread>,
    /// The smallest ratio that meets the goal.
    pub goal: Option<f64>,
}

impl Comparison {
    /// Whether the goal is met; `None` without a goal.
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

/// A server at rest, embedded, with existing data.
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

/// The goal for the start, in milliseconds.
pub const READY_GOAL: f64 = 100.0;
/// The goal for the memory of a server at rest, in MB.
pub const RESIDENT_GOAL: f64 = 20.0;
/// The goal for the size of the binary, in MB.
pub const BINARY_GOAL: f64 = 30.0;
/// The libraries that the binary may load. The loader and the kernel's vDSO don't count.
pub const LIBRARIES_GOAL: [&str; 3] = ["libc.so.6", "libm.so.6", "libgcc_s.so.1"];

/// A route on databases of several sizes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GrowthResult {
    /// The database.
    pub backend: String,
    /// The route.
    pub route: String,
    /// The sizes, ascending.
    pub sizes: Vec<AtSize>,
}

/// A route on a database of one size.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AtSize {
    /// The number of users.
    pub users: u64,
    /// The size of the database on the disk, in MB.
    pub database_mb: f64,
    /// The p50 of each round, in microseconds.
    pub p50: Spread,
}

/// The goal for the p50 of the largest size over that of the smallest.
pub const GROWTH_GOAL: f64 = 1.2;

impl GrowthResult {
    /// The median p50 at the largest size over that at the smallest.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        let (first, last) = (self.sizes.first()?, self.sizes.last()?);
        (first.p50.median > 0.0).then(|| last.p50.median / first.p50.median)
    }
}

/// A route for a new user and for a user with a long history.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SkewResult {
    /// The database.
    pub backend: String,
    /// The route.
    pub route: String,
    /// The latencies of the new user, in microseconds.
    pub fresh: Spread,
    /// The latencies of the user with a long history, in microseconds.
    pub heavy: Spread,
}

/// The goal for the latency of a user with a long history over that of a new one.
pub const SKEW_GOAL: f64 = 1.2;

impl SkewResult {
    /// The median of the user with a long history over that of the new user.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.heavy.median / self.fresh.median
    }
}

/// A flood of sign-ins on one backend.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FloodResult {
    /// The database.
    pub backend: String,
    /// The capacity: sign-ins a second in a closed loop.
    pub capacity: f64,
    /// Sign-ins a second that were sent.
    pub offered: f64,
    /// Sign-ins a second that were accepted.
    pub admitted: f64,
    /// The number of refusals (503).
    pub refused: u64,
    /// The latencies of the refusals, in microseconds.
    pub refusals: Latency,
    /// Token checks before the flood.
    pub verify_quiet: Latency,
    /// Token checks during the flood.
    pub verify_flooded: Latency,
    /// Refreshes before the flood.
    pub refresh_quiet: Latency,
    /// Refreshes during the flood.
    pub refresh_flooded: Latency,
    /// Resident memory in MB, with the hashing threads' memory: before the flood, the maximum during it, and after it.
    pub resident_mb: [f64; 3],
    /// Unexpected answers to token checks, refreshes and sign-ins. A refused sign-in is expected.
    pub wrong: u64,
}

/// The goal for the p99 of checks during the flood over that before it.
pub const FLOOD_GOAL: f64 = 2.0;
/// The goal for the p99 of refusals, in microseconds.
pub const REFUSAL_GOAL: f64 = 50_000.0;
/// The goal for memory during the flood over that before it: only the buffers of the connections may add to it.
pub const FLAT_GOAL: f64 = 1.25;

/// A sweep of expired rows on one backend.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SweepResult {
    /// The database.
    pub backend: String,
    /// The expired rows at the start.
    pub rows: u64,
    /// The rows that were removed during the measurement.
    pub gone: u64,
    /// The rows that were left after it: not zero means that the sweep lasted for all of the measurement.
    pub left: u64,
    /// The routes that were measured during it.
    pub routes: Vec<RouteDuringSweep>,
}

/// A route before and during the sweep.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RouteDuringSweep {
    /// The route.
    pub route: String,
    /// Before the sweep.
    pub quiet: Latency,
    /// During the sweep.
    pub swept: Latency,
}

/// The goal for the latencies during the sweep over those before it.
pub const SWEEP_GOAL: f64 = 2.0;

impl RouteDuringSweep {
    /// The p50 and the p99 during the sweep over those before it.
    #[must_use]
    pub fn ratios(&self) -> [f64; 2] {
        [
            self.swept.p50 / self.quiet.p50.max(1.0),
            self.swept.p99 / self.quiet.p99.max(1.0),
        ]
    }
}

impl SweepResult {
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
            "sweep [{}]: {} rows, {} removed during the measurement, {} left; {}",
            self.backend,
            self.rows,
            self.gone,
            self.left,
            routes.join("; ")
        )
    }
}

impl Results {
    /// Reads the results; empty if the file does not exist.
    ///
    /// # Errors
    /// If the file can't be read or parsed.
    pub fn read(file: &Path) -> BenchResult<Self> {
        if !file.exists() {
            return Ok(Self::default());
        }
        Ok(serde_json::from_str(&std::fs::read_to_string(file)?)?)
    }

    /// Writes the results.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn write(&self, file: &Path) -> BenchResult<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        std::fs::write(file, text)?;
        Ok(())
    }
}
