//! The same routes on databases of several sizes. All servers run at the same time and are measured in alternation, so that a slowdown of
//! the machine affects all sizes. Few connections make p50 the time of a request and not of a queue, and cheap hashes make the database's
//! time visible.

use crate::{
    BenchResult,
    http::Http,
    load::Load,
    noise::Calibration,
    programs::Programs,
    progress,
    results::{AtSize, GrowthResult},
    rounds::Plan,
    seed,
    server::{BASE, Deployment, Hashing, Server, migrate},
    services::{Postgres, Redis},
    stats::Spread,
    token_pool::{self, TokenPool},
};
use std::{
    path::{Path, PathBuf},
    time::Instant,
};

/// How many users are signed in, evenly spread over all users.
const SAMPLE: u64 = 2_000;
/// Connections.
const CONNECTIONS: u32 = 4;
/// Tokens that a round of refreshes uses.
const CHAINS: usize = 1_000;
/// Sign-outs in each round.
const LOGOUTS: usize = 500;
/// The measured routes.
const ROUTES: [&str; 6] = ["/verify", "/me", "/refresh", "/login", "/register", "/logout"];

/// A database of one size with its server.
struct SizedServer {
    users: u64,
    database_mb: f64,
    server: Server,
    pool: TokenPool,
    folder: PathBuf,
    registered: usize,
    sample: Vec<usize>,
    _redis: Option<Redis>,
}

impl SizedServer {
    /// Starts the server and signs the sampled users in.
    fn start(
        deployment: &Deployment,
        http: &Http,
        users: u64,
        database_mb: f64,
        plan: Plan,
    ) -> BenchResult<Self> {
        let server = Server::start(deployment, Hashing::Cheap, http)?;
        let count = SAMPLE.min(users);
        let sample: Vec<usize> = (0..count).map(|n| (n * users / count) as usize).collect();
        let rounds = plan.rounds as usize + 1;
        let wanted = rounds * (CHAINS + LOGOUTS) + sample.len();
        let sessions = wanted.div_ceil(sample.len());
        let pool = TokenPool::sign_in(&server, http, &sample, sessions)?;
        Ok(Self {
            users,
            database_mb,
            server,
            pool,
            folder: deployment.folder.clone(),
            registered: users as usize,
            sample,
            _redis: None,
        })
    }

    fn p50(&mut self, programs: &Programs, route: &str, seconds: u32) -> BenchResult<f64> {
        let path = format!("{BASE}{route}");
        let access = |name: &str, tokens: &[token_pool::Tokens]| {
            let lines = tokens.iter().map(|one| one.access.clone());
            token_pool::lines(&self.folder, name, lines).map(|path| path.display().to_string())
        };
        let (script, arguments, expected): (_, Vec<String>, &[u16]) = match route {
            "/verify" | "/me" => {
                // Tokens that no other route has taken; a read does not use them up.
                let all = self.pool.remaining();
                let known = all.get(..self.sample.len().min(all.len())).unwrap_or_default();
                let tokens = access("known", known)?;
                (
                    "bearer.lua",
                    vec!["GET".into(), path, tokens, "again".into()],
                    &[],
                )
            }
            "/logout" => {
                let tokens = access("leaving", &self.pool.take(LOGOUTS)?)?;
                (
                    "bearer.lua",
                    vec!["POST".into(), path, tokens, "once".into()],
                    &[],
                )
            }
            "/refresh" => {
                let tokens = self.pool.take(CHAINS)?;
                let lines = tokens.iter().map(|one| one.refresh.clone());
                let chains = token_pool::lines(&self.folder, "chains", lines)?;
                ("rotate.lua", vec![path, chains.display().to_string()], &[200])
            }
            "/login" => {
                let lines = self.sample.iter().map(|n| token_pool::login(*n).to_string());
                let bodies = token_pool::lines(&self.folder, "logins", lines)?;
                let bodies = bodies.display().to_string();
                ("bodies.lua", vec![path, bodies, "again".into()], &[200])
            }
            _ => {
                let count = seconds as usize * 10_000;
                let first = self.registered;
                self.registered += count;
                let lines = (first..first + count).map(|n| token_pool::login(n).to_string());
                let bodies = token_pool::lines(&self.folder, "registrations", lines)?;
                let bodies = bodies.display().to_string();
                ("bodies.lua", vec![path, bodies, "once".into()], &[201])
            }
        };
        let load = Load {
            origin: &self.server.origin,
            script,
            arguments,
            connections: CONNECTIONS,
            seconds,
            expected,
        };
        Ok(load.run(programs)?.p50)
    }
}

/// Measures all sizes on both databases.
///
/// # Errors
/// If a step fails or an answer is unexpected.
pub fn measure(
    programs: &Programs,
    http: &Http,
    folder: &Path,
    sizes: &[u64],
    plan: Plan,
    calibration: &mut Calibration,
) -> BenchResult<Vec<GrowthResult>> {
    let mut all = embedded(programs, http, folder, sizes, plan, calibration)?;
    all.extend(fleet(programs, http, folder, sizes, plan, calibration)?);
    Ok(all)
}

fn embedded(
    programs: &Programs,
    http: &Http,
    folder: &Path,
    sizes: &[u64],
    plan: Plan,
    calibration: &mut Calibration,
) -> BenchResult<Vec<GrowthResult>> {
    // Deleted before the next backend's data is created.
    let folder = tempfile::tempdir_in(folder)?;
    let mut grown = Vec::new();
    for users in sizes {
        let deployment = Deployment {
            folder: folder.path().join(format!("embedded-{users}")),
            postgres: None,
            redis: None,
        };
        std::fs::create_dir(&deployment.folder)?;
        let begun = Instant::now();
        migrate(&deployment)?;
        let file = deployment.folder.join("keyward.db");
        seed::sqlite(&file, *users)?;
        let megabytes = std::fs::metadata(&file)?.len() as f64 / 1e6;
        report_size(&deployment, *users, megabytes, begun);
        grown.push(SizedServer::start(&deployment, http, *users, megabytes, plan)?);
    }
    alternate("SQLite", programs, grown, plan, calibration)
}

fn fleet(
    programs: &Programs,
    http: &Http,
    folder: &Path,
    sizes: &[u64],
    plan: Plan,
    calibration: &mut Calibration,
) -> BenchResult<Vec<GrowthResult>> {
    let postgres = Postgres::start(programs, folder)?;
    let mut grown = Vec::new();
    for users in sizes {
        let database = format!("users_{users}");
        let redis = Redis::start(programs, folder, http)?;
        let deployment = Deployment {
            folder: folder.join(format!("fleet-{users}")),
            postgres: Some(postgres.create(&database)?),
            redis: Some(redis.url()),
        };
        std::fs::create_dir(&deployment.folder)?;
        let begun = Instant::now();
        migrate(&deployment)?;
        seed::postgres(&postgres, &database, *users)?;
        let bytes = postgres.sql(&database, "SELECT pg_database_size(current_database())")?;
        let megabytes = bytes.parse::<f64>()? / 1e6;
        report_size(&deployment, *users, megabytes, begun);
        let mut one = SizedServer::start(&deployment, http, *users, megabytes, plan)?;
        one._redis = Some(redis);
        grown.push(one);
    }
    alternate("PostgreSQL + Redis", programs, grown, plan, calibration)
}

fn report_size(deployment: &Deployment, users: u64, megabytes: f64, begun: Instant) {
    progress(&format!(
        "growth: {users} users on {}: {megabytes:.0} MB after {:.0} s",
        deployment.name(),
        begun.elapsed().as_secs_f64()
    ));
}

fn alternate(
    backend: &str,
    programs: &Programs,
    mut grown: Vec<SizedServer>,
    plan: Plan,
    calibration: &mut Calibration,
) -> BenchResult<Vec<GrowthResult>> {
    let mut all = Vec::new();
    for route in ROUTES {
        let mut p50s = vec![Vec::new(); grown.len()];
        let warm_up = plan.warm_up.min(1);
        for round in 0..plan.rounds + warm_up {
            calibration.round()?;
            for (one, p50s) in grown.iter_mut().zip(&mut p50s) {
                let p50 = one.p50(programs, route, plan.seconds)?;
                // The first round is the warm-up, if the plan has one.
                if round >= warm_up {
                    p50s.push(p50);
                }
            }
        }
        let sizes = grown
            .iter()
            .zip(&p50s)
            .map(|(one, p50s)| {
                Ok(AtSize {
                    users: one.users,
                    database_mb: one.database_mb,
                    p50: Spread::of(p50s).ok_or("no round was run")?,
                })
            })
            .collect::<BenchResult<Vec<_>>>()?;
        let one = GrowthResult {
            backend: backend.to_owned(),
            route: route.to_owned(),
            sizes,
        };
        let medians: Vec<String> = one
            .sizes
            .iter()
            .map(|size| format!("{:.0} µs", size.p50.median))
            .collect();
        progress(&format!(
            "{route} [{backend}]: p50 {}, largest / smallest {:.2}",
            medians.join(", "),
            one.ratio().unwrap_or(f64::NAN)
        ));
        all.push(one);
    }
    Ok(all)
}
