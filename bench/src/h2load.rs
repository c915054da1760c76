//! Load by h2load, which sends at a constant rate whatever the answers are (an open loop) and logs each request.
//!
//! Each connection sends at its own rate, and sends nothing while it waits for an answer. The connections of one process send at the same
//! times.

use crate::{BenchResult, programs::Programs, results::Latency, stats::quantile};
use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
};

/// One h2load process, which POSTs one JSON body.
pub struct Flood<'a> {
    /// The URL.
    pub url: &'a str,
    /// The file with the body.
    pub body: PathBuf,
    /// The log file.
    pub log: PathBuf,
    /// The number of connections.
    pub connections: usize,
    /// Requests a second for each connection.
    pub rate: f64,
    /// The length in seconds.
    pub seconds: u32,
}

/// A running h2load process, which is killed on drop.
pub struct RunningFlood {
    child: Child,
    log: PathBuf,
}

impl Flood<'_> {
    /// Starts the process.
    ///
    /// # Errors
    /// If the program can't be run.
    pub fn start(self, programs: &Programs) -> BenchResult<RunningFlood> {
        let child = Command::new(&programs.h2load)
            .args(["--h1", "-t", "1", "-c", &self.connections.to_string()])
            .args(["-D", &self.seconds.to_string()])
            .arg(format!("--rps={:.4}", self.rate))
            .args(["-H", "content-type: application/json", "-d"])
            .arg(&self.body)
            .arg(format!("--log-file={}", self.log.display()))
            .arg(self.url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(RunningFlood { child, log: self.log })
    }
}

impl RunningFlood {
    /// Waits for the end and returns the logged requests.
    ///
    /// # Errors
    /// If there are none.
    pub fn finish(mut self) -> BenchResult<Vec<LoggedRequest>> {
        self.child.wait()?;
        let text = std::fs::read_to_string(&self.log)?;
        let logged: Vec<LoggedRequest> = text.lines().filter_map(parse_line).collect();
        if logged.is_empty() {
            return Err("h2load logged no request".into());
        }
        Ok(logged)
    }
}

impl Drop for RunningFlood {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// A logged request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoggedRequest {
    /// The HTTP status; -1: no answer.
    pub status: i32,
    /// The time until the answer, in microseconds.
    pub micros: f64,
}

/// Parses a line of the log: the start, the status, and the time until the answer, in microseconds.
fn parse_line(line: &str) -> Option<LoggedRequest> {
    let mut columns = line.split('\t');
    let (_, status, micros) = (columns.next()?, columns.next()?, columns.next()?);
    Some(LoggedRequest {
        status: status.trim().parse().ok()?,
        micros: micros.trim().parse().ok()?,
    })
}

/// The number of requests with this status.
#[must_use]
pub fn count(log: &[LoggedRequest], status: i32) -> u64 {
    log.iter().filter(|one| one.status == status).count() as u64
}

/// The latencies of the refusals (503).
#[must_use]
pub fn refusals(log: &[LoggedRequest]) -> Latency {
    let refused = log.iter().filter(|one| one.status == 503);
    let mut micros: Vec<f64> = refused.map(|one| one.micros).collect();
    micros.sort_by(f64::total_cmp);
    let at = |part| quantile(&micros, part).unwrap_or_default();
    Latency {
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        max: at(1.0),
    }
}

/// Sign-ins that were neither accepted nor refused. At the end, one request on each connection may still be waiting for its answer; only
/// more unanswered requests than that count.
#[must_use]
pub fn unexpected(log: &[LoggedRequest], connections: usize) -> u64 {
    let (accepted, refused, unanswered) = (count(log, 200), count(log, 503), count(log, -1));
    let others = log.len() as u64 - accepted - refused - unanswered;
    others + unanswered.saturating_sub(connections as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: &[&str]) -> Vec<LoggedRequest> {
        lines.iter().filter_map(|line| parse_line(line)).collect()
    }

    #[test]
    fn refusals_are_timed_separately_from_accepted_requests() {
        let log = log(&[
            "1\t503\t2000",
            "2\t200\t900000",
            "3\t503\t4000",
            "4\t500\t1",
            "5\t-1\t9",
        ]);
        assert_eq!(log.len(), 5);
        assert_eq!(refusals(&log).max, 4000.0);
        assert_eq!(unexpected(&log, 10), 1);
    }

    #[test]
    fn one_request_a_connection_may_be_unanswered_at_the_end() {
        let log = log(&["1\t200\t5", "2\t-1\t5", "3\t-1\t5", "4\t-1\t5"]);
        assert_eq!(unexpected(&log, 3), 0);
        assert_eq!(unexpected(&log, 2), 1);
    }
}
