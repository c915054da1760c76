//! A flood of sign-ins while token checks and refreshes go on.
//!
//! The sign-ins come from 60 h2loads at a steady rate, ten times what the server makes in a closed loop, whatever the server
//! answers (each of 600 connections sends at its own pace; one that waits for its answer sends nothing meanwhile). The connections
//! of one h2load send together, so the h2loads begin one after another. h2load logs each request, so refusals are timed apart from the sign-ins that are let in. Checks and refreshes come from wrk, whose connections rest
//! between two requests: the same load in quiet and in flood.

use crate::{
    Outcome,
    harvest::{self, Harvest},
    http::Http,
    load::{Load, Loaded},
    noise::Calibration,
    programs::Programs,
    results::{Flooded, Latency},
    say,
    server::{BASE, Hashing, Place, Server},
    services::{Postgres, Redis},
    stats::quantile,
};
use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// How large a flood is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Seconds of quiet, and of flood.
    pub seconds: u32,
    /// Users that sign in; few sessions each, so that none is displaced.
    pub users: usize,
    /// Connections of one user.
    pub connections: usize,
    /// How costly a hash is.
    pub hashing: Hashing,
    /// How many sign-ins a second are sent; `None`: ten times what is measured.
    pub offered: Option<f64>,
}

impl Size {
    /// The figures of the documentation.
    #[must_use]
    pub const fn full(seconds: u32) -> Self {
        Self {
            seconds,
            users: 60,
            connections: 10,
            hashing: Hashing::AsShipped,
            offered: None,
        }
    }

    /// Whether all of it works; its figures mean nothing.
    #[must_use]
    pub const fn smoke() -> Self {
        Self {
            seconds: 1,
            users: 4,
            connections: 5,
            hashing: Hashing::Cheap,
            offered: Some(100.0),
        }
    }
}

/// Connections of token checks, and how long each rests after an answer, in milliseconds: some 1,000 a second.
const CHECKS: (u32, u32) = (20, 20);
/// The same of refreshes: some 100 a second.
const REFRESHES: (u32, u32) = (4, 40);
/// Connections that keep the hash threads busy without a refusal.
const CLOSED: u32 = 8;
/// Seconds that the flood is longer than what goes on beside it, which begins a little later.
const AROUND: u32 = 2;
/// Sessions of each user before the flood.
const SESSIONS: usize = 20;

/// Embedded, and on PostgreSQL with Redis.
///
/// # Errors
/// If something fails.
pub fn measure(
    programs: &Programs,
    http: &Http,
    folder: &Path,
    size: Size,
    calibration: &mut Calibration,
) -> Outcome<Vec<Flooded>> {
    let embedded = Place {
        folder: folder.join("flooded"),
        postgres: None,
        redis: None,
    };
    std::fs::create_dir(&embedded.folder)?;
    let mut all = vec![flood(programs, http, &embedded, size, calibration)?];
    let postgres = Postgres::start(programs, folder)?;
    let redis = Redis::start(programs, folder, http)?;
    let fleet = Place {
        folder: folder.join("flooded-fleet"),
        postgres: Some(postgres.create("keyward")?),
        redis: Some(redis.url()),
    };
    std::fs::create_dir(&fleet.folder)?;
    all.push(flood(programs, http, &fleet, size, calibration)?);
    Ok(all)
}

/// One backend.
///
/// # Errors
/// If something fails.
pub fn flood(
    programs: &Programs,
    http: &Http,
    place: &Place,
    size: Size,
    calibration: &mut Calibration,
) -> Outcome<Flooded> {
    let mut harvest = Harvest::gather(place, http, size.users, SESSIONS)?;
    let server = Server::start(place, size.hashing, http)?;
    let scene = Scene {
        programs,
        http,
        server: &server,
        folder: &place.folder,
        size,
    };
    calibration.round()?;
    // Hashes at the cost as shipped, and the hash threads' memory in place.
    let bodies: Vec<_> = (0..size.users).map(harvest::login).collect();
    http.post_all(&server.url("/login"), &bodies, 200, CLOSED as usize)?;
    let capacity = scene.capacity()?;
    let offered = size.offered.unwrap_or(10.0 * capacity);
    let quiet = scene.beside(&mut harvest)?.finish()?;
    let before = megabytes(&server)?;
    calibration.round()?;
    let floods = scene.floods(offered)?;
    let beside = scene.beside(&mut harvest)?;
    let mut most = before;
    while !beside.is_over()? {
        http.rest(Duration::from_millis(100));
        most = most.max(megabytes(&server)?);
    }
    let flooded = beside.finish()?;
    let log = end_of(floods)?;
    calibration.round()?;
    let seconds = f64::from(size.seconds + AROUND);
    let result = Flooded {
        backend: place.name().to_owned(),
        capacity,
        offered: log.len() as f64 / seconds,
        admitted: log.iter().filter(|one| one.status == 200).count() as f64 / seconds,
        refused: log.iter().filter(|one| one.status == 503).count() as u64,
        refusals: refusals(&log),
        verify_quiet: latency(&quiet.checks),
        verify_flooded: latency(&flooded.checks),
        refresh_quiet: latency(&quiet.refreshes),
        refresh_flooded: latency(&flooded.refreshes),
        resident_mb: [before, most, megabytes(&server)?],
        wrong: quiet.wrong + flooded.wrong + unexpected(&log),
    };
    say(&format!(
        "flood [{}]: {:.0}/s sent, {:.0}/s let in, {} refused with p50 {:.1} ms, p99 {:.1} ms; \
         check p99 {:.2} ms quiet, {:.2} ms flooded; {:.1} MB, {:.1} MB",
        result.backend,
        result.offered,
        result.admitted,
        result.refused,
        result.refusals.p50 / 1e3,
        result.refusals.p99 / 1e3,
        result.verify_quiet.p99 / 1e3,
        result.verify_flooded.p99 / 1e3,
        before,
        most
    ));
    Ok(result)
}

fn megabytes(server: &Server) -> Outcome<f64> {
    Ok(server.resident()? as f64 * 1024.0 / 1e6)
}

fn latency(loaded: &Loaded) -> Latency {
    Latency {
        p50: loaded.p50,
        p90: loaded.p90,
        p99: loaded.p99,
        max: loaded.max,
    }
}

struct Scene<'a> {
    programs: &'a Programs,
    http: &'a Http,
    server: &'a Server,
    folder: &'a Path,
    size: Size,
}

impl Scene<'_> {
    fn load<'b>(
        &'b self,
        script: &'b str,
        arguments: Vec<String>,
        connections: u32,
        expected: &'b [u16],
    ) -> Load<'b> {
        Load {
            origin: &self.server.origin,
            script,
            arguments,
            connections,
            seconds: self.size.seconds,
            expected,
        }
    }

    /// How many sign-ins a second are made when none is refused.
    fn capacity(&self) -> Outcome<f64> {
        let lines = (0..self.size.users).map(|n| harvest::login(n).to_string());
        let bodies = harvest::lines(self.folder, "logins", lines)?
            .display()
            .to_string();
        let arguments = vec![format!("{BASE}/login"), bodies, "again".to_owned()];
        let mut load = self.load("bodies.lua", arguments, CLOSED, &[200]);
        load.seconds = load.seconds.min(5);
        Ok(load.run(self.programs)?.per_second())
    }

    /// Token checks and refreshes, under way.
    fn beside(&self, harvest: &mut Harvest) -> Outcome<Beside> {
        let known = harvest.take(self.size.users)?;
        let known = harvest::lines(self.folder, "known", known.into_iter().map(|one| one.access))?;
        // Some to spare: a refresh that is refused has no successor, and is counted.
        let chains = harvest.take(REFRESHES.0 as usize * 8)?;
        let chains = harvest::lines(self.folder, "chains", chains.into_iter().map(|one| one.refresh))?;
        let checks = vec![
            "GET".to_owned(),
            format!("{BASE}/verify"),
            known.display().to_string(),
            "again".to_owned(),
            CHECKS.1.to_string(),
        ];
        let refreshes = vec![
            format!("{BASE}/refresh"),
            chains.display().to_string(),
            REFRESHES.1.to_string(),
        ];
        let start = |load: &Load<'_>| {
            let mut command = load.command(self.programs);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
        };
        Ok(Beside {
            checks: start(&self.load("bearer.lua", checks, CHECKS.0, &[]))?,
            refreshes: start(&self.load("rotate.lua", refreshes, REFRESHES.0, &[200]))?,
        })
    }

    /// The flood, under way: an h2load for each user, since it sends one body.
    fn floods(&self, offered: f64) -> Outcome<Vec<(Child, PathBuf)>> {
        let pace = offered / (self.size.users * self.size.connections) as f64;
        let apart = Duration::from_secs_f64(1.0 / pace / self.size.users as f64);
        (0..self.size.users)
            .map(|user| {
                self.http.rest(apart);
                let body = self.folder.join(format!("flood-{user}.json"));
                std::fs::write(&body, harvest::login(user).to_string())?;
                let log = self.folder.join(format!("flood-{user}.log"));
                let child = Command::new(&self.programs.h2load)
                    .args(["--h1", "-t", "1", "-c", &self.size.connections.to_string()])
                    .args(["-D", &(self.size.seconds + AROUND).to_string()])
                    .args([
                        &format!("--rps={pace:.4}"),
                        "-H",
                        "content-type: application/json",
                    ])
                    .arg("-d")
                    .arg(&body)
                    .arg(format!("--log-file={}", log.display()))
                    .arg(self.server.url("/login"))
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()?;
                Ok((child, log))
            })
            .collect()
    }
}

/// Two wrks.
struct Beside {
    checks: Child,
    refreshes: Child,
}

/// What they said.
struct Said {
    checks: Loaded,
    refreshes: Loaded,
    /// Answers that were not as expected.
    wrong: u64,
}

impl Beside {
    fn is_over(&self) -> Outcome<bool> {
        // Still there, and not ended and waited for: `wait_with_output` does that later.
        let state = std::fs::read_to_string(format!("/proc/{}/stat", self.checks.id()))?;
        let after_name = state.rsplit_once(')').map_or("", |(_, rest)| rest);
        Ok(after_name.trim_start().starts_with('Z'))
    }

    fn finish(self) -> Outcome<Said> {
        let read = |child: Child, script: &str, expected: &[u16]| -> Outcome<(Loaded, u64)> {
            let output = child.wait_with_output()?;
            let said = String::from_utf8_lossy(&output.stdout);
            let json = said
                .lines()
                .find_map(|line| line.strip_prefix("RESULT "))
                .ok_or_else(|| {
                    let errors = String::from_utf8_lossy(&output.stderr);
                    format!("wrk with {script} said nothing: {said}{errors}")
                })?;
            let loaded: Loaded = serde_json::from_str(json)?;
            let wrong = loaded.wrong(expected);
            Ok((loaded, wrong))
        };
        let (checks, wrong_checks) = read(self.checks, "bearer.lua", &[])?;
        let (refreshes, wrong_refreshes) = read(self.refreshes, "rotate.lua", &[200])?;
        Ok(Said {
            checks,
            refreshes,
            wrong: wrong_checks + wrong_refreshes,
        })
    }
}

/// A request of h2load's log.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Logged {
    status: i32,
    micros: f64,
}

/// A line: the moment it began, the status (-1: none), and how long it took, in microseconds.
fn logged(line: &str) -> Option<Logged> {
    let mut columns = line.split('\t');
    let (_, status, micros) = (columns.next()?, columns.next()?, columns.next()?);
    Some(Logged {
        status: status.trim().parse().ok()?,
        micros: micros.trim().parse().ok()?,
    })
}

fn end_of(floods: Vec<(Child, PathBuf)>) -> Outcome<Vec<Logged>> {
    let mut all = Vec::new();
    for (mut child, log) in floods {
        child.wait()?;
        let text = std::fs::read_to_string(&log)?;
        all.extend(text.lines().filter_map(logged));
    }
    if all.is_empty() {
        return Err("h2load logged no request".into());
    }
    Ok(all)
}

fn refusals(log: &[Logged]) -> Latency {
    let mut micros: Vec<f64> = log
        .iter()
        .filter(|one| one.status == 503)
        .map(|one| one.micros)
        .collect();
    micros.sort_by(f64::total_cmp);
    let at = |part| quantile(&micros, part).unwrap_or_default();
    Latency {
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        max: at(1.0),
    }
}

/// Answers to sign-ins that are neither let in nor refused. What was under way at the end has no status, and is none of them.
fn unexpected(log: &[Logged]) -> u64 {
    log.iter()
        .filter(|one| !matches!(one.status, 200 | 503 | -1))
        .count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_timed_apart_from_what_was_let_in() {
        let log: Vec<Logged> = [
            "1\t503\t2000",
            "2\t200\t900000",
            "3\t503\t4000",
            "4\t500\t1",
            "5\t-1\t9",
        ]
        .iter()
        .filter_map(|line| logged(line))
        .collect();
        assert_eq!(log.len(), 5);
        assert_eq!(refusals(&log).max, 4000.0);
        assert_eq!(unexpected(&log), 1);
    }
}
