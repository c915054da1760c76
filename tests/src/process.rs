//! The built binary, run as a user runs it.

use crate::{Client, Database};
use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, mpsc},
    thread,
    time::Duration,
};

/// How long a start may take before a test fails. No passing test waits this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The `keyward` program that this build made.
///
/// # Panics
/// If it is not there.
#[must_use]
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test
        .parent()
        .and_then(|deps| deps.parent())
        .unwrap()
        .join("keyward");
    assert!(
        path.exists(),
        "{} is missing: cargo build -p keyward",
        path.display()
    );
    path
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub struct Output {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// A command with its own environment, which inherits only what programs need to run. If there is a launcher (a program and its
/// arguments), it starts the binary.
fn launched(
    binary: &Path,
    launcher: &[String],
    arguments: &[&str],
    environment: &[(String, String)],
) -> Command {
    let mut command = match launcher {
        [] => Command::new(binary),
        [program, rest @ ..] => {
            let mut command = Command::new(program);
            command.args(rest).arg(binary);
            command
        }
    };
    command
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    // Tests send requests faster than users do, so the limits are off. Tests of the limits turn them on.
    command
        .env("KEYWARD__LIMITS__ENABLED", "false")
        .env("KEYWARD__PASSWORD__MEMORY_KIB", "64")
        .env("KEYWARD__PASSWORD__ITERATIONS", "1");
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command
}

/// Runs a command of the binary to its end.
///
/// # Panics
/// If it can't be run.
#[must_use]
pub fn run(arguments: &[&str], environment: &[(String, String)], input: &str) -> Output {
    run_of(&binary(), arguments, environment, input)
}

/// The same of another version's program.
///
/// # Panics
/// If it can't be run.
#[must_use]
pub fn run_of(program: &Path, arguments: &[&str], environment: &[(String, String)], input: &str) -> Output {
    let mut child = launched(program, &[], arguments, environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads no input may have closed the pipe already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Output {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// `keyward serve` in a process of its own, killed when it is dropped.
pub struct Server {
    child: Child,
    origin: String,
    log: Arc<Mutex<String>>,
    /// Keeps the log until the server has ended.
    reader: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// Starts one on a database and waits until it accepts.
    ///
    /// # Panics
    /// If it ends, or does not listen in time; with what it printed.
    #[must_use]
    pub fn start(database: &Database, settings: &[(&str, &str)]) -> Self {
        let mut environment = database.environment();
        environment.extend(
            settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        Self::try_start(&environment).unwrap_or_else(|log| panic!("the server did not start:\n{log}"))
    }

    /// Starts one with this environment.
    ///
    /// # Errors
    /// What it printed, if it ended before it listened.
    pub fn try_start(environment: &[(String, String)]) -> Result<Self, String> {
        Self::try_start_through(&[], environment)
    }

    /// Starts one through a launcher, such as `nsenter --target …`, that becomes the server.
    ///
    /// # Errors
    /// What it printed, if it ended before it listened.
    pub fn try_start_through(launcher: &[String], environment: &[(String, String)]) -> Result<Self, String> {
        Self::try_start_of(&binary(), launcher, environment)
    }

    /// The same of another version's program.
    ///
    /// # Errors
    /// What it printed, if it ended before it listened.
    pub fn try_start_of(
        program: &Path,
        launcher: &[String],
        environment: &[(String, String)],
    ) -> Result<Self, String> {
        let mut child = launched(
            program,
            launcher,
            &["serve", "--bind", "127.0.0.1:0"],
            environment,
        )
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (listening, listens) = mpsc::channel();
        let errors = child.stderr.take().unwrap();
        let copy = Arc::clone(&log);
        let reader = thread::spawn(move || keep(errors, &copy, &listening));
        match listens.recv_timeout(PATIENCE) {
            Ok(origin) => Ok(Self {
                child,
                origin,
                log,
                reader: Some(reader),
            }),
            Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                let _ = reader.join();
                Err(log.lock().unwrap().clone())
            }
        }
    }

    /// The origin that it listens on.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// A client without a token.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&self.origin)
    }

    /// Everything that it has printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Everything that it has printed so far. Its output is not read any further until this is dropped.
    ///
    /// # Panics
    /// If the reader of its log did.
    pub fn hold_log(&self) -> MutexGuard<'_, String> {
        self.log.lock().unwrap()
    }

    /// Shuts it down gracefully, and returns everything that it ever printed.
    ///
    /// # Panics
    /// If it does not end with 0.
    #[must_use]
    pub fn log_to_the_end(&mut self) -> String {
        self.signal("TERM");
        assert_eq!(self.wait(), Some(0), "{}", self.log());
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.log()
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal by name, such as `TERM` or `STOP`.
    ///
    /// # Panics
    /// If that fails.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.pid().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits for its end and gives its exit code.
    ///
    /// # Panics
    /// If it can't be waited for.
    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Kills it at once, as a power cut would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn keep(errors: ChildStderr, log: &Mutex<String>, listening: &mpsc::Sender<String>) {
    for line in BufReader::new(errors).lines() {
        let Ok(line) = line else { return };
        if let Some((_, origin)) = line.split_once("listening on ") {
            // In a record of JSON a quotation mark ends it.
            let origin = origin.split('"').next().unwrap_or_default();
            let _ = listening.send(origin.trim().to_owned());
        }
        let mut log = log.lock().unwrap();
        log.push_str(&line);
        log.push('\n');
    }
}
