//! The binary, run in a folder of its own for each test. The rule: it inherits no variable and no file.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};
use tempfile::TempDir;

/// Accepted by the policy.
pub(crate) const PASSWORD: &str = "correct horse battery staple";
/// 32 bytes.
pub(crate) const MASTER_KEY: &str = "a2V5d2FyZCBlbmQtdG8tZW5kIHRlc3RzIG9ubHkgISE=";
/// The longest wait; a test that passes never waits that long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// Standard output, if the command succeeded.
    #[track_caller]
    pub(crate) fn good(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// Standard output as JSON, if the command succeeded.
    #[track_caller]
    pub(crate) fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.good()).unwrap()
    }

    /// Standard error, if the command ended with this code.
    #[track_caller]
    pub(crate) fn refused(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        self.err
    }
}

/// An installation.
pub(crate) struct Place {
    folder: TempDir,
    environment: BTreeMap<String, String>,
}

impl Place {
    /// An empty installation with cheap hashes and without rate limits.
    pub(crate) fn new() -> Self {
        let cheap = [
            ("KEYWARD__PASSWORD__MEMORY_KIB", "64"),
            ("KEYWARD__PASSWORD__ITERATIONS", "1"),
            ("KEYWARD__LIMITS__ENABLED", "false"),
        ];
        let environment = cheap
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        Self {
            folder: tempfile::tempdir().unwrap(),
            environment,
        }
    }

    /// A copy of this installation; no server may run in it.
    pub(crate) fn copy(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let copied = Command::new("cp")
            .arg("-R")
            .args([self.folder.path().join("."), folder.path().to_owned()])
            .status()
            .unwrap();
        assert!(copied.success());
        Self {
            folder,
            environment: self.environment.clone(),
        }
    }

    /// Sets a variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A path in its folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into its folder and gives its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(&self.environment);
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, "")
    }

    /// Runs a command to its end with this on its standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that reads nothing may have closed standard input already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Ended {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Creates a user with [`PASSWORD`].
    pub(crate) fn user(&self, email: &str, role: &str) {
        let arguments = ["user", "create", email, "--role", role, "--password-stdin"];
        self.run_with(&arguments, &format!("{PASSWORD}\n")).good();
    }

    /// Starts `keyward serve` on a free port and waits until it accepts.
    pub(crate) fn serve(&self, more: &[&str]) -> Server {
        self.started(&[&["serve", "--bind", "127.0.0.1:0"], more].concat())
    }

    /// Starts `keyward serve` on another address.
    pub(crate) fn serve_at(&self, bind: &str) -> Server {
        self.started(&["serve", "--bind", bind])
    }

    fn started(&self, arguments: &[&str]) -> Server {
        let mut command = self.command(arguments);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            errors
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        let mut server = Server {
            child,
            lines,
            log: vec![],
            origin: String::new(),
        };
        let listening = server.wait_for("listening on ");
        let (_, origin) = listening.split_once("listening on ").unwrap();
        // In a JSON record, a quotation mark ends it.
        server.origin = origin.split('"').next().unwrap().to_owned();
        server
    }

    /// The folder of the database file.
    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }
}

/// A running server; it is killed when dropped.
pub(crate) struct Server {
    child: Child,
    lines: mpsc::Receiver<String>,
    log: Vec<String>,
    pub(crate) origin: String,
}

impl Server {
    /// Reads its log up to the line that contains this text.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.log.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(_) => panic!("{text:?} never came; the server said:\n{}", self.log.join("\n")),
            }
        }
    }

    /// The URL of a route.
    pub(crate) fn url(&self, route: &str) -> String {
        format!("{}/api/v1/auth{route}", self.origin)
    }

    /// Sends it a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits for its end; returns the exit code and the log.
    pub(crate) fn end(mut self) -> (i32, String) {
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        self.log.extend(self.lines.iter());
        (code, self.log.join("\n"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The mode of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
