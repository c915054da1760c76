//! PostgreSQL and Redis for a run. Unlike the throwaway server of the tests, this PostgreSQL flushes every commit to the disk: a figure
//! without `fsync` would be meaningless.

use crate::{BenchResult, http::Http, listener::free_port, programs::Programs};
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// The settings that differ from PostgreSQL's defaults; `fsync` is on by default.
pub const POSTGRES_SETTINGS: [(&str, &str); 2] = [("shared_buffers", "1GB"), ("max_wal_size", "4GB")];

/// A PostgreSQL server, which is stopped on drop.
pub struct Postgres {
    programs: Programs,
    data: PathBuf,
    port: u16,
}

impl Postgres {
    /// Creates a server in a folder and starts it.
    ///
    /// # Errors
    /// If the server does not start.
    pub fn start(programs: &Programs, folder: &Path) -> BenchResult<Self> {
        let data = folder.join("postgres");
        std::fs::create_dir(&data)?;
        if let Some(user) = &programs.server_user {
            succeed(Command::new("chown").arg(user).arg(&data))?;
        }
        let own = Self {
            programs: programs.clone(),
            data,
            port: free_port(),
        };
        own.tool(
            "initdb",
            &["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"],
        )?;
        let log = own.data.join("log").display().to_string();
        let options = options(own.port);
        // `pg_ctl -w` waits for the server that it started, not for another one on the port.
        let start = ["start", "-s", "-w", "-t", "60", "-l", &log, "-o", &options];
        own.tool("pg_ctl", &start).map_err(|error| {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            format!("{error}{text}")
        })?;
        Ok(own)
    }

    fn tool(&self, name: &str, arguments: &[&str]) -> BenchResult<()> {
        let mut command = self.programs.as_server_user(&self.programs.postgres.join(name));
        let (first, rest) = arguments.split_first().ok_or("no arguments")?;
        // pg_ctl requires its verb first; initdb accepts any order.
        if name == "pg_ctl" {
            command.arg(first).arg("-D").arg(&self.data).args(rest);
        } else {
            command.arg("-D").arg(&self.data).args(arguments);
        }
        succeed(command.stdout(Stdio::null()).current_dir("/"))
    }

    /// The URL of a database.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// A command that runs a client program of PostgreSQL on a database.
    #[must_use]
    pub fn client(&self, program: &str, database: &str) -> Command {
        let mut command = Command::new(self.programs.postgres.join(program));
        command.current_dir("/").stdin(Stdio::null()).envs([
            ("PGHOST", "127.0.0.1"),
            ("PGPORT", &self.port.to_string()),
            ("PGUSER", "postgres"),
            ("PGDATABASE", database),
        ]);
        command
    }

    /// Creates a database and returns its URL.
    ///
    /// # Errors
    /// If the database can't be created.
    pub fn create(&self, database: &str) -> BenchResult<String> {
        succeed(self.client("createdb", "postgres").arg(database))?;
        Ok(self.url(database))
    }

    /// Runs SQL and returns its output.
    ///
    /// # Errors
    /// If the SQL fails.
    pub fn sql(&self, database: &str, sql: &str) -> BenchResult<String> {
        let mut command = self.client("psql", database);
        let output = command
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .output()?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        } else {
            Err(format!("{sql}: {}", String::from_utf8_lossy(&output.stderr)).into())
        }
    }

    /// Fills a table by COPY with the text that `write` writes.
    ///
    /// # Errors
    /// If the COPY fails.
    pub fn copy(
        &self,
        database: &str,
        target: &str,
        write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> BenchResult<()> {
        let mut child = self
            .client("psql", database)
            .args([
                "-Xq",
                "-v",
                "ON_ERROR_STOP=1",
                "-c",
                &format!("COPY {target} FROM STDIN"),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        let input = child.stdin.take().ok_or("psql has no input")?;
        let mut buffered = std::io::BufWriter::with_capacity(1 << 20, input);
        write(&mut buffered)?;
        buffered.flush()?;
        drop(buffered);
        if child.wait()?.success() {
            Ok(())
        } else {
            Err(format!("COPY {target} failed").into())
        }
    }
}

fn options(port: u16) -> String {
    let place = format!("-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''");
    let settings = POSTGRES_SETTINGS.map(|(name, value)| format!("-c {name}={value}"));
    format!("{place} {}", settings.join(" "))
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _gone = self.tool("pg_ctl", &["stop", "-s", "-w", "-m", "immediate"]);
    }
}

/// Runs a command, which must succeed.
pub(crate) fn succeed(command: &mut Command) -> BenchResult<()> {
    let output = command.stderr(Stdio::piped()).output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!(
            "{} failed: {}",
            command.get_program().display(),
            String::from_utf8_lossy(&output.stderr)
        )
        .into())
    }
}

/// A Redis server without persistence, which is killed on drop.
pub struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    /// Starts a server.
    ///
    /// # Errors
    /// If the server does not start.
    pub fn start(programs: &Programs, folder: &Path, http: &Http) -> BenchResult<Self> {
        let port = free_port();
        let log = folder.join(format!("redis-{port}.log"));
        let child = programs
            .as_server_user(&programs.redis)
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args([
                "--save",
                "",
                "--appendonly",
                "no",
                "--maxmemory-policy",
                "noeviction",
            ])
            .args(["--daemonize", "no", "--dir", "/"])
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&log)?)
            .current_dir(folder)
            .spawn()?;
        let mut redis = Self { child, port };
        for _ in 0..2_000 {
            if redis.child.try_wait()?.is_some() {
                break;
            }
            if redis.answers() {
                return Ok(redis);
            }
            http.sleep(Duration::from_millis(5));
        }
        Err(format!(
            "Redis did not start: {}",
            std::fs::read_to_string(log).unwrap_or_default()
        )
        .into())
    }

    /// Whether this server answers on the port, and not another one that took the port first.
    fn answers(&self) -> bool {
        let ask = || {
            let mut connection = redis::Client::open(self.url())?.get_connection()?;
            redis::cmd("INFO").arg("server").query::<String>(&mut connection)
        };
        let ours = format!("process_id:{}", self.child.id());
        ask().is_ok_and(|info| info.lines().any(|line| line == ours))
    }

    /// The URL of the server.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
