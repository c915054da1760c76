//! A PostgreSQL server that belongs to one test, which may stop, start and demote it.
//!
//! KEYWARD_TEST_PG_BIN is the folder of initdb and pg_ctl; root also needs KEYWARD_TEST_PG_USER, since PostgreSQL refuses it.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The server. Dropped, it is stopped.
pub(crate) struct Server {
    folder: tempfile::TempDir,
    port: u16,
}

impl Server {
    /// Creates and starts a server.
    pub(crate) fn start_new() -> Self {
        let folder = tempfile::Builder::new().prefix("keyward-pg").tempdir().unwrap();
        if let Ok(user) = std::env::var("KEYWARD_TEST_PG_USER") {
            assert!(
                Command::new("chown")
                    .arg(&user)
                    .arg(folder.path())
                    .status()
                    .unwrap()
                    .success()
            );
        }
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let server = Self { folder, port };
        let data = server.data();
        server.run(
            "initdb",
            &[
                "--no-sync",
                "--auth=trust",
                "--username=postgres",
                "--encoding=UTF8",
                "-D",
                data.to_str().unwrap(),
            ],
        );
        server.start();
        server
    }

    /// Its URL, on the database `postgres`.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts it, and waits until it answers.
    pub(crate) fn start(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=60",
            self.port
        );
        let data = self.data();
        self.run(
            "pg_ctl",
            &[
                "start",
                "-w",
                "-s",
                "-D",
                data.to_str().unwrap(),
                "-l",
                self.log().to_str().unwrap(),
                "-o",
                &options,
            ],
        );
    }

    /// Stops it at once: `fast` closes every session, `immediate` is a crash.
    pub(crate) fn stop(&self, how: &str) {
        let data = self.data();
        self.run(
            "pg_ctl",
            &["stop", "-w", "-s", "-m", how, "-D", data.to_str().unwrap()],
        );
    }

    /// The statements that it has logged.
    pub(crate) fn statements(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.log()).unwrap();
        let statement = |line: &str| {
            let (_, said) = line.split_once("LOG:  ")?;
            let (how, sql) = said.split_once(": ")?;
            (how == "statement" || how.starts_with("execute")).then(|| sql.to_owned())
        };
        log.lines().filter_map(statement).collect()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        assert!(self.tried(program, arguments), "{program} {arguments:?}");
    }

    fn tried(&self, program: &str, arguments: &[&str]) -> bool {
        let bin = std::env::var("KEYWARD_TEST_PG_BIN")
            .expect("KEYWARD_TEST_PG_BIN is the folder of PostgreSQL's programs");
        let program = Path::new(&bin).join(program);
        let mut command = match std::env::var("KEYWARD_TEST_PG_USER") {
            Err(_) => Command::new(program),
            Ok(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", &user, "--"]).arg(program);
                command
            }
        };
        // A server that inherits the pipe of a test's output would hold it open.
        command
            .args(arguments)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().unwrap().success()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.data();
        // It may have been stopped already.
        let _: bool = self.tried(
            "pg_ctl",
            &[
                "stop",
                "-w",
                "-s",
                "-m",
                "immediate",
                "-D",
                data.to_str().unwrap_or_default(),
            ],
        );
    }
}
