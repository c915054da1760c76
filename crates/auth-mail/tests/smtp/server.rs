//! The mail server of `tests/smtp/server.py`: one for each test, stopped at its end.

use serde_json::Value;
use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

pub(crate) struct Server {
    process: Child,
    port: u16,
    folder: TempDir,
}

impl Server {
    /// Starts a server with these options of server.py.
    pub(crate) fn start(options: &[&str]) -> Self {
        let python = env::var("KEYWARD_TEST_SMTP_PYTHON")
            .expect("scripts/with-services.sh sets KEYWARD_TEST_SMTP_PYTHON");
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/smtp/server.py"))
            .arg(folder.path().join("mails"))
            .arg("--tls-folder")
            .arg(folder.path())
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let port = line
            .trim()
            .strip_prefix("listening ")
            .expect("the server starts")
            .parse()
            .unwrap();
        Self {
            process,
            port,
            folder,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A file of the throwaway CA.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The mails that the server accepted.
    pub(crate) fn mails(&self) -> Vec<Value> {
        let lines = fs::read_to_string(self.file("mails")).unwrap_or_default();
        lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// What the server received without TLS.
    pub(crate) fn received_in_plaintext(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.file("mails.clear")).unwrap_or_default()).into_owned()
    }

    /// Stops the server, so that its port is closed.
    pub(crate) fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server may have been stopped already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
