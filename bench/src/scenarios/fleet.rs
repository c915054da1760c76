//! The routes on PostgreSQL and Redis, and what only they are compared with.

use super::{Scene, Size};
use crate::{
    Outcome,
    bare::{Bare, Kind},
    harvest::{self, Harvest},
    http::Http,
    limits::pgbench,
    noise::Calibration,
    programs::Programs,
    results::Comparison,
    rounds::{Once, Side, run},
    say,
    server::{BASE, Place},
    services::{Postgres, Redis},
};
use std::{cell::RefCell, path::Path};

/// The database on the run's PostgreSQL.
const DATABASE: &str = "keyward";

impl Scene<'_> {
    fn verify_redis(&self, calibration: &mut Calibration, redis: &Redis) -> Outcome<Comparison> {
        let server = self.server()?;
        let bare = Bare::start(&Kind::RoundTrip { redis: redis.url() }, self.http)?;
        let tokens = self.harvest.borrow_mut().take(self.size.known)?;
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

    fn beside_pgbench(&self, calibration: &mut Calibration, postgres: &Postgres) -> Outcome<[Comparison; 2]> {
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
        let pgbench = |script: &str, seconds: u32| {
            pgbench::per_second(postgres, DATABASE, self.folder, script, seconds).map(Once::rate)
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

/// Every route on PostgreSQL and Redis.
///
/// # Errors
/// If something fails, or an answer was not as expected.
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
    let scene = Scene {
        programs,
        http,
        size,
        folder,
        place: &place,
        harvest: RefCell::new(harvest),
    };
    let mut all = vec![scene.verify_redis(calibration, &redis)?];
    all.extend(scene.beside_pgbench(calibration, &postgres)?);
    all.push(scene.sign_in(calibration, None)?);
    all.push(scene.register(calibration)?);
    all.push(scene.mixed(calibration)?);
    // A sign-out needs a session: fewer are there, so the rounds are shorter.
    all.push(scene.logout(calibration, size.logouts.min(1_000))?);
    Ok(all)
}
