//! The machine and the versions that figures belong to.

use crate::{
    Outcome, paths,
    programs::{Programs, version_of},
    results::{Noise, Taken},
    rounds::Plan,
};
use serde::{Deserialize, Serialize};
use std::process::Command;

/// What the figures were taken on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machine {
    /// The processor.
    pub processor: String,
    /// How many cores a process may use.
    pub cores: usize,
    /// Memory in GiB.
    pub memory_gib: f64,
    /// The kernel.
    pub kernel: String,
    /// The kind of file system of the data.
    pub file_system: String,
    /// Versions of the programs.
    pub versions: Vec<String>,
}

fn first_line(file: &str, name: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix(name)).map_or_else(
        || "unknown".to_owned(),
        |rest| rest.trim_start_matches([':', ' ', '\t']).trim().to_owned(),
    )
}

impl Machine {
    /// This one.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn here(programs: &Programs, folder: &std::path::Path) -> Outcome<Self> {
        let kib = first_line("/proc/meminfo", "MemTotal");
        let kib: f64 = kib
            .split(' ')
            .next()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0.0);
        Ok(Self {
            processor: first_line("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism()?.get(),
            memory_gib: (kib / f64::from(1 << 20) * 10.0).round() / 10.0,
            kernel: said("uname", &["-sr"]),
            file_system: paths::file_system(folder)?,
            versions: vec![
                said(&paths::built("keyward")?.display().to_string(), &["--version"]),
                version_of(&programs.postgres.join("postgres"), "--version"),
                redis_version(programs),
                version_of(&programs.wrk, "-v")
                    .split(" Copyright")
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
                version_of(&programs.h2load, "--version"),
                said("rustc", &["--version"]),
            ],
        })
    }
}

fn redis_version(programs: &Programs) -> String {
    // Redis server v=7.0.15 sha=… malloc=…
    let said = version_of(&programs.redis, "--version");
    let version = said.split(' ').find_map(|word| word.strip_prefix("v="));
    format!("Redis {}", version.unwrap_or(&said))
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(paths::repository())
        .output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

/// The circumstances of a run that has ended.
///
/// # Errors
/// If the system does not say.
pub fn taken(
    programs: &Programs,
    folder: &std::path::Path,
    at: String,
    noise: Noise,
    plan: Plan,
) -> Outcome<Taken> {
    let mut commit = said("git", &["rev-parse", "--short", "HEAD"]);
    // What the run itself writes is no change of what was measured.
    let ours = [":(exclude)bench/results.json", ":(exclude)docs/benchmarks.*"];
    if !said("git", &["status", "--porcelain", "--", ".", ours[0], ours[1]]).is_empty() {
        commit.push('+');
    }
    Ok(Taken {
        at,
        commit,
        machine: Machine::here(programs, folder)?,
        noise,
        rounds: plan.rounds,
        seconds: plan.seconds,
    })
}
