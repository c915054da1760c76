//! The routes on SQLite, with the limits that apply to SQLite only.

use super::{BackendRun, Size};
use crate::{
    BenchResult,
    bare::{BareServer, Kind},
    http::Http,
    limits::group_commit,
    noise::Calibration,
    programs::Programs,
    progress,
    results::{Comparison, Routes},
    rounds::{Measurement, Side, run},
    server::{BASE, Deployment},
    start,
    token_pool::{TokenPool, Tokens},
};
use std::{cell::RefCell, path::Path, time::Duration};

impl BackendRun<'_> {
    fn read_beside_live(
        &self,
        calibration: &mut Calibration,
        (name, what): (&'static str, &'static str),
        path: &str,
        goal: Option<f64>,
    ) -> BenchResult<Comparison> {
        let server = self.server()?;
        let tokens = self.pool.borrow_mut().take(self.size.known)?;
        let tokens = self.access("known", &tokens)?;
        let path = format!("{BASE}{path}");
        let subject: Side<'_> = Box::new(|seconds| self.known(&server.origin, &path, &tokens, seconds));
        let limit: Side<'_> = Box::new(|seconds| self.plain(&server.origin, "/health/live", seconds));
        let limit = Some(("/health/live", limit));
        run(
            self.contest(name, what, subject, limit, goal),
            self.size.plan,
            calibration,
        )
    }

    /// Checks of tokens that the server has not seen before: each round has a new server.
    fn first_seen(&self, calibration: &mut Calibration) -> BenchResult<Comparison> {
        let server = self.server()?;
        let jwks = self.http.get(&server.at_root("/.well-known/jwks.json"))?;
        drop(server);
        // A check does not use tokens up, so other scenarios can use them.
        let tokens: Vec<Tokens> = self.pool.borrow().remaining();
        let kid = tokens
            .first()
            .map(|one| jsonwebtoken::decode_header(&one.access))
            .transpose()?
            .and_then(|header| header.kid)
            .ok_or("no token names its key")?;
        let bare = BareServer::start(&Kind::Signature { jwks, kid }, self.http)?;
        let tokens = self.access("first-seen", &tokens)?;
        let path = format!("{BASE}/verify");
        let subject: Side<'_> = Box::new(|seconds| {
            let server = self.server()?;
            self.once(&server.origin, "GET", &path, &tokens, seconds)
        });
        let limit: Side<'_> = Box::new(|seconds| self.once(&bare.origin, "GET", "/verify", &tokens, seconds));
        let limit = Some(("a bare handler that verifies the signature", limit));
        let what = "token check, every token for the first time";
        run(
            self.contest("verify-first", what, subject, limit, Some(0.80)),
            self.size.plan,
            calibration,
        )
    }

    fn refresh_sqlite(&self, calibration: &mut Calibration) -> BenchResult<Comparison> {
        // The file is complete, because the server that wrote it was shut down.
        let copy = self.folder.join("copy.db");
        std::fs::copy(self.deployment.folder.join("keyward.db"), &copy)?;
        let mut writer = group_commit::Writer::open(&copy)?;
        let server = self.server()?;
        let subject: Side<'_> = Box::new(|seconds| self.rotate(&server.origin, seconds));
        let limit: Side<'_> = Box::new(|seconds| {
            let time = Duration::from_secs(u64::from(seconds));
            writer.per_second(time).map(Measurement::rate)
        });
        let limit = Some(("a bare writer thread, 64 to a commit", limit));
        run(
            self.contest(
                "refresh-sqlite",
                "refresh, every commit durable",
                subject,
                limit,
                Some(0.50),
            ),
            self.size.plan,
            calibration,
        )
    }
}

/// Measures every route on SQLite, and a server at rest.
///
/// # Errors
/// If a step fails or an answer is unexpected.
pub fn embedded(
    programs: &Programs,
    http: &Http,
    folder: &Path,
    size: Size,
    calibration: &mut Calibration,
) -> BenchResult<Routes> {
    let deployment = Deployment {
        folder: folder.join("embedded"),
        postgres: None,
        redis: None,
    };
    std::fs::create_dir(&deployment.folder)?;
    progress("embedded: creating users and sessions");
    let pool = TokenPool::create(&deployment, http, size.users, size.sessions)?;
    let start = start::measure(&deployment, http, size.starts)?;
    let backend = BackendRun {
        programs,
        http,
        size,
        folder,
        deployment: &deployment,
        pool: RefCell::new(pool),
    };
    let comparisons = vec![
        backend.first_seen(calibration)?,
        backend.read_beside_live(
            calibration,
            ("verify-known", "token check, known tokens"),
            "/verify",
            Some(0.70),
        )?,
        backend.read_beside_live(calibration, ("me-sqlite", "/me"), "/me", Some(0.35))?,
        backend.refresh_sqlite(calibration)?,
        backend.sign_in(calibration, Some(0.95))?,
        backend.register(calibration)?,
        backend.mixed(calibration)?,
        backend.logout(calibration, size.logouts)?,
    ];
    Ok(Routes {
        comparisons,
        start: Some(start),
    })
}
