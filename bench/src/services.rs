//! PostgreSQL and Redis of the run's own. PostgreSQL flushes every commit to the disk, unlike the tests' throwaway one: a
//! figure without `fsync` would be a figure of something else.

use crate::{Outcome, http::Http, listener::free_port, programs::Programs};
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// What is set beside PostgreSQL's defaults; `fsync` is on by default.
pub const POSTGRES_SETTINGS: [(&str, &str); 2] = [("shared_buffers", "1GB"), ("max_wal_size", "4GB")];

/// A PostgreSQL.
pub struct Postgres {
    programs: Programs,
    data: PathBuf,
    port: u16,
}

impl Postgres {
    /// Makes and starts one in a folder.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(programs: &Programs, folder: &Path) -> Outcome<Self> {
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
        // It waits for the server that it started, and for no other that may answer on the port.
        let start = ["start", "-s", "-w", "-t", "60", "-l", &log, "-o", &options];
        own.tool("pg_ctl", &start).map_err(|error| {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            format!("{error}{said}")
        })?;
        Ok(own)
    }

    fn tool(&self, name: &str, arguments: &[&str]) -> Outcome<()> {
        let mut command = self.programs.as_server_user(&self.programs.postgres.join(name));
        let (first, rest) = arguments.split_first().ok_or("no arguments")?;
        // pg_ctl takes its verb first, initdb any order.
        if name == "pg_ctl" {
            command.arg(first).arg("-D").arg(&self.data).args(rest);
        } else {
            command.arg("-D").arg(&self.data).args(arguments);
        }
        succeed(command.stdout(Stdio::null()).current_dir("/"))
    }

    /// The address of one of its databases.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// A client program of it, on one of its databases.
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

    /// Makes a database.
    ///
    /// # Errors
    /// If it can't.
    pub fn create(&self, database: &str) -> Outcome<String> {
        succeed(self.client("createdb", "postgres").arg(database))?;
        Ok(self.url(database))
    }

    /// Runs SQL and gives what it prints.
    ///
    /// # Errors
    /// If it fails.
    pub fn sql(&self, database: &str, sql: &str) -> Outcome<String> {
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

    /// Fills a table by COPY with the text that `write` makes.
    ///
    /// # Errors
    /// If it fails.
    pub fn copy(
        &self,
        database: &str,
        target: &str,
        write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> Outcome<()> {
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

/// Runs a command that has to succeed.
pub(crate) fn succeed(command: &mut Command) -> Outcome<()> {
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

/// A Redis that keeps nothing.
pub struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    /// Starts one.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(programs: &Programs, folder: &Path, http: &Http) -> Outcome<Self> {
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
            http.rest(Duration::from_millis(5));
        }
        Err(format!(
            "Redis did not start: {}",
            std::fs::read_to_string(log).unwrap_or_default()
        )
        .into())
    }

    /// Whether the one that answers on the port is this one: another could have got the port before.
    fn answers(&self) -> bool {
        let ask = || {
            let mut connection = redis::Client::open(self.url())?.get_connection()?;
            redis::cmd("INFO").arg("server").query::<String>(&mut connection)
        };
        let ours = format!("process_id:{}", self.child.id());
        ask().is_ok_and(|said| said.lines().any(|line| line == ours))
    }

    /// Its address.
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
