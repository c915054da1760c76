//! The programs that the harness runs, at the paths of Debian's packages, and the user that runs the servers.

use crate::BenchResult;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The paths of the programs.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The load generator with a closed loop.
    pub wrk: PathBuf,
    /// The load generator with an open loop, which logs each request.
    pub h2load: PathBuf,
    /// The folder with initdb, `pg_ctl`, psql and pgbench.
    pub postgres: PathBuf,
    /// The Redis server.
    pub redis: PathBuf,
    /// The user that runs the servers if the harness runs as root, which PostgreSQL refuses.
    pub server_user: Option<String>,
}

impl Programs {
    /// Finds all programs.
    ///
    /// # Errors
    /// The missing programs, with the packages that contain them.
    pub fn find() -> BenchResult<Self> {
        let mut missing = Vec::new();
        let mut want = |name: &str, package: &'static str, found: Option<PathBuf>| {
            found.unwrap_or_else(|| {
                missing.push(format!("{name} (Debian: apt-get install {package})"));
                PathBuf::new()
            })
        };
        let found = Self {
            wrk: want("wrk", "wrk", on_path("wrk")),
            h2load: want("h2load", "nghttp2-client", on_path("h2load")),
            postgres: want("initdb and pgbench", "postgresql", postgres_folder()),
            redis: want("redis-server", "redis-server", redis_server()),
            server_user: user_for_servers()?,
        };
        if missing.is_empty() {
            Ok(found)
        } else {
            Err(format!("missing: {}", missing.join(", ")).into())
        }
    }

    /// A command that runs as the servers' user.
    #[must_use]
    pub fn as_server_user(&self, program: &Path) -> Command {
        match &self.server_user {
            None => Command::new(program),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command
                    .args(["--reuid", user, "--regid", user, "--clear-groups", "--"])
                    .arg(program);
                command
            }
        }
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

fn redis_server() -> Option<PathBuf> {
    let configured = std::env::var_os("KEYWARD_TEST_REDIS_SERVER").map(PathBuf::from);
    configured.or_else(|| on_path("redis-server"))
}

fn postgres_folder() -> Option<PathBuf> {
    if let Some(configured) = std::env::var_os("KEYWARD_TEST_PG_BIN") {
        return Some(configured.into());
    }
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .filter(|bin| bin.join("initdb").is_file())
        .collect();
    folders.sort();
    let packaged = folders.pop();
    packaged.or_else(|| {
        on_path("initdb").and_then(|initdb| {
            let real = initdb.canonicalize().ok()?;
            Some(real.parent()?.to_owned())
        })
    })
}

fn user_for_servers() -> BenchResult<Option<String>> {
    let id = Command::new("id").arg("-u").output()?;
    if String::from_utf8_lossy(&id.stdout).trim() != "0" {
        return Ok(None);
    }
    let there = Command::new("id").arg("postgres").output()?.status.success();
    Ok(Some(if there { "postgres" } else { "nobody" }.to_owned()))
}

/// The first line that a program prints, such as its version.
#[must_use]
pub fn version_of(program: &Path, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output();
    output.map_or_else(
        |error| error.to_string(),
        |output| {
            let text = if output.stdout.is_empty() {
                output.stderr
            } else {
                output.stdout
            };
            String::from_utf8_lossy(&text)
                .lines()
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_on_the_path_is_found_and_another_is_not() {
        assert!(on_path("sh").is_some());
        assert!(on_path("no such program").is_none());
    }
}
