//! The routes on SQLite, and what only they are compared with.

use super::{Scene, Size};
use crate::{
    Outcome,
    bare::{Bare, Kind},
    harvest::{Harvest, Tokens},
    http::Http,
    limits::group_commit,
    noise::Calibration,
    programs::Programs,
    results::{Comparison, Routes},
    rounds::{Once, Side, run},
    say,
    server::{BASE, Place},
    start,
};
use std::{cell::RefCell, path::Path, time::Duration};

impl Scene<'_> {
    fn read_beside_live(
        &self,
        calibration: &mut Calibration,
        (name, what): (&'static str, &'static str),
        path: &str,
        goal: Option<f64>,
    ) -> Outcome<Comparison> {
        let server = self.server()?;
        let tokens = self.harvest.borrow_mut().take(self.size.known)?;
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

    /// Every token for the first time: a server of its own for each round, which has seen none.
    fn first_seen(&self, calibration: &mut Calibration) -> Outcome<Comparison> {
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

    fn refresh_sqlite(&self, calibration: &mut Calibration) -> Outcome<Comparison> {
        // All that was made is in the file by now: the server that made it ended in order.
        let copy = self.folder.join("copy.db");
        std::fs::copy(self.place.folder.join("keyward.db"), &copy)?;
        let mut writer = group_commit::Writer::open(&copy)?;
        let server = self.server()?;
        let subject: Side<'_> = Box::new(|seconds| self.rotate(&server.origin, seconds));
        let limit: Side<'_> = Box::new(|seconds| {
            let time = Duration::from_secs(u64::from(seconds));
            writer.per_second(time).map(Once::rate)
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
    let scene = Scene {
        programs,
        http,
        size,
        folder,
        place: &place,
        harvest: RefCell::new(harvest),
    };
    let comparisons = vec![
        scene.first_seen(calibration)?,
        scene.read_beside_live(
            calibration,
            ("verify-known", "token check, known tokens"),
            "/verify",
            Some(0.70),
        )?,
        scene.read_beside_live(calibration, ("me-sqlite", "/me"), "/me", Some(0.35))?,
        scene.refresh_sqlite(calibration)?,
        scene.sign_in(calibration, Some(0.95))?,
        scene.register(calibration)?,
        scene.mixed(calibration)?,
        scene.logout(calibration, size.logouts)?,
    ];
    Ok(Routes {
        comparisons,
        start: Some(start),
    })
}
