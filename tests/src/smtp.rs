//! The mail server of `tests/smtp/server.py`, which a test may stop and start again on the same port, behaving otherwise.

use crate::{backend::service, mail::token_in, own::free_port};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// A mail server of a test's own, gone when it is dropped.
pub struct MailServer {
    process: Child,
    port: u16,
    folder: TempDir,
}

/// A mail as the server got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The sender of the envelope.
    pub sender: String,
    /// The recipient of the envelope.
    pub recipients: Vec<String>,
    /// The header `From`.
    pub from: String,
    /// The header `To`.
    pub to: String,
    /// The header `Message-ID`.
    pub id: String,
    /// The plain part.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// All of it, as it came.
    pub raw: String,
}

impl Received {
    /// The token of its link to a page (`reset`, `verify-email`, `not-me`), if it has one.
    #[must_use]
    pub fn token(&self, page: &str) -> Option<String> {
        token_in(&self.text, page)
    }

    /// The tokens of all its links.
    #[must_use]
    pub fn tokens(&self) -> Vec<String> {
        let pages = ["reset", "verify-email", "not-me"];
        pages.iter().filter_map(|page| self.token(page)).collect()
    }
}

impl MailServer {
    /// Starts one with these options of `server.py`.
    #[must_use]
    pub fn start(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        Self {
            process: launch(&folder.path().join("mails"), port, options),
            port,
            folder,
        }
    }

    /// The environment that makes a server send through it.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let port = self.port.to_string();
        [
            ("TRANSPORT", "smtp"),
            ("SMTP_HOST", "127.0.0.1"),
            ("SMTP_PORT", &port),
            ("SMTP_TLS", "none"),
        ]
        .map(|(key, value)| (format!("KEYWARD__MAIL__{key}"), value.to_owned()))
        .into()
    }

    /// How many mails it has got.
    #[must_use]
    pub fn count(&self) -> usize {
        self.counter()()
    }

    /// A counter of the mails that it has received, usable without the server itself.
    pub fn counter(&self) -> impl Fn() -> usize + Send + use<> {
        let records = self.records();
        move || {
            let lines = fs::read(&records).unwrap_or_default();
            lines.split(|byte| *byte == b'\n').count().saturating_sub(1)
        }
    }

    /// The mails that it has got, in their order.
    ///
    /// # Panics
    /// If they can't be read.
    #[must_use]
    pub fn mails(&self) -> Vec<Received> {
        let records = fs::read_to_string(self.records()).unwrap_or_default();
        // The last line may be incomplete yet.
        let whole = records.rfind('\n').map_or("", |end| &records[..end]);
        whole.lines().map(received).collect()
    }

    /// Ends it at once: connections are cut, and the port is closed.
    pub fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Starts it again on its port with these options; what it got before stays.
    pub fn start_again(&mut self, options: &[&str]) {
        self.stop();
        self.process = launch(&self.records(), self.port, options);
    }

    fn records(&self) -> PathBuf {
        self.folder.path().join("mails")
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn launch(records: &Path, port: u16, options: &[&str]) -> Child {
    let mut process = Command::new(service("KEYWARD_TEST_SMTP_PYTHON"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("smtp/server.py"))
        .arg(records)
        .args(["--port", &port.to_string()])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line.trim(), format!("listening {port}"));
    process
}

fn received(line: &str) -> Received {
    let record: Value = serde_json::from_str(line).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let header = |name: &str| text(&record["headers"][name]);
    Received {
        sender: text(&record["from"]),
        recipients: record["to"].as_array().unwrap().iter().map(text).collect(),
        from: header("From"),
        to: header("To"),
        id: header("Message-ID"),
        text: text(&record["text"]),
        html: text(&record["html"]),
        raw: text(&record["raw"]),
    }
}
