//! Load by h2load, which sends at a steady rate whatever it is answered (an open loop), and what it logged of each request.
//!
//! Each connection sends at a pace of its own; one that waits for its answer sends nothing meanwhile. The connections of one h2load
//! send together.

use crate::{Outcome, programs::Programs, results::Latency, stats::quantile};
use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
};

/// One h2load: POSTs of one JSON body.
pub struct Flood<'a> {
    /// The address.
    pub url: &'a str,
    /// The file of the body.
    pub body: PathBuf,
    /// Where it logs.
    pub log: PathBuf,
    /// How many connections.
    pub connections: usize,
    /// Requests a second of a connection.
    pub pace: f64,
    /// How long.
    pub seconds: u32,
}

/// One that is under way, killed when it is dropped.
pub struct Flooding {
    child: Child,
    log: PathBuf,
}

impl Flood<'_> {
    /// Starts it.
    ///
    /// # Errors
    /// If it can't be run.
    pub fn start(self, programs: &Programs) -> Outcome<Flooding> {
        let child = Command::new(&programs.h2load)
            .args(["--h1", "-t", "1", "-c", &self.connections.to_string()])
            .args(["-D", &self.seconds.to_string()])
            .arg(format!("--rps={:.4}", self.pace))
            .args(["-H", "content-type: application/json", "-d"])
            .arg(&self.body)
            .arg(format!("--log-file={}", self.log.display()))
            .arg(self.url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Flooding { child, log: self.log })
    }
}

impl Flooding {
    /// Waits for its end and gives what it logged.
    ///
    /// # Errors
    /// If it logged nothing.
    pub fn finish(mut self) -> Outcome<Vec<Logged>> {
        self.child.wait()?;
        let text = std::fs::read_to_string(&self.log)?;
        let logged: Vec<Logged> = text.lines().filter_map(logged).collect();
        if logged.is_empty() {
            return Err("h2load logged no request".into());
        }
        Ok(logged)
    }
}

impl Drop for Flooding {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// A request of the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Logged {
    /// The status of its answer; -1: there was none.
    pub status: i32,
    /// How long it took.
    pub micros: f64,
}

/// A line: the moment it began, the status, and how long it took, in microseconds.
fn logged(line: &str) -> Option<Logged> {
    let mut columns = line.split('\t');
    let (_, status, micros) = (columns.next()?, columns.next()?, columns.next()?);
    Some(Logged {
        status: status.trim().parse().ok()?,
        micros: micros.trim().parse().ok()?,
    })
}

/// How many have this status.
#[must_use]
pub fn count(log: &[Logged], status: i32) -> u64 {
    log.iter().filter(|one| one.status == status).count() as u64
}

/// How long the refusals took.
#[must_use]
pub fn refusals(log: &[Logged]) -> Latency {
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

/// Sign-ins that were neither let in nor refused. At the end one may be under way on each connection, and has no answer; any more
/// without one were left without.
#[must_use]
pub fn unexpected(log: &[Logged], connections: usize) -> u64 {
    let (let_in, refused, unanswered) = (count(log, 200), count(log, 503), count(log, -1));
    let others = log.len() as u64 - let_in - refused - unanswered;
    others + unanswered.saturating_sub(connections as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: &[&str]) -> Vec<Logged> {
        lines.iter().filter_map(|line| logged(line)).collect()
    }

    #[test]
    fn refusals_are_timed_apart_from_what_was_let_in() {
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
    fn only_what_was_under_way_at_the_end_may_be_without_an_answer() {
        let log = log(&["1\t200\t5", "2\t-1\t5", "3\t-1\t5", "4\t-1\t5"]);
        assert_eq!(unexpected(&log, 3), 0);
        assert_eq!(unexpected(&log, 2), 1);
    }
}
