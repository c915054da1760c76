//! The measured program: `keyward serve` of this build, on one backend. The log has the shipped settings (JSON, level info) and is
//! discarded.

use crate::{BenchResult, http::Http, paths};
use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// The data folder, database and Redis of a server.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// Its data folder.
    pub folder: PathBuf,
    /// The URL of its PostgreSQL database; `None`: SQLite in the folder.
    pub postgres: Option<String>,
    /// The URL of its Redis.
    pub redis: Option<String>,
}

/// The cost of password hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hashing {
    /// The shipped parameters.
    AsShipped,
    /// The cheapest allowed parameters: to create many users, and to measure the database.
    Cheap,
}

/// The memory of a cheap hash in KiB.
pub const CHEAP_MEMORY: u32 = 64;

impl Deployment {
    /// The environment variables of a server. Nothing else is inherited.
    #[must_use]
    pub fn environment(&self, hashing: Hashing) -> Vec<(String, String)> {
        let mut all = vec![
            ("KEYWARD__DATA__DIR".to_owned(), self.folder.display().to_string()),
            // The benchmark measures capacity, so rate limits are off.
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

    /// The name of the backend in the tables.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match (&self.postgres, &self.redis) {
            (None, _) => "SQLite",
            (Some(_), None) => "PostgreSQL",
            (Some(_), Some(_)) => "PostgreSQL + Redis",
        }
    }
}

/// A running server, which is killed on drop.
pub struct Server {
    child: Child,
    /// Its origin, such as `http://127.0.0.1:8080`.
    pub origin: String,
    /// The time from the start of the process until the server was ready.
    pub ready_after: Duration,
}

/// The base path of the routes.
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

/// The server picks a free port itself, so that no other server can be mistaken for it.
const SERVE: [&str; 3] = ["serve", "--bind", "127.0.0.1:0"];

/// The stderr of a server that did not become ready, from a second start: the log of the measured one is discarded.
fn stderr_of_second_start(binary: &Path, environment: Vec<(String, String)>) -> String {
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
    /// Starts a server and waits until it is ready.
    ///
    /// # Errors
    /// If it does not become ready, with the stderr of a second start.
    pub fn start(deployment: &Deployment, hashing: Hashing, http: &Http) -> BenchResult<Self> {
        let binary = paths::built("keyward")?;
        let environment = deployment.environment(hashing);
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
                    "keyward serve: {error}; a second start: {}",
                    stderr_of_second_start(&binary, environment)
                )
            })?;
        Ok(server)
    }

    /// The URL of a path below the base path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{BASE}{path}", self.origin)
    }

    /// The URL of a path at the root.
    #[must_use]
    pub fn at_root(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// The resident memory of the server in KiB.
    ///
    /// # Errors
    /// If the server has ended.
    pub fn resident(&self) -> BenchResult<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
        Ok(number.ok_or("no VmRSS: the server has ended")?.trim().parse()?)
    }

    /// Stops the server by SIGTERM and waits for its end.
    ///
    /// # Errors
    /// If the signal can't be sent.
    pub fn stop(mut self) -> BenchResult<()> {
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

/// Creates the schema of a deployment.
///
/// # Errors
/// If the migration fails.
pub fn migrate(deployment: &Deployment) -> BenchResult<()> {
    let mut command = keyward(
        &paths::built("keyward")?,
        deployment.environment(Hashing::AsShipped),
    );
    let output = command.args(["migrate", "up"]).stderr(Stdio::piped()).output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!(
            "the schema can't be created: {}",
            String::from_utf8_lossy(&output.stderr)
        )
        .into())
    }
}
