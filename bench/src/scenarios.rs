//! The scenarios: one closed loop a route, and beside it its limit (quality.md).

use crate::{
    Outcome,
    bare::{Bare, Kind},
    harvest::{self, Harvest, Tokens},
    http::Http,
    limits::{group_commit, hash_loop, pgbench},
    load::{Load, Loaded},
    noise::Calibration,
    programs::Programs,
    results::{Comparison, Latency, Routes},
    rounds::{Contest, Once, Plan, Side, run},
    say,
    server::{BASE, Hashing, Place, Server},
    services::{Postgres, Redis},
    start,
};
use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    time::Duration,
};

/// How large a run is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// The rounds.
    pub plan: Plan,
    /// Connections of cheap requests.
    pub connections: u32,
    /// Connections of sign-ins: enough to keep the hash threads busy, few enough that none is refused.
    pub hashing: u32,
    /// Users.
    pub users: usize,
    /// How many tokens the checks of known ones go around in.
    pub known: usize,
    /// Sessions of a user, embedded.
    pub sessions: usize,
    /// Sessions of a user on PostgreSQL.
    pub sessions_postgres: usize,
    /// How many sign-outs a round may make; each needs a session.
    pub logouts: usize,
    /// How many starts.
    pub starts: u32,
    /// How costly the server's hashes are.
    pub cost: Hashing,
}

impl Size {
    /// The figures of the documentation.
    #[must_use]
    pub const fn full() -> Self {
        Self {
            plan: Plan {
                rounds: 5,
                seconds: 3,
                warm_up: 1,
            },
            connections: 64,
            hashing: 8,
            users: 500,
            known: 256,
            sessions: 90,
            sessions_postgres: 24,
            logouts: 4_000,
            starts: 9,
            cost: Hashing::AsShipped,
        }
    }

    /// Whether all of it works; its figures mean nothing.
    #[must_use]
    pub const fn smoke() -> Self {
        Self {
            plan: Plan {
                rounds: 1,
                // On a machine that is busy with other tests, a second may pass without an answer.
                seconds: 2,
                warm_up: 0,
            },
            connections: 8,
            hashing: 2,
            users: 32,
            known: 16,
            sessions: 20,
            sessions_postgres: 20,
            logouts: 200,
            starts: 1,
            cost: Hashing::Cheap,
        }
    }
}

/// One backend, being measured.
struct Scene<'a> {
    programs: &'a Programs,
    http: &'a Http,
    size: Size,
    /// Where files of lines go.
    folder: &'a Path,
    place: &'a Place,
    harvest: RefCell<Harvest>,
    results: Vec<Comparison>,
}

impl Once {
    /// From what wrk said.
    #[must_use]
    pub fn of(loaded: &Loaded) -> Self {
        Self {
            rate: loaded.per_second(),
            latency: Some(Latency {
                p50: loaded.p50,
                p90: loaded.p90,
                p99: loaded.p99,
                max: loaded.max,
            }),
        }
    }

    fn rate(rate: f64) -> Self {
        Self { rate, latency: None }
    }
}

impl<'a> Scene<'a> {
    fn access(&self, name: &str, tokens: &[Tokens]) -> Outcome<PathBuf> {
        harvest::lines(self.folder, name, tokens.iter().map(|token| token.access.clone()))
    }

    fn refresh(&self, name: &str, tokens: &[Tokens]) -> Outcome<PathBuf> {
        harvest::lines(
            self.folder,
            name,
            tokens.iter().map(|token| token.refresh.clone()),
        )
    }

    fn load(
        &self,
        origin: &str,
        script: &str,
        arguments: &[&str],
        connections: u32,
        expected: &[u16],
        seconds: u32,
    ) -> Outcome<Once> {
        let load = Load {
            origin,
            script,
            arguments: arguments.iter().map(|text| (*text).to_owned()).collect(),
            connections,
            seconds,
            expected,
        };
        Ok(Once::of(&load.run(self.programs)?))
    }

    /// GETs without a token.
    fn plain(&self, origin: &str, path: &str, seconds: u32) -> Outcome<Once> {
        let arguments = ["GET", path, "-", "again"];
        self.load(
            origin,
            "bearer.lua",
            &arguments,
            self.size.connections,
            &[],
            seconds,
        )
    }

    /// GETs with the tokens of a file, over and over.
    fn known(&self, origin: &str, path: &str, tokens: &Path, seconds: u32) -> Outcome<Once> {
        let tokens = tokens.display().to_string();
        let arguments = ["GET", path, &tokens, "again"];
        self.load(
            origin,
            "bearer.lua",
            &arguments,
            self.size.connections,
            &[],
            seconds,
        )
    }

    /// Requests with each token of a file once.
    fn once(&self, origin: &str, method: &str, path: &str, tokens: &Path, seconds: u32) -> Outcome<Once> {
        let tokens = tokens.display().to_string();
        let arguments = [method, path, &tokens, "once"];
        self.load(
            origin,
            "bearer.lua",
            &arguments,
            self.size.connections,
            &[],
            seconds,
        )
    }

    fn server(&self) -> Outcome<Server> {
        Server::start(self.place, self.size.cost, self.http)
    }

    fn contest<'b>(
        &self,
        name: &'static str,
        what: &'static str,
        subject: Side<'b>,
        limit: Option<(&'static str, Side<'b>)>,
        goal: Option<f64>,
    ) -> Contest<'b> {
        Contest {
            name,
            what,
            backend: self.place.name(),
            subject,
            limit,
            goal,
        }
    }

    // --- The routes ---

    fn sign_in(&mut self, calibration: &mut Calibration, goal: Option<f64>) -> Outcome<()> {
        let server = self.server()?;
        let users = self.harvest.borrow().users;
        // Each user's hash is brought to the cost as shipped first: a sign-in that rewrites a hash makes two.
        let bodies: Vec<_> = (0..users).map(harvest::login).collect();
        self.http
            .post_all(&server.url("/login"), &bodies, 200, self.size.hashing as usize)?;
        let lines = bodies.iter().map(ToString::to_string);
        let bodies = harvest::lines(self.folder, "logins", lines)?
            .display()
            .to_string();
        let path = format!("{BASE}/login");
        let compared = {
            let this = &*self;
            let subject: Side<'_> = Box::new(|seconds| {
                let arguments = [path.as_str(), &bodies, "again"];
                this.load(
                    &server.origin,
                    "bodies.lua",
                    &arguments,
                    this.size.hashing,
                    &[200],
                    seconds,
                )
            });
            let limit: Side<'_> = Box::new(|seconds| {
                hash_loop::per_second(hash_loop::AS_SHIPPED, f64::from(seconds)).map(Once::rate)
            });
            let limit = Some(("Argon2id in a bare loop", limit));
            run(
                this.contest("sign-in", "sign-in", subject, limit, goal),
                this.size.plan,
                calibration,
            )?
        };
        self.results.push(compared);
        Ok(())
    }

    fn register(&mut self, calibration: &mut Calibration) -> Outcome<()> {
        let server = self.server()?;
        let path = format!("{BASE}/register");
        let next = RefCell::new(1_000_000_usize);
        let compared = {
            let this = &*self;
            let subject: Side<'_> = Box::new(|seconds| {
                // More than any machine of today hashes in this time.
                let count = seconds as usize * 3_000;
                let first = next.replace_with(|first| *first + count);
                let lines = (first..first + count).map(|n| harvest::login(n).to_string());
                let bodies = harvest::lines(this.folder, "registrations", lines)?
                    .display()
                    .to_string();
                let arguments = [path.as_str(), &bodies, "once"];
                this.load(
                    &server.origin,
                    "bodies.lua",
                    &arguments,
                    this.size.hashing,
                    &[201],
                    seconds,
                )
            });
            let limit: Side<'_> = Box::new(|seconds| {
                hash_loop::per_second(hash_loop::AS_SHIPPED, f64::from(seconds)).map(Once::rate)
            });
            let limit = Some(("Argon2id in a bare loop", limit));
            run(
                this.contest("register", "registration", subject, limit, None),
                this.size.plan,
                calibration,
            )?
        };
        self.results.push(compared);
        Ok(())
    }

    fn read_beside_live(
        &mut self,
        calibration: &mut Calibration,
        (name, what): (&'static str, &'static str),
        path: &str,
        goal: Option<f64>,
    ) -> Outcome<()> {
        let server = self.server()?;
        let tokens = self.harvest.borrow_mut().take(self.size.known)?;
        let tokens = self.access("known", &tokens)?;
        let path = format!("{BASE}{path}");
        let compared = {
            let this = &*self;
            let subject: Side<'_> = Box::new(|seconds| this.known(&server.origin, &path, &tokens, seconds));
            let limit: Side<'_> = Box::new(|seconds| this.plain(&server.origin, "/health/live", seconds));
            let limit = Some(("/health/live", limit));
            run(
                this.contest(name, what, subject, limit, goal),
                this.size.plan,
                calibration,
            )?
        };
        self.results.push(compared);
        Ok(())
    }

    /// Every token for the first time: a server of its own for each round, which has seen none.
    fn first_seen(&mut self, calibration: &mut Calibration) -> Outcome<()> {
        let server = self.server()?;
        let jwks = self.http.get(&server.at_root("/.well-known/jwks.json"))?;
        drop(server);
        // Those that are left for the other scenarios are not spoiled by a check.
        let tokens: Vec<Tokens> = self.harvest.borrow().peek();
        let kid = tokens
            .first()
            .map(|one| jsonwebtoken::decode_header(&one.access))
            .transpose()?
            .and_then(|header| header.kid)
            .ok_or("no token names its key")?;
        let bare = Bare::start(&Kind::Signature { jwks, kid }, self.http)?;
        let tokens = self.access("first-seen", &tokens)?;
        let path = format!("{BASE}/verify");
        let compared = {
            let this = &*self;
            let subject: Side<'_> = Box::new(|seconds| {
                let server = this.server()?;
                this.once(&server.origin, "GET", &path, &tokens, seconds)
            });
            let limit: Side<'_> =
                Box::new(|seconds| this.once(&bare.origin, "GET", "/verify", &tokens, seconds));
            let limit = Some(("a bare handler that verifies the signature", limit));
            let what = "token check, every token for the first time";
            run(
                this.contest("verify-first", what, subject, limit, Some(0.80)),
                this.size.plan,
                calibration,
            )?
        };
        self.results.push(compared);
        Ok(())
    }

    fn verify_redis(&mut self, calibration: &mut Calibration, redis: &Redis) -> Outcome<()> {
        let server = self.server()?;
        let bare = Bare::start(&Kind::RoundTrip { redis: redis.url() }, self.http)?;
        let tokens = self.harvest.borrow_mut().take(self.size.known)?;
        let tokens = self.access("known", &tokens)?;
        let path = format!("{BASE}/verify");
        let compared = {
            let this = &*self;
            let subject: Side<'_> = Box::new(|seconds| this.known(&server.origin, &path, &tokens, seconds));
            let limit: Side<'_> = Box::new(|seconds| this.plain(&bare.origin, "/verify", seconds));
            let limit = Some(("a bare handler that makes the same round trip", limit));
            run(
                this.contest(
                    "verify-redis",
                    "token check, known tokens",
                    subject,
                    limit,
                    Some(0.80),
                ),
                this.size.plan,
                calibration,
            )?
        };
        self.results.push(compared);
        Ok(())
    }

    fn rotate(&self, origin: &str, seconds: u32) -> Outcome<Once> {
        // As many again: wrk asks once before it begins, and an answer may be under way.
        let tokens = self
            .harvest
            .borrow_mut()
            .take(self.size.connections as usize * 2)?;
        let tokens = self.refresh("chains", &tokens)?.display().to_string();
        let path = format!("{BASE}/refresh");
        self.load(
            origin,
            "rotate.lua",
            &[&path, &tokens],
            self.size.connections,
            &[200],
            seconds,
        )
    }

    fn refresh_sqlite(&mut self, calibration: &mut Calibration) -> Outcome<()> {
        // All that was made is in the file by now: the server that made it ended in order.
        let copy = self.folder.join("copy.db");
        std::fs::copy(self.place.folder.join("keyward.db"), &copy)?;
        let mut writer = group_commit::Writer::open(&copy)?;
        let server = self.server()?;
        let compared = {
            let this = &*self;
            let subject: Side<'_> = Box::new(|seconds| this.rotate(&server.origin, seconds));
            let limit: Side<'_> = Box::new(|seconds| {
                let time = Duration::from_secs(u64::from(seconds));
                writer.per_second(time).map(Once::rate)
            });
            let limit = Some(("a bare writer thread, 64 to a commit", limit));
            run(
                this.contest(
                    "refresh-sqlite",
                    "refresh, every commit durable",
                    subject,
                    limit,
                    Some(0.50),
                ),
                this.size.plan,
                calibration,
            )?
        };
        self.results.push(compared);
        Ok(())
    }

    fn beside_pgbench(&mut self, calibration: &mut Calibration, postgres: &Postgres) -> Outcome<()> {
        let rows = pgbench::CONNECTIONS * pgbench::ROWS;
        let theirs = self.harvest.borrow_mut().take(rows)?;
        let ids = |name: &str| -> Outcome<Vec<String>> {
            theirs
                .iter()
                .map(|one| harvest::claim(&one.access, name))
                .collect()
        };
        let (read, rotate) = (pgbench::read_user(&ids("sub")?), pgbench::rotate(&ids("sid")?));
        let server = self.server()?;
        let tokens = self.harvest.borrow_mut().take(self.size.known)?;
        let tokens = self.access("known", &tokens)?;
        let path = format!("{BASE}/me");
        let compared = {
            let this = &*self;
            let pgbench = |script: &str, seconds: u32| {
                pgbench::per_second(postgres, DATABASE, this.folder, script, seconds).map(Once::rate)
            };
            let subject: Side<'_> = Box::new(|seconds| this.known(&server.origin, &path, &tokens, seconds));
            let limit: Side<'_> = Box::new(|seconds| pgbench(&read, seconds));
            let limit = Some(("pgbench reading one row by its primary key", limit));
            let contest = this.contest("me-postgres", "/me", subject, limit, Some(0.50));
            let me = run(contest, this.size.plan, calibration)?;
            let subject: Side<'_> = Box::new(|seconds| this.rotate(&server.origin, seconds));
            let limit: Side<'_> = Box::new(|seconds| pgbench(&rotate, seconds));
            let limit = Some(("pgbench running the same statements", limit));
            let contest = this.contest("refresh-postgres", "refresh", subject, limit, Some(0.40));
            [me, run(contest, this.size.plan, calibration)?]
        };
        self.results.extend(compared);
        Ok(())
    }

    fn logout(&mut self, calibration: &mut Calibration) -> Outcome<()> {
        let server = self.server()?;
        let path = format!("{BASE}/logout");
        let compared = {
            let this = &*self;
            let subject: Side<'_> = Box::new(|seconds| {
                let tokens = this.harvest.borrow_mut().take(this.size.logouts)?;
                let tokens = this.access("leaving", &tokens)?;
                this.once(&server.origin, "POST", &path, &tokens, seconds)
            });
            run(
                this.contest("logout", "sign-out", subject, None, None),
                this.size.plan,
                calibration,
            )?
        };
        self.results.push(compared);
        Ok(())
    }

    fn mixed(&mut self, calibration: &mut Calibration) -> Outcome<()> {
        let server = self.server()?;
        let known = self.harvest.borrow_mut().take(self.size.known)?;
        let known = self.access("known", &known)?.display().to_string();
        let users = self.harvest.borrow().users;
        let lines = (0..users).map(|n| harvest::login(n).to_string());
        let logins = harvest::lines(self.folder, "logins", lines)?
            .display()
            .to_string();
        let compared = {
            let this = &*self;
            let subject: Side<'_> = Box::new(|seconds| {
                let tokens = this
                    .harvest
                    .borrow_mut()
                    .take(this.size.connections as usize * 4)?;
                let tokens = this.refresh("chains", &tokens)?.display().to_string();
                let arguments = [BASE, &known, &tokens, &logins];
                let expected = [200, 204];
                this.load(
                    &server.origin,
                    "mixed.lua",
                    &arguments,
                    this.size.connections,
                    &expected,
                    seconds,
                )
            });
            let what = "mixed: 94 % checks, 3 % /me, 2.8 % refresh, 0.1 % sign-in, 0.1 % sign-out";
            run(
                this.contest("mixed", what, subject, None, None),
                this.size.plan,
                calibration,
            )?
        };
        self.results.push(compared);
        Ok(())
    }
}

/// The database on the run's PostgreSQL.
const DATABASE: &str = "keyward";

/// Every route on SQLite, and what a server takes at rest.
///
/// # Errors
/// If something fails, or an answer was not as expected.
pub fn embedded(
    programs: &Programs,
    http: &Http,
    folder: &Path,
    size: Size,
    calibration: &mut Calibration,
) -> Outcome<Routes> {
    let place = Place {
        folder: folder.join("embedded"),
        postgres: None,
        redis: None,
    };
    std::fs::create_dir(&place.folder)?;
    say("embedded: making users and sessions");
    let harvest = Harvest::gather(&place, http, size.users, size.sessions)?;
    let start = start::measure(&place, http, size.starts)?;
    let mut scene = Scene {
        programs,
        http,
        size,
        folder,
        place: &place,
        harvest: RefCell::new(harvest),
        results: Vec::new(),
    };
    scene.first_seen(calibration)?;
    scene.read_beside_live(
        calibration,
        ("verify-known", "token check, known tokens"),
        "/verify",
        Some(0.70),
    )?;
    scene.read_beside_live(calibration, ("me-sqlite", "/me"), "/me", Some(0.35))?;
    scene.refresh_sqlite(calibration)?;
    scene.sign_in(calibration, Some(0.95))?;
    scene.register(calibration)?;
    scene.mixed(calibration)?;
    scene.logout(calibration)?;
    Ok(Routes {
        comparisons: scene.results,
        start: Some(start),
    })
}

/// Every route on PostgreSQL and Redis.
///
/// # Errors
/// As [`embedded`].
pub fn fleet(
    programs: &Programs,
    http: &Http,
    folder: &Path,
    size: Size,
    calibration: &mut Calibration,
) -> Outcome<Vec<Comparison>> {
    let postgres = Postgres::start(programs, folder)?;
    let redis = Redis::start(programs, folder, http)?;
    let place = Place {
        folder: folder.join("fleet"),
        postgres: Some(postgres.create(DATABASE)?),
        redis: Some(redis.url()),
    };
    std::fs::create_dir(&place.folder)?;
    say("PostgreSQL and Redis: making users and sessions");
    let harvest = Harvest::gather(&place, http, size.users, size.sessions_postgres)?;
    postgres.sql(DATABASE, "VACUUM ANALYZE")?;
    let mut scene = Scene {
        programs,
        http,
        size,
        folder,
        place: &place,
        harvest: RefCell::new(harvest),
        results: Vec::new(),
    };
    scene.verify_redis(calibration, &redis)?;
    scene.beside_pgbench(calibration, &postgres)?;
    scene.sign_in(calibration, None)?;
    scene.register(calibration)?;
    scene.mixed(calibration)?;
    // A sign-out needs a session: fewer are there, so the rounds are shorter.
    scene.size.logouts = scene.size.logouts.min(1_000);
    scene.logout(calibration)?;
    Ok(scene.results)
}
