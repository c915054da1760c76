//! Load by wrk, with a script of `bench/lua`: one thread with several connections, each of which sends the next request when it has the
//! answer (a closed loop).

use crate::{BenchResult, paths, programs::Programs, results::Latency};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Output},
};

/// One run of wrk.
pub struct Load<'a> {
    /// The server's origin.
    pub origin: &'a str,
    /// The file name of the script.
    pub script: &'a str,
    /// The arguments of the script.
    pub arguments: Vec<String>,
    /// The number of connections.
    pub connections: u32,
    /// The length in seconds.
    pub seconds: u32,
    /// The expected statuses, if the script counts statuses.
    pub expected: &'a [u16],
}

/// The result of a run of wrk.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct LoadResult {
    /// The number of answers.
    pub requests: u64,
    micros: u64,
    connect: u64,
    read: u64,
    write: u64,
    timeout: u64,
    /// Answers with a status of 400 or more.
    pub refused: u64,
    /// The median latency in microseconds.
    pub p50: f64,
    /// The 90th percentile in microseconds.
    pub p90: f64,
    /// The 99th percentile in microseconds.
    pub p99: f64,
    /// The longest latency in microseconds.
    pub max: f64,
    /// The number of answers by status, if the script counts them.
    pub statuses: BTreeMap<String, u64>,
}

impl From<&LoadResult> for Latency {
    fn from(loaded: &LoadResult) -> Self {
        Self {
            p50: loaded.p50,
            p90: loaded.p90,
            p99: loaded.p99,
            max: loaded.max,
        }
    }
}

impl LoadResult {
    /// Parses the output of a finished wrk, which `bench/lua/report.lua` writes.
    ///
    /// # Errors
    /// If the output has no result.
    pub fn parse(output: &Output) -> BenchResult<Self> {
        let text = String::from_utf8_lossy(&output.stdout);
        let Some(json) = text.lines().find_map(|line| line.strip_prefix("RESULT ")) else {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(format!("wrk printed no result: {text}{errors}").into());
        };
        Ok(serde_json::from_str(json)?)
    }

    /// Answers a second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.requests as f64 / (self.micros.max(1) as f64 / 1e6)
    }

    /// The number of requests without an answer or with an unexpected one.
    #[must_use]
    pub fn wrong(&self, expected: &[u16]) -> u64 {
        let failed = self.connect + self.read + self.write + self.timeout;
        if self.statuses.is_empty() {
            return failed + self.refused;
        }
        let named: Vec<String> = expected.iter().map(ToString::to_string).collect();
        let others = self.statuses.iter().filter(|(status, _)| !named.contains(status));
        failed + others.map(|(_, count)| count).sum::<u64>()
    }

    /// What was unexpected, as texts; empty if nothing was.
    #[must_use]
    pub fn complaints(&self, expected: &[u16]) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut complain = |count: u64, what: &str| {
            if count > 0 {
                complaints.push(format!("{count} {what}"));
            }
        };
        complain(self.connect, "connections failed");
        complain(self.read, "reads failed");
        complain(self.write, "writes failed");
        complain(self.timeout, "answers came too late");
        complain(self.refused, "answers of 400 and more");
        for (status, count) in &self.statuses {
            if !expected.iter().any(|good| good.to_string() == *status) {
                complain(*count, &format!("answers {status}"));
            }
        }
        if self.requests == 0 {
            complaints.push("no answer at all".to_owned());
        }
        complaints
    }
}

impl Load<'_> {
    /// The wrk command.
    #[must_use]
    pub fn command(&self, programs: &Programs) -> Command {
        let mut command = Command::new(&programs.wrk);
        command
            .args(["-t", "1", "--timeout", "20s", "-c", &self.connections.to_string()])
            .args(["-d", &format!("{}s", self.seconds)])
            .arg("-s")
            .arg(paths::lua().join(self.script))
            .arg(self.origin)
            .arg("--")
            .args(&self.arguments)
            .env("KEYWARD_BENCH_LUA", paths::lua())
            .stdin(std::process::Stdio::null());
        command
    }

    /// Runs wrk to its end.
    ///
    /// # Errors
    /// If wrk can't be run or an answer is unexpected.
    pub fn run(&self, programs: &Programs) -> BenchResult<LoadResult> {
        let of = |what: String| format!("{} {:?}: {what}", self.script, self.arguments_without_paths());
        let loaded =
            LoadResult::parse(&self.command(programs).output()?).map_err(|error| of(error.to_string()))?;
        let complaints = loaded.complaints(self.expected);
        if complaints.is_empty() {
            Ok(loaded)
        } else {
            Err(of(complaints.join(", ")).into())
        }
    }

    /// The arguments except the paths of files, for error messages.
    fn arguments_without_paths(&self) -> Vec<&String> {
        self.arguments
            .iter()
            .filter(|text| !Path::new(text).is_file())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(json: &str) -> LoadResult {
        serde_json::from_str(json).unwrap()
    }

    const CLEAN: &str = r#"{"requests":100,"micros":500000,"connect":0,"read":0,"write":0,"timeout":0,"refused":0,
        "p50":1,"p90":2,"p99":3,"max":4,"statuses":{"200":100}}"#;

    #[test]
    fn a_clean_run_has_a_rate_and_no_complaint() {
        let clean = loaded(CLEAN);
        assert_eq!(clean.per_second(), 200.0);
        assert!(clean.complaints(&[200]).is_empty());
    }

    #[test]
    fn an_answer_that_was_not_expected_is_a_complaint() {
        assert_eq!(loaded(CLEAN).complaints(&[204]), ["100 answers 200"]);
        let refused = loaded(&CLEAN.replace("\"refused\":0", "\"refused\":7"));
        assert_eq!(refused.complaints(&[200]), ["7 answers of 400 and more"]);
        let cut = loaded(&CLEAN.replace("\"read\":0", "\"read\":1"));
        assert_eq!(cut.complaints(&[200]), ["1 reads failed"]);
    }

    #[test]
    fn no_answer_is_a_complaint() {
        let none = loaded(&CLEAN.replace("\"requests\":100", "\"requests\":0"));
        assert_eq!(none.complaints(&[200]), ["no answer at all"]);
    }
}
