//! The machine and the program versions that the figures were measured with.

use crate::{
    BenchResult, paths,
    programs::{Programs, version_of},
    results::{Noise, RunInfo},
    rounds::Plan,
};
use serde::{Deserialize, Serialize};
use std::process::Command;

/// The machine that the figures were measured on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machine {
    /// The model of the processor.
    pub processor: String,
    /// The cores that a process may use.
    pub cores: usize,
    /// Memory in GiB.
    pub memory_gib: f64,
    /// The kernel.
    pub kernel: String,
    /// The type of the file system with the data.
    pub file_system: String,
    /// The versions of the programs.
    pub versions: Vec<String>,
}

fn value_of(file: &str, name: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix(name)).map_or_else(
        || "unknown".to_owned(),
        |rest| rest.trim_start_matches([':', ' ', '\t']).trim().to_owned(),
    )
}

impl Machine {
    /// This machine.
    ///
    /// # Errors
    /// If the system does not report its properties.
    pub fn here(programs: &Programs, folder: &std::path::Path) -> BenchResult<Self> {
        let kib = value_of("/proc/meminfo", "MemTotal");
        let kib: f64 = kib
            .split(' ')
            .next()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0.0);
        Ok(Self {
            processor: value_of("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism()?.get(),
            memory_gib: (kib / f64::from(1 << 20) * 10.0).round() / 10.0,
            kernel: output_of("uname", &["-sr"]),
            file_system: paths::file_system(folder)?,
            versions: vec![
                output_of(&paths::built("keyward")?.display().to_string(), &["--version"]),
                version_of(&programs.postgres.join("postgres"), "--version"),
                redis_version(programs),
                version_of(&programs.wrk, "-v")
                    .split(" Copyright")
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
                version_of(&programs.h2load, "--version"),
                output_of("rustc", &["--version"]),
            ],
        })
    }
}

fn redis_version(programs: &Programs) -> String {
    // Redis server v=7.0.15 sha=… malloc=…
    let line = version_of(&programs.redis, "--version");
    let version = line.split(' ').find_map(|word| word.strip_prefix("v="));
    format!("Redis {}", version.unwrap_or(&line))
}

fn output_of(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(paths::repository())
        .output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

/// The circumstances of a finished run.
///
/// # Errors
/// If the system does not report its properties.
pub fn run_info(
    programs: &Programs,
    folder: &std::path::Path,
    at: String,
    noise: Noise,
    plan: Plan,
) -> BenchResult<RunInfo> {
    let mut commit = output_of("git", &["rev-parse", "--short", "HEAD"]);
    // The files that the run itself writes don't count as changes.
    let ours = [":(exclude)bench/results.json", ":(exclude)docs/benchmarks.*"];
    if !output_of("git", &["status", "--porcelain", "--", ".", ours[0], ours[1]]).is_empty() {
        commit.push('+');
    }
    Ok(RunInfo {
        at,
        commit,
        machine: Machine::here(programs, folder)?,
        noise,
        rounds: plan.rounds,
        seconds: plan.seconds,
    })
}
