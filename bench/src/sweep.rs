//! A sweep of a million expired rows while the service runs. No request should take twice as long as before.
//!
//! A server's first sweep begins a minute after its start. Before that, the same load is measured on the same rows: `/me`, refreshes and
//! sign-ins at a constant rate far below the capacity, so that a latency is that of a request and not of a queue. Cheap hashes make the
//! database's time visible.

use crate::{
    BenchResult,
    http::Http,
    load::{Load, LoadResult},
    noise::Calibration,
    programs::Programs,
    progress,
    results::{RouteDuringSweep, SweepResult},
    seed::{self, expired, expired::Target},
    server::{BASE, Deployment, Hashing, Server, migrate},
    services::{Postgres, Redis},
    token_pool::{self, TokenPool},
};
use std::{
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

/// The size of a sweep.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// The expired rows, of all kinds together.
    pub rows: u64,
    /// Seconds before the sweep, and of the sweep.
    pub seconds: u32,
    /// Whether to wait for the sweep. If not, both measurements are without a sweep.
    pub waits: bool,
}

impl Size {
    /// A size for a test that everything works, without the wait for the sweep. Its figures mean nothing.
    #[must_use]
    pub const fn smoke() -> Self {
        Self {
            rows: 5_000,
            seconds: 1,
            waits: false,
        }
    }
}

/// The number of users. The first [`KNOWN`] are signed in; the others sign in during the measurement.
const USERS: u64 = 1_000;
/// The users that are signed in.
const KNOWN: usize = 50;
/// Sessions of each signed-in user.
const SESSIONS: usize = 8;
/// The time from a server's start until its first sweep.
const FIRST_SWEEP_AFTER: Duration = Duration::from_secs(60);
/// How much later the first rows may be removed.
const SWEEP_TIMEOUT: Duration = Duration::from_secs(30);

/// The routes, with the connections of each and their pause after an answer in milliseconds.
const ROUTES: [(&str, u32, u32); 3] = [("/me", 4, 10), ("/refresh", 4, 40), ("/login", 2, 40)];

/// Measures sweeps on SQLite and on PostgreSQL with Redis.
pub fn measure(
    programs: &Programs,
    http: &Http,
    folder: &Path,
    size: Size,
    calibration: &mut Calibration,
) -> BenchResult<Vec<SweepResult>> {
    let embedded = Deployment {
        folder: folder.join("swept"),
        postgres: None,
        redis: None,
    };
    std::fs::create_dir(&embedded.folder)?;
    migrate(&embedded)?;
    let file = embedded.folder.join("keyward.db");
    seed::sqlite(&file, USERS)?;
    let backend = BackendRun {
        programs,
        http,
        deployment: &embedded,
        target: Target::Sqlite(&file),
        size,
    };
    let mut all = vec![backend.sweep(calibration)?];
    let postgres = Postgres::start(programs, folder)?;
    let redis = Redis::start(programs, folder, http)?;
    let fleet = Deployment {
        folder: folder.join("swept-fleet"),
        postgres: Some(postgres.create("keyward")?),
        redis: Some(redis.url()),
    };
    std::fs::create_dir(&fleet.folder)?;
    migrate(&fleet)?;
    seed::postgres(&postgres, "keyward", USERS)?;
    let backend = BackendRun {
        deployment: &fleet,
        target: Target::Postgres(&postgres, "keyward"),
        ..backend
    };
    all.push(backend.sweep(calibration)?);
    Ok(all)
}

struct BackendRun<'a> {
    programs: &'a Programs,
    http: &'a Http,
    deployment: &'a Deployment,
    target: Target<'a>,
    size: Size,
}

impl BackendRun<'_> {
    fn sweep(&self, calibration: &mut Calibration) -> BenchResult<SweepResult> {
        let each = self.size.rows.div_ceil(expired::KINDS);
        self.target.fill(each, USERS)?;
        let begun = Instant::now();
        let server = Server::start(self.deployment, Hashing::Cheap, self.http)?;
        let known: Vec<usize> = (0..KNOWN).collect();
        let mut pool = TokenPool::sign_in(&server, self.http, &known, SESSIONS)?;
        calibration.round()?;
        let quiet = self.load(&server, &mut pool)?;
        let before = self.target.left()?;
        if self.size.waits {
            if begun.elapsed() > FIRST_SWEEP_AFTER {
                return Err("the sweep began before the first measurement ended: use fewer --seconds".into());
            }
            self.wait_for_sweep(begun, before)?;
        }
        let swept_from = self.target.left()?;
        let swept = self.load(&server, &mut pool)?;
        let left = self.target.left()?;
        calibration.round()?;
        let routes = ROUTES.iter().zip(quiet.iter().zip(&swept));
        let result = SweepResult {
            backend: self.deployment.name().to_owned(),
            rows: before,
            gone: swept_from.saturating_sub(left),
            left,
            routes: routes
                .map(|((route, ..), (quiet, swept))| RouteDuringSweep {
                    route: (*route).to_owned(),
                    quiet: quiet.into(),
                    swept: swept.into(),
                })
                .collect(),
        };
        progress(&result.line());
        Ok(result)
    }

    fn wait_for_sweep(&self, begun: Instant, before: u64) -> BenchResult<()> {
        self.http.sleep(FIRST_SWEEP_AFTER.saturating_sub(begun.elapsed()));
        while self.target.left()? == before {
            if begun.elapsed() > FIRST_SWEEP_AFTER + SWEEP_TIMEOUT {
                return Err(format!("nothing was swept within {SWEEP_TIMEOUT:?}").into());
            }
            self.http.sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Measures all routes at the same time.
    fn load(&self, server: &Server, pool: &mut TokenPool) -> BenchResult<Vec<LoadResult>> {
        let running = ROUTES
            .iter()
            .map(|(route, connections, rest)| {
                let (script, mut arguments) = self.script_for(route, pool)?;
                arguments.push(rest.to_string());
                let load = Load {
                    origin: &server.origin,
                    script,
                    arguments,
                    connections: *connections,
                    seconds: self.size.seconds,
                    expected: &[],
                };
                let mut command = load.command(self.programs);
                Ok(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
            })
            .collect::<BenchResult<Vec<Child>>>()?;
        let results = running
            .into_iter()
            .map(|child| LoadResult::parse(&child.wait_with_output()?))
            .collect::<BenchResult<Vec<_>>>()?;
        for ((route, ..), loaded) in ROUTES.iter().zip(&results) {
            let complaints = loaded.complaints(&[200]);
            if !complaints.is_empty() {
                return Err(format!("{route}: {}", complaints.join(", ")).into());
            }
        }
        Ok(results)
    }

    fn script_for(&self, route: &str, pool: &mut TokenPool) -> BenchResult<(&'static str, Vec<String>)> {
        let path = format!("{BASE}{route}");
        let file = |name: &str, lines: Vec<String>| {
            token_pool::lines(&self.deployment.folder, name, lines).map(|path| path.display().to_string())
        };
        Ok(match route {
            "/me" => {
                let tokens = pool.remaining().into_iter().take(KNOWN).map(|one| one.access);
                let tokens = file("known", tokens.collect())?;
                (
                    "bearer.lua",
                    vec!["GET".to_owned(), path, tokens, "again".to_owned()],
                )
            }
            "/refresh" => {
                let chains = pool.take(KNOWN)?.into_iter().map(|one| one.refresh);
                ("rotate.lua", vec![path, file("chains", chains.collect())?])
            }
            _ => {
                let bodies = (KNOWN..USERS as usize).map(|n| token_pool::login(n).to_string());
                let bodies = file("logins", bodies.collect())?;
                ("bodies.lua", vec![path, bodies, "again".to_owned()])
            }
        })
    }
}
