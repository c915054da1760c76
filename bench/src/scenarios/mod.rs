//! The scenarios: one closed loop a route, and beside it its limit (docs/benchmarks.md).

mod embedded;
mod everywhere;
mod fleet;
mod size;

pub use embedded::embedded;
pub use fleet::fleet;
pub use size::Size;

use crate::{
    Outcome,
    harvest::{self, Harvest, Tokens},
    http::Http,
    load::Load,
    programs::Programs,
    rounds::{Contest, Once, Side},
    server::{BASE, Place, Server},
};
use std::{
    cell::RefCell,
    path::{Path, PathBuf},
};

/// One backend, being measured.
struct Scene<'a> {
    programs: &'a Programs,
    http: &'a Http,
    size: Size,
    /// Where files of lines go.
    folder: &'a Path,
    place: &'a Place,
    harvest: RefCell<Harvest>,
}

impl Scene<'_> {
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
        Ok(Once::from(&load.run(self.programs)?))
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

    /// Refreshes in chains.
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
}
