//! A flood of sign-ins while token checks and refreshes go on.
//!
//! The sign-ins come from 60 h2loads with 600 connections in all, at a steady rate: ten times what the server makes in a closed
//! loop, whatever it answers. The h2loads begin one after another, since the connections of one send together. h2load logs each
//! request, so refusals are timed apart from the sign-ins that are let in. Checks and refreshes come from wrk, whose connections
//! rest between two requests: the same load in quiet and in flood.

use crate::{
    Outcome,
    h2load::{self, Flood, Flooding, Logged},
    harvest::{self, Harvest},
    http::Http,
    load::{Load, Loaded},
    noise::Calibration,
    programs::Programs,
    results::Flooded,
    say,
    server::{BASE, Hashing, Place, Server},
    services::{Postgres, Redis},
};
use std::{
    path::Path,
    process::{Child, Stdio},
    time::Duration,
};

/// How large a flood is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Seconds of quiet, and of flood.
    pub seconds: u32,
    /// Users that sign in.
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
/// Users whose tokens are checked and refreshed. They don't sign in meanwhile: that could displace their oldest sessions.
const BYSTANDERS: usize = 10;
/// Sessions of each of them.
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
    let mut harvest =
        Harvest::gather(place, http, size.users + BYSTANDERS, SESSIONS)?.of_the_last(BYSTANDERS);
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
    let mut beside = scene.beside(&mut harvest)?;
    let mut most = before;
    while !beside.is_over()? {
        http.rest(Duration::from_millis(100));
        most = most.max(megabytes(&server)?);
    }
    let flooded = beside.finish()?;
    let log: Vec<Logged> = floods
        .into_iter()
        .map(Flooding::finish)
        .collect::<Outcome<Vec<_>>>()?
        .concat();
    calibration.round()?;
    let seconds = f64::from(size.seconds + AROUND);
    let result = Flooded {
        backend: place.name().to_owned(),
        capacity,
        offered: log.len() as f64 / seconds,
        admitted: h2load::count(&log, 200) as f64 / seconds,
        refused: h2load::count(&log, 503),
        refusals: h2load::refusals(&log),
        verify_quiet: (&quiet.checks).into(),
        verify_flooded: (&flooded.checks).into(),
        refresh_quiet: (&quiet.refreshes).into(),
        refresh_flooded: (&flooded.refreshes).into(),
        resident_mb: [before, most, megabytes(&server)?],
        wrong: quiet.wrong + flooded.wrong + h2load::unexpected(&log, size.users * size.connections),
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
        let known = harvest.take(BYSTANDERS)?;
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
    fn floods(&self, offered: f64) -> Outcome<Vec<Flooding>> {
        let url = self.server.url("/login");
        let pace = offered / (self.size.users * self.size.connections) as f64;
        let apart = Duration::from_secs_f64(1.0 / pace / self.size.users as f64);
        (0..self.size.users)
            .map(|user| {
                self.http.rest(apart);
                let body = self.folder.join(format!("flood-{user}.json"));
                std::fs::write(&body, harvest::login(user).to_string())?;
                let flood = Flood {
                    url: &url,
                    body,
                    log: self.folder.join(format!("flood-{user}.log")),
                    connections: self.size.connections,
                    pace,
                    seconds: self.size.seconds + AROUND,
                };
                flood.start(self.programs)
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
    fn is_over(&mut self) -> Outcome<bool> {
        Ok(self.checks.try_wait()?.is_some())
    }

    fn finish(self) -> Outcome<Said> {
        let checks = Loaded::said(&self.checks.wait_with_output()?)?;
        let refreshes = Loaded::said(&self.refreshes.wait_with_output()?)?;
        let wrong = checks.wrong(&[]) + refreshes.wrong(&[200]);
        Ok(Said {
            checks,
            refreshes,
            wrong,
        })
    }
}
