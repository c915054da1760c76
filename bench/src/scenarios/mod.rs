//! The scenarios: a closed loop for each route, compared with its limit (docs/benchmarks.md).

mod embedded;
mod everywhere;
mod fleet;
mod size;

pub use embedded::embedded;
pub use fleet::fleet;
pub use size::Size;

use crate::{
    BenchResult,
    http::Http,
    load::Load,
    programs::Programs,
    rounds::{ComparisonPlan, Measurement, Side},
    server::{BASE, Deployment, Server},
    token_pool::{self, TokenPool, Tokens},
};
use std::{
    cell::RefCell,
    path::{Path, PathBuf},
};

/// The measurement of one backend.
struct BackendRun<'a> {
    programs: &'a Programs,
    http: &'a Http,
    size: Size,
    /// The folder for the scripts' files.
    folder: &'a Path,
    deployment: &'a Deployment,
    pool: RefCell<TokenPool>,
}

impl BackendRun<'_> {
    fn access(&self, name: &str, tokens: &[Tokens]) -> BenchResult<PathBuf> {
        token_pool::lines(self.folder, name, tokens.iter().map(|token| token.access.clone()))
    }

    fn refresh(&self, name: &str, tokens: &[Tokens]) -> BenchResult<PathBuf> {
        token_pool::lines(
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
    ) -> BenchResult<Measurement> {
        let load = Load {
            origin,
            script,
            arguments: arguments.iter().map(|text| (*text).to_owned()).collect(),
            connections,
            seconds,
            expected,
        };
        Ok(Measurement::from(&load.run(self.programs)?))
    }

    /// GET requests without a token.
    fn plain(&self, origin: &str, path: &str, seconds: u32) -> BenchResult<Measurement> {
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

    /// GET requests with the tokens of a file, repeatedly.
    fn known(&self, origin: &str, path: &str, tokens: &Path, seconds: u32) -> BenchResult<Measurement> {
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

    /// Requests that use each token of a file once.
    fn once(
        &self,
        origin: &str,
        method: &str,
        path: &str,
        tokens: &Path,
        seconds: u32,
    ) -> BenchResult<Measurement> {
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

    fn server(&self) -> BenchResult<Server> {
        Server::start(self.deployment, self.size.cost, self.http)
    }

    fn contest<'b>(
        &self,
        name: &'static str,
        what: &'static str,
        subject: Side<'b>,
        limit: Option<(&'static str, Side<'b>)>,
        goal: Option<f64>,
    ) -> ComparisonPlan<'b> {
        ComparisonPlan {
            name,
            what,
            backend: self.deployment.name(),
            subject,
            limit,
            goal,
        }
    }

    /// Refreshes, each with the token of the answer before.
    fn rotate(&self, origin: &str, seconds: u32) -> BenchResult<Measurement> {
        // Twice the connections: wrk prepares one request before it begins, and an answer may be outstanding.
        let tokens = self.pool.borrow_mut().take(self.size.connections as usize * 2)?;
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
}
