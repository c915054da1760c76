//! The measured program: `keyward serve` of this build, on a backend, with the log as shipped (JSON, level info), to nowhere.

use crate::{Outcome, http::Http, paths};
use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Where a server keeps its data.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its data folder.
    pub folder: PathBuf,
    /// The address of its database on PostgreSQL; none: SQLite in the folder.
    pub postgres: Option<String>,
    /// The address of its Redis.
    pub redis: Option<String>,
}

/// How costly its hashes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hashing {
    /// As shipped.
    AsShipped,
    /// The cheapest that is allowed: for making many users, and where the database is what is looked at.
    Cheap,
}

/// The memory of a cheap hash in KiB.
pub const CHEAP_MEMORY: u32 = 64;

impl Place {
    /// The environment of a server here; nothing else is inherited.
    #[must_use]
    pub fn environment(&self, hashing: Hashing) -> Vec<(String, String)> {
        let mut all = vec![
            ("KEYWARD__DATA__DIR".to_owned(), self.folder.display().to_string()),
            // What is measured is how much it can do, not how much it grants to one address.
            ("KEYWARD__LIMITS__ENABLED".to_owned(), "false".to_owned()),
        ];
        let mut add = |name: &str, value: &str| all.push((name.to_owned(), value.to_owned()));
        if let Some(url) = &self.postgres {
            add("DATABASE_URL", url);
            add(
                "KEYWARD_MASTER_KEY",
                "a2V5d2FyZCBiZW5jaG1hcmsgbWFzdGVyIGtleSAhISE=",
            );
            add("KEYWARD__DATABASE__AUTO_MIGRATE", "true");
        }
        if let Some(url) = &self.redis {
            add("REDIS_URL", url);
        }
        if hashing == Hashing::Cheap {
            add("KEYWARD__PASSWORD__MEMORY_KIB", &CHEAP_MEMORY.to_string());
            add("KEYWARD__PASSWORD__ITERATIONS", "1");
        }
        all
    }

    /// What it is called in the tables.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match (&self.postgres, &self.redis) {
            (None, _) => "SQLite",
            (Some(_), None) => "PostgreSQL",
            (Some(_), Some(_)) => "PostgreSQL + Redis",
        }
    }
}

/// A running server, killed when it is dropped.
pub struct Server {
    child: Child,
    /// Its origin.
    pub origin: String,
    /// How long it took from the start of the process until it was ready.
    pub ready_after: Duration,
}

/// What the routes start with.
pub const BASE: &str = "/api/v1/auth";

fn keyward(binary: &Path, environment: Vec<(String, String)>) -> Command {
    let mut command = Command::new(binary);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(environment)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// It picks its port itself, so that nobody else's server can be taken for it.
const SERVE: [&str; 3] = ["serve", "--bind", "127.0.0.1:0"];

/// What a server that did not get ready says when it is started once more: the one that is measured logs to nowhere.
fn once_more(binary: &Path, environment: Vec<(String, String)>) -> String {
    let mut command = keyward(Path::new("timeout"), environment);
    let output = command
        .arg("5")
        .arg(binary)
        .args(SERVE)
        .stderr(Stdio::piped())
        .output();
    output.map_or_else(
        |error| error.to_string(),
        |output| String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

impl Server {
    /// Starts one and waits until it is ready.
    ///
    /// # Errors
    /// If it does not get ready, with what it says when it is started once more.
    pub fn start(place: &Place, hashing: Hashing, http: &Http) -> Outcome<Self> {
        let binary = paths::built("keyward")?;
        let environment = place.environment(hashing);
        let begun = Instant::now();
        let child = keyward(&binary, environment.clone()).args(SERVE).spawn()?;
        let mut server = Self {
            child,
            origin: String::new(),
            ready_after: Duration::ZERO,
        };
        (server.origin, server.ready_after) = http
            .until_ok(&mut server.child, "/health/ready", begun)
            .map_err(|error| {
                format!(
                    "keyward serve: {error}; once more: {}",
                    once_more(&binary, environment)
                )
            })?;
        Ok(server)
    }

    /// The URL of a path below the base.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{BASE}{path}", self.origin)
    }

    /// The URL of a path at the root.
    #[must_use]
    pub fn at_root(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Its resident memory in KiB.
    ///
    /// # Errors
    /// If it has ended.
    pub fn resident(&self) -> Outcome<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
        Ok(number.ok_or("no VmRSS: the server has ended")?.trim().parse()?)
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Errors
    /// If it can't be asked.
    pub fn stop(mut self) -> Outcome<()> {
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// Makes the schema.
///
/// # Errors
/// If that fails.
pub fn migrate(place: &Place) -> Outcome<()> {
    let mut command = keyward(&paths::built("keyward")?, place.environment(Hashing::AsShipped));
    let output = command.args(["migrate", "up"]).stderr(Stdio::piped()).output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!(
            "the schema can't be made: {}",
            String::from_utf8_lossy(&output.stderr)
        )
        .into())
    }
}
