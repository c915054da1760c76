//! A flood of sign-ins, with token checks and refreshes at the same time.
//!
//! The sign-ins come from 60 h2load processes with 600 connections in total, at a constant rate: ten times the server's capacity in a closed
//! loop, whatever it answers. The processes start one after another, because the connections of one process send at the same times. h2load
//! logs each request, so refusals are timed separately from accepted sign-ins. Checks and refreshes come from wrk, whose connections pause
//! between two requests: the same load before and during the flood.

use crate::{
    BenchResult,
    h2load::{self, Flood, LoggedRequest, RunningFlood},
    http::Http,
    load::{Load, LoadResult},
    noise::Calibration,
    programs::Programs,
    progress,
    results::FloodResult,
    server::{BASE, Deployment, Hashing, Server},
    services::{Postgres, Redis},
    token_pool::{self, TokenPool},
};
use std::{
    path::Path,
    process::{Child, Stdio},
    time::Duration,
};

/// The size of a flood.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Seconds before the flood, and of the flood.
    pub seconds: u32,
    /// The number of users that sign in.
    pub users: usize,
    /// Connections for each user.
    pub connections: usize,
    /// The cost of hashes.
    pub hashing: Hashing,
    /// Sign-ins sent each second; `None`: ten times the measured capacity.
    pub offered: Option<f64>,
}

impl Size {
    /// The size for the documentation.
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

    /// A size for a test that everything works. Its figures mean nothing.
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

/// Connections of token checks, and the pause of each after an answer in milliseconds: some 1,000 checks a second.
const CHECKS: (u32, u32) = (20, 20);
/// The same for refreshes: some 100 a second.
const REFRESHES: (u32, u32) = (4, 40);
/// Connections that keep the hashing threads busy without a refusal.
const CLOSED: u32 = 8;
/// Seconds by which the flood lasts longer than the background load, which starts a little later.
const EXTRA_SECONDS: u32 = 2;
/// Users whose tokens are checked and refreshed. They don't sign in meanwhile, because that could end their oldest sessions.
const BACKGROUND_USERS: usize = 10;
/// Sessions of each background user.
const SESSIONS: usize = 20;

/// Measures floods on SQLite and on PostgreSQL with Redis.
pub fn measure(
    programs: &Programs,
    http: &Http,
    folder: &Path,
    size: Size,
    calibration: &mut Calibration,
) -> BenchResult<Vec<FloodResult>> {
    let embedded = Deployment {
        folder: folder.join("flooded"),
        postgres: None,
        redis: None,
    };
    std::fs::create_dir(&embedded.folder)?;
    let mut all = vec![flood(programs, http, &embedded, size, calibration)?];
    let postgres = Postgres::start(programs, folder)?;
    let redis = Redis::start(programs, folder, http)?;
    let fleet = Deployment {
        folder: folder.join("flooded-fleet"),
        postgres: Some(postgres.create("keyward")?),
        redis: Some(redis.url()),
    };
    std::fs::create_dir(&fleet.folder)?;
    all.push(flood(programs, http, &fleet, size, calibration)?);
    Ok(all)
}

/// Measures a flood on one backend.
pub fn flood(
    programs: &Programs,
    http: &Http,
    deployment: &Deployment,
    size: Size,
    calibration: &mut Calibration,
) -> BenchResult<FloodResult> {
    let mut pool = TokenPool::create(deployment, http, size.users + BACKGROUND_USERS, SESSIONS)?
        .of_last_users(BACKGROUND_USERS);
    let server = Server::start(deployment, size.hashing, http)?;
    let backend = BackendRun {
        programs,
        http,
        server: &server,
        folder: &deployment.folder,
        size,
    };
    calibration.round()?;
    // Now the stored hashes have the shipped cost, and the hashing threads have allocated their memory.
    let bodies: Vec<_> = (0..size.users).map(token_pool::login).collect();
    http.post_all(&server.url("/login"), &bodies, 200, CLOSED as usize)?;
    let capacity = backend.capacity()?;
    let offered = size.offered.unwrap_or(10.0 * capacity);
    let quiet = backend.background(&mut pool)?.finish()?;
    let before = megabytes(&server)?;
    calibration.round()?;
    let floods = backend.floods(offered)?;
    let mut background = backend.background(&mut pool)?;
    let mut most = before;
    while !background.is_over()? {
        http.sleep(Duration::from_millis(100));
        most = most.max(megabytes(&server)?);
    }
    let flooded = background.finish()?;
    let log: Vec<LoggedRequest> = floods
        .into_iter()
        .map(RunningFlood::finish)
        .collect::<BenchResult<Vec<_>>>()?
        .concat();
    calibration.round()?;
    let seconds = f64::from(size.seconds + EXTRA_SECONDS);
    let result = FloodResult {
        backend: deployment.name().to_owned(),
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
    progress(&format!(
        "flood [{}]: {:.0}/s sent, {:.0}/s accepted, {} refused with p50 {:.1} ms, p99 {:.1} ms; \
         check p99 {:.2} ms before, {:.2} ms during the flood; {:.1} MB, {:.1} MB",
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

fn megabytes(server: &Server) -> BenchResult<f64> {
    Ok(server.resident()? as f64 * 1024.0 / 1e6)
}

struct BackendRun<'a> {
    programs: &'a Programs,
    http: &'a Http,
    server: &'a Server,
    folder: &'a Path,
    size: Size,
}

impl BackendRun<'_> {
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

    /// Sign-ins a second without refusals.
    fn capacity(&self) -> BenchResult<f64> {
        let lines = (0..self.size.users).map(|n| token_pool::login(n).to_string());
        let bodies = token_pool::lines(self.folder, "logins", lines)?
            .display()
            .to_string();
        let arguments = vec![format!("{BASE}/login"), bodies, "again".to_owned()];
        let mut load = self.load("bodies.lua", arguments, CLOSED, &[200]);
        load.seconds = load.seconds.min(5);
        Ok(load.run(self.programs)?.per_second())
    }

    /// Starts the background load of token checks and refreshes.
    fn background(&self, pool: &mut TokenPool) -> BenchResult<BackgroundLoad> {
        let known = pool.take(BACKGROUND_USERS)?;
        let known = token_pool::lines(self.folder, "known", known.into_iter().map(|one| one.access))?;
        // More tokens than connections, because a refused refresh has no successor (and is counted).
        let chains = pool.take(REFRESHES.0 as usize * 8)?;
        let chains = token_pool::lines(self.folder, "chains", chains.into_iter().map(|one| one.refresh))?;
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
        Ok(BackgroundLoad {
            checks: start(&self.load("bearer.lua", checks, CHECKS.0, &[]))?,
            refreshes: start(&self.load("rotate.lua", refreshes, REFRESHES.0, &[200]))?,
        })
    }

    /// Starts the flood: one h2load process for each user, because a process sends one body.
    fn floods(&self, offered: f64) -> BenchResult<Vec<RunningFlood>> {
        let url = self.server.url("/login");
        let rate = offered / (self.size.users * self.size.connections) as f64;
        let apart = Duration::from_secs_f64(1.0 / rate / self.size.users as f64);
        (0..self.size.users)
            .map(|user| {
                self.http.sleep(apart);
                let body = self.folder.join(format!("flood-{user}.json"));
                std::fs::write(&body, token_pool::login(user).to_string())?;
                let flood = Flood {
                    url: &url,
                    body,
                    log: self.folder.join(format!("flood-{user}.log")),
                    connections: self.size.connections,
                    rate,
                    seconds: self.size.seconds + EXTRA_SECONDS,
                };
                flood.start(self.programs)
            })
            .collect()
    }
}

/// The running background load: two wrk processes.
struct BackgroundLoad {
    checks: Child,
    refreshes: Child,
}

/// The result of the background load.
struct BackgroundResult {
    checks: LoadResult,
    refreshes: LoadResult,
    /// Unexpected answers.
    wrong: u64,
}

impl BackgroundLoad {
    fn is_over(&mut self) -> BenchResult<bool> {
        Ok(self.checks.try_wait()?.is_some())
    }

    fn finish(self) -> BenchResult<BackgroundResult> {
        let checks = LoadResult::parse(&self.checks.wait_with_output()?)?;
        let refreshes = LoadResult::parse(&self.refreshes.wait_with_output()?)?;
        let wrong = checks.wrong(&[]) + refreshes.wrong(&[200]);
        Ok(BackgroundResult {
            checks,
            refreshes,
            wrong,
        })
    }
}
