//! The routes on PostgreSQL and Redis, with the limits that apply to them only.

use super::{BackendRun, Size};
use crate::{
    BenchResult,
    bare::{BareServer, Kind},
    http::Http,
    limits::pgbench,
    noise::Calibration,
    programs::Programs,
    progress,
    results::Comparison,
    rounds::{Measurement, Side, run},
    server::{BASE, Deployment},
    services::{Postgres, Redis},
    token_pool::{self, TokenPool},
};
use std::{cell::RefCell, path::Path};

/// The name of the database.
const DATABASE: &str = "keyward";

impl BackendRun<'_> {
    fn verify_redis(&self, calibration: &mut Calibration, redis: &Redis) -> BenchResult<Comparison> {
        let server = self.server()?;
        let bare = BareServer::start(&Kind::RoundTrip { redis: redis.url() }, self.http)?;
        let tokens = self.pool.borrow_mut().take(self.size.known)?;
        let tokens = self.access("known", &tokens)?;
        let path = format!("{BASE}/verify");
        let subject: Side<'_> = Box::new(|seconds| self.known(&server.origin, &path, &tokens, seconds));
        let limit: Side<'_> = Box::new(|seconds| self.plain(&bare.origin, "/verify", seconds));
        let limit = Some(("a bare handler that makes the same round trip", limit));
        run(
            self.contest(
                "verify-redis",
                "token check, known tokens",
                subject,
                limit,
                Some(0.80),
            ),
            self.size.plan,
            calibration,
        )
    }

    fn beside_pgbench(
        &self,
        calibration: &mut Calibration,
        postgres: &Postgres,
    ) -> BenchResult<[Comparison; 2]> {
        let rows = pgbench::CONNECTIONS * pgbench::ROWS;
        let theirs = self.pool.borrow_mut().take(rows)?;
        let ids = |name: &str| -> BenchResult<Vec<String>> {
            theirs
                .iter()
                .map(|one| token_pool::claim(&one.access, name))
                .collect()
        };
        let (read, rotate) = (pgbench::read_user(&ids("sub")?), pgbench::rotate(&ids("sid")?));
        let server = self.server()?;
        let tokens = self.pool.borrow_mut().take(self.size.known)?;
        let tokens = self.access("known", &tokens)?;
        let path = format!("{BASE}/me");
        let pgbench = |script: &str, seconds: u32| {
            pgbench::per_second(postgres, DATABASE, self.folder, script, seconds).map(Measurement::rate)
        };
        let subject: Side<'_> = Box::new(|seconds| self.known(&server.origin, &path, &tokens, seconds));
        let limit: Side<'_> = Box::new(|seconds| pgbench(&read, seconds));
        let limit = Some(("pgbench reading one row by its primary key", limit));
        let contest = self.contest("me-postgres", "/me", subject, limit, Some(0.50));
        let me = run(contest, self.size.plan, calibration)?;
        let subject: Side<'_> = Box::new(|seconds| self.rotate(&server.origin, seconds));
        let limit: Side<'_> = Box::new(|seconds| pgbench(&rotate, seconds));
        let limit = Some(("pgbench running the same statements", limit));
        let contest = self.contest("refresh-postgres", "refresh", subject, limit, Some(0.40));
        Ok([me, run(contest, self.size.plan, calibration)?])
    }
}

/// Measures every route on PostgreSQL and Redis.
///
/// # Errors
/// If a step fails or an answer is unexpected.
pub fn fleet(
    programs: &Programs,
    http: &Http,
    folder: &Path,
    size: Size,
    calibration: &mut Calibration,
) -> BenchResult<Vec<Comparison>> {
    let postgres = Postgres::start(programs, folder)?;
    let redis = Redis::start(programs, folder, http)?;
    let deployment = Deployment {
        folder: folder.join("fleet"),
        postgres: Some(postgres.create(DATABASE)?),
        redis: Some(redis.url()),
    };
    std::fs::create_dir(&deployment.folder)?;
    progress("PostgreSQL and Redis: creating users and sessions");
    let pool = TokenPool::create(&deployment, http, size.users, size.sessions_postgres)?;
    postgres.sql(DATABASE, "VACUUM ANALYZE")?;
    let backend = BackendRun {
        programs,
        http,
        size,
        folder,
        deployment: &deployment,
        pool: RefCell::new(pool),
    };
    let mut all = vec![backend.verify_redis(calibration, &redis)?];
    all.extend(backend.beside_pgbench(calibration, &postgres)?);
    all.push(backend.sign_in(calibration, None)?);
    all.push(backend.register(calibration)?);
    all.push(backend.mixed(calibration)?);
    // A sign-out needs a session, and there are fewer, so the rounds are shorter.
    all.push(backend.logout(calibration, size.logouts.min(1_000))?);
    Ok(all)
}
