//! The same routes on databases of several sizes, all of them up at the same time and measured in turns: whatever slows the
//! machine slows all sizes. Few connections, so that p50 is the time of a request and not of a queue; cheap hashes, so that it is
//! the database's time that is looked at.

use crate::{
    Outcome,
    harvest::{self, Harvest},
    http::Http,
    load::Load,
    noise::Calibration,
    programs::Programs,
    results::{AtSize, Grown},
    rounds::Plan,
    say, seed,
    server::{BASE, Hashing, Place, Server, migrate},
    services::{Postgres, Redis},
    stats::Spread,
};
use std::{
    path::{Path, PathBuf},
    time::Instant,
};

/// How many users are signed in, spread over all of them.
const SAMPLE: u64 = 2_000;
/// Connections.
const CONNECTIONS: u32 = 4;
/// Tokens that a round of refreshes goes around in.
const CHAINS: usize = 1_000;
/// Sign-outs a round.
const LOGOUTS: usize = 500;
/// The measured routes.
const ROUTES: [&str; 6] = ["/verify", "/me", "/refresh", "/login", "/register", "/logout"];

/// A database of one size with its server.
struct Grownup {
    users: u64,
    database_mb: f64,
    server: Server,
    harvest: Harvest,
    folder: PathBuf,
    registered: usize,
    sample: Vec<usize>,
    _redis: Option<Redis>,
}

impl Grownup {
    /// Starts the server and signs the sample in.
    fn grow(place: &Place, http: &Http, users: u64, database_mb: f64, plan: Plan) -> Outcome<Self> {
        let server = Server::start(place, Hashing::Cheap, http)?;
        let count = SAMPLE.min(users);
        let sample: Vec<usize> = (0..count).map(|n| (n * users / count) as usize).collect();
        let rounds = plan.rounds as usize + 1;
        let wanted = rounds * (CHAINS + LOGOUTS) + sample.len();
        let sessions = wanted.div_ceil(sample.len());
        let harvest = Harvest::sign_in(&server, http, &sample, sessions)?;
        Ok(Self {
            users,
            database_mb,
            server,
            harvest,
            folder: place.folder.clone(),
            registered: users as usize,
            sample,
            _redis: None,
        })
    }

    fn p50(&mut self, programs: &Programs, route: &str, seconds: u32) -> Outcome<f64> {
        let path = format!("{BASE}{route}");
        let access = |name: &str, tokens: &[harvest::Tokens]| {
            let lines = tokens.iter().map(|one| one.access.clone());
            harvest::lines(&self.folder, name, lines).map(|path| path.display().to_string())
        };
        let (script, arguments, expected): (_, Vec<String>, &[u16]) = match route {
            "/verify" | "/me" => {
                // The tokens that the others leave: looked at, they are as good as before.
                let all = self.harvest.peek();
                let known = all.get(..self.sample.len().min(all.len())).unwrap_or_default();
                let tokens = access("known", known)?;
                (
                    "bearer.lua",
                    vec!["GET".into(), path, tokens, "again".into()],
                    &[],
                )
            }
            "/logout" => {
                let tokens = access("leaving", &self.harvest.take(LOGOUTS)?)?;
                (
                    "bearer.lua",
                    vec!["POST".into(), path, tokens, "once".into()],
                    &[],
                )
            }
            "/refresh" => {
                let tokens = self.harvest.take(CHAINS)?;
                let lines = tokens.iter().map(|one| one.refresh.clone());
                let chains = harvest::lines(&self.folder, "chains", lines)?;
                ("rotate.lua", vec![path, chains.display().to_string()], &[200])
            }
            "/login" => {
                let lines = self.sample.iter().map(|n| harvest::login(*n).to_string());
                let bodies = harvest::lines(&self.folder, "logins", lines)?;
                let bodies = bodies.display().to_string();
                ("bodies.lua", vec![path, bodies, "again".into()], &[200])
            }
            _ => {
                let count = seconds as usize * 10_000;
                let first = self.registered;
                self.registered += count;
                let lines = (first..first + count).map(|n| harvest::login(n).to_string());
                let bodies = harvest::lines(&self.folder, "registrations", lines)?;
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

/// Both databases, all sizes.
///
/// # Errors
/// If something fails, or an answer was not as expected.
pub fn measure(
    programs: &Programs,
    http: &Http,
    folder: &Path,
    sizes: &[u64],
    plan: Plan,
    calibration: &mut Calibration,
) -> Outcome<Vec<Grown>> {
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
) -> Outcome<Vec<Grown>> {
    // Gone before the next backend's data comes.
    let folder = tempfile::tempdir_in(folder)?;
    let mut grown = Vec::new();
    for users in sizes {
        let place = Place {
            folder: folder.path().join(format!("embedded-{users}")),
            postgres: None,
            redis: None,
        };
        std::fs::create_dir(&place.folder)?;
        let begun = Instant::now();
        migrate(&place)?;
        let file = place.folder.join("keyward.db");
        seed::sqlite(&file, *users)?;
        let megabytes = std::fs::metadata(&file)?.len() as f64 / 1e6;
        told(&place, *users, megabytes, begun);
        grown.push(Grownup::grow(&place, http, *users, megabytes, plan)?);
    }
    in_turns("SQLite", programs, grown, plan, calibration)
}

fn fleet(
    programs: &Programs,
    http: &Http,
    folder: &Path,
    sizes: &[u64],
    plan: Plan,
    calibration: &mut Calibration,
) -> Outcome<Vec<Grown>> {
    let postgres = Postgres::start(programs, folder)?;
    let mut grown = Vec::new();
    for users in sizes {
        let database = format!("users_{users}");
        let redis = Redis::start(programs, folder, http)?;
        let place = Place {
            folder: folder.join(format!("fleet-{users}")),
            postgres: Some(postgres.create(&database)?),
            redis: Some(redis.url()),
        };
        std::fs::create_dir(&place.folder)?;
        let begun = Instant::now();
        migrate(&place)?;
        seed::postgres(&postgres, &database, *users)?;
        let bytes = postgres.sql(&database, "SELECT pg_database_size(current_database())")?;
        let megabytes = bytes.parse::<f64>()? / 1e6;
        told(&place, *users, megabytes, begun);
        let mut one = Grownup::grow(&place, http, *users, megabytes, plan)?;
        one._redis = Some(redis);
        grown.push(one);
    }
    in_turns("PostgreSQL + Redis", programs, grown, plan, calibration)
}

fn told(place: &Place, users: u64, megabytes: f64, begun: Instant) {
    say(&format!(
        "growth: {users} users on {}: {megabytes:.0} MB after {:.0} s",
        place.name(),
        begun.elapsed().as_secs_f64()
    ));
}

fn in_turns(
    backend: &str,
    programs: &Programs,
    mut grown: Vec<Grownup>,
    plan: Plan,
    calibration: &mut Calibration,
) -> Outcome<Vec<Grown>> {
    let mut all = Vec::new();
    for route in ROUTES {
        let mut p50s = vec![Vec::new(); grown.len()];
        let warm_up = plan.warm_up.min(1);
        for round in 0..plan.rounds + warm_up {
            calibration.round()?;
            for (one, p50s) in grown.iter_mut().zip(&mut p50s) {
                let p50 = one.p50(programs, route, plan.seconds)?;
                // The first round warms up, if there is to be one.
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
            .collect::<Outcome<Vec<_>>>()?;
        let one = Grown {
            backend: backend.to_owned(),
            route: route.to_owned(),
            sizes,
        };
        let medians: Vec<String> = one
            .sizes
            .iter()
            .map(|size| format!("{:.0} µs", size.p50.median))
            .collect();
        say(&format!(
            "{route} [{backend}]: p50 {}, largest / smallest {:.2}",
            medians.join(", "),
            one.ratio().unwrap_or(f64::NAN)
        ));
        all.push(one);
    }
    Ok(all)
}
