//! The routes that are measured in the same way on both backends.

use super::BackendRun;
use crate::{
    BenchResult,
    limits::hash_loop,
    noise::Calibration,
    results::Comparison,
    rounds::{Measurement, Side, run},
    server::BASE,
    token_pool,
};
use std::cell::RefCell;

impl BackendRun<'_> {
    pub(super) fn sign_in(
        &self,
        calibration: &mut Calibration,
        goal: Option<f64>,
    ) -> BenchResult<Comparison> {
        let server = self.server()?;
        let users = self.pool.borrow().users;
        // First each user's hash is raised to the shipped cost, because a sign-in that rewrites a hash makes two.
        let bodies: Vec<_> = (0..users).map(token_pool::login).collect();
        self.http
            .post_all(&server.url("/login"), &bodies, 200, self.size.hashing as usize)?;
        let lines = bodies.iter().map(ToString::to_string);
        let bodies = token_pool::lines(self.folder, "logins", lines)?
            .display()
            .to_string();
        let path = format!("{BASE}/login");
        let subject: Side<'_> = Box::new(|seconds| {
            let arguments = [path.as_str(), &bodies, "again"];
            self.load(
                &server.origin,
                "bodies.lua",
                &arguments,
                self.size.hashing,
                &[200],
                seconds,
            )
        });
        let limit: Side<'_> = Box::new(|seconds| {
            hash_loop::per_second(hash_loop::AS_SHIPPED, f64::from(seconds)).map(Measurement::rate)
        });
        let limit = Some(("Argon2id in a bare loop", limit));
        run(
            self.contest("sign-in", "sign-in", subject, limit, goal),
            self.size.plan,
            calibration,
        )
    }

    pub(super) fn register(&self, calibration: &mut Calibration) -> BenchResult<Comparison> {
        let server = self.server()?;
        let path = format!("{BASE}/register");
        let next = RefCell::new(1_000_000_usize);
        let subject: Side<'_> = Box::new(|seconds| {
            // More than any current machine can hash in this time.
            let count = seconds as usize * 3_000;
            let first = next.replace_with(|first| *first + count);
            let lines = (first..first + count).map(|n| token_pool::login(n).to_string());
            let bodies = token_pool::lines(self.folder, "registrations", lines)?
                .display()
                .to_string();
            let arguments = [path.as_str(), &bodies, "once"];
            self.load(
                &server.origin,
                "bodies.lua",
                &arguments,
                self.size.hashing,
                &[201],
                seconds,
            )
        });
        let limit: Side<'_> = Box::new(|seconds| {
            hash_loop::per_second(hash_loop::AS_SHIPPED, f64::from(seconds)).map(Measurement::rate)
        });
        let limit = Some(("Argon2id in a bare loop", limit));
        run(
            self.contest("register", "registration", subject, limit, None),
            self.size.plan,
            calibration,
        )
    }

    pub(super) fn mixed(&self, calibration: &mut Calibration) -> BenchResult<Comparison> {
        let server = self.server()?;
        let known = self.pool.borrow_mut().take(self.size.known)?;
        let known = self.access("known", &known)?.display().to_string();
        let users = self.pool.borrow().users;
        let lines = (0..users).map(|n| token_pool::login(n).to_string());
        let logins = token_pool::lines(self.folder, "logins", lines)?
            .display()
            .to_string();
        let subject: Side<'_> = Box::new(|seconds| {
            let tokens = self.pool.borrow_mut().take(self.size.connections as usize * 4)?;
            let tokens = self.refresh("chains", &tokens)?.display().to_string();
            let arguments = [BASE, &known, &tokens, &logins];
            let expected = [200, 204];
            self.load(
                &server.origin,
                "mixed.lua",
                &arguments,
                self.size.connections,
                &expected,
                seconds,
            )
        });
        let what = "mixed: 94 % checks, 3 % /me, 2.8 % refresh, 0.1 % sign-in, 0.1 % sign-out";
        run(
            self.contest("mixed", what, subject, None, None),
            self.size.plan,
            calibration,
        )
    }

    /// Sign-outs, at most `most` in a round, because each needs a session.
    pub(super) fn logout(&self, calibration: &mut Calibration, most: usize) -> BenchResult<Comparison> {
        let server = self.server()?;
        let path = format!("{BASE}/logout");
        let subject: Side<'_> = Box::new(|seconds| {
            let tokens = self.pool.borrow_mut().take(most)?;
            let tokens = self.access("leaving", &tokens)?;
            self.once(&server.origin, "POST", &path, &tokens, seconds)
        });
        run(
            self.contest("logout", "sign-out", subject, None, None),
            self.size.plan,
            calibration,
        )
    }
}
