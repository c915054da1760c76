//! Servers that belong to one test, which may freeze, kill and restart them. The shared throwaway servers are never touched.

use crate::backend::service;
use std::{
    hash::{BuildHasher, Hasher, RandomState},
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

#[cfg(target_os = "linux")]
mod crash;

#[cfg(target_os = "linux")]
pub use crash::PostgresCrash;

/// How long a server may take to answer. No passing test waits this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A port that is free now, below the range for outgoing connections. A client that connects to a stopped server in that range may get
/// the same port as its source port, connect to itself, and occupy the port.
#[must_use]
pub fn free_port() -> u16 {
    loop {
        let any = RandomState::new().build_hasher().finish() % 22_000;
        let port = 10_000 + u16::try_from(any).unwrap_or_default();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Waits until the condition holds.
///
/// # Panics
/// If it is not within half a minute.
#[track_caller]
pub fn eventually(what: &str, mut question: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !question() {
        assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::yield_now();
    }
}

/// Sends a signal by name to a process.
///
/// # Panics
/// If that fails.
pub fn signal(pid: u32, name: &str) {
    assert!(
        Command::new("kill")
            .args([&format!("-{name}"), &pid.to_string()])
            .status()
            .unwrap()
            .success()
    );
}

/// A Redis on a port of its own.
pub struct OwnRedis {
    folder: TempDir,
    port: u16,
    child: Child,
}

impl OwnRedis {
    /// Starts a server that writes to disk only when [`OwnRedis::snapshot`] asks for it.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let child = launch_redis(folder.path(), port);
        Self { folder, port, child }
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs one command of words without spaces and gives the first bytes of the answer.
    ///
    /// # Panics
    /// If there is no answer.
    pub fn command(&self, words: &str) -> String {
        ask_redis(self.port, words).unwrap()
    }

    /// Writes what it holds to its file.
    pub fn snapshot(&self) {
        assert_eq!(self.command("SAVE"), "+OK\r\n");
    }

    /// Ends it as a crash would, and waits for its end.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again, from its file if it has one.
    pub fn start_again(&mut self) {
        self.child = launch_redis(self.folder.path(), self.port);
    }

    /// Freezes it: connections stay open, and no answer comes.
    pub fn freeze(&self) {
        signal(self.child.id(), "STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        signal(self.child.id(), "CONT");
    }
}

impl Drop for OwnRedis {
    fn drop(&mut self) {
        self.kill();
    }
}

fn launch_redis(folder: &Path, port: u16) -> Child {
    let child = Command::new(service("KEYWARD_TEST_REDIS_SERVER"))
        .args([
            "--bind",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--save",
            "",
            "--appendonly",
            "no",
        ])
        .args(["--maxmemory-policy", "noeviction", "--dir"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    eventually("Redis answers", || {
        ask_redis(port, "PING").is_some_and(|answer| answer == "+PONG\r\n")
    });
    child
}

fn ask_redis(port: u16, words: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    stream.write_all(format!("{words}\r\n").as_bytes()).ok()?;
    let mut answer = [0; 256];
    let length = stream.read(&mut answer).ok()?;
    String::from_utf8(answer[..length].to_vec()).ok()
}

/// A PostgreSQL on a port of its own.
pub struct OwnPostgres {
    folder: TempDir,
    port: u16,
    fsync: &'static str,
}

impl OwnPostgres {
    /// Makes and starts one.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with("off")
    }

    /// The same, and what it has committed is on the disk.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start_durable() -> Self {
        Self::start_with("on")
    }

    fn start_with(fsync: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if let Ok(user) = std::env::var("KEYWARD_TEST_PG_USER") {
            std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
            let data = folder.path().join("data");
            std::fs::create_dir(&data).unwrap();
            assert!(
                Command::new("chown")
                    .arg(&user)
                    .arg(&data)
                    .status()
                    .unwrap()
                    .success()
            );
        }
        let own = Self {
            folder,
            port: free_port(),
            fsync,
        };
        own.tool(
            "initdb",
            &[
                "--no-sync",
                "-U",
                "postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
            ],
        );
        own.start_again();
        own
    }

    /// Its URL, on the database `postgres`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it after it was stopped.
    pub fn start_again(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync={}",
            self.port, self.fsync
        );
        let log = self.folder.path().join("data").join("log");
        let file = log.display().to_string();
        let start = ["start", "-s", "-w", "-t", "60", "-l", &file, "-o", &options];
        let started = self.command("pg_ctl", &start).status().unwrap();
        assert!(
            started.success(),
            "PostgreSQL did not start:\n{}",
            std::fs::read_to_string(log).unwrap_or_default()
        );
    }

    /// Stops it as a crash would: connections are cut, and nothing is cleaned up.
    pub fn stop(&self) {
        self.tool("pg_ctl", &["stop", "-s", "-w", "-t", "60", "-m", "immediate"]);
    }

    fn tool(&self, name: &str, arguments: &[&str]) {
        assert!(
            self.command(name, arguments).status().unwrap().success(),
            "{name}"
        );
    }

    fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let program = PathBuf::from(service("KEYWARD_TEST_PG_BIN")).join(name);
        let mut command = match std::env::var("KEYWARD_TEST_PG_USER") {
            Ok(user) => {
                let mut command = Command::new("setpriv");
                command
                    .args(["--reuid", &user, "--clear-groups", "--"])
                    .arg(program);
                command
            }
            Err(_) => Command::new(program),
        };
        command
            .arg(arguments[0])
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .args(&arguments[1..]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/");
        command
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        let _ = self
            .command("pg_ctl", &["stop", "-s", "-w", "-m", "immediate"])
            .status();
    }
}
