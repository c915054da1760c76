//! Redis servers that a test starts for itself, to freeze, kill and restart them. The shared server is left alone.

mod reply;

use reply::{FromReply, ask};
use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

pub(crate) struct Server {
    folder: TempDir,
    port: u16,
    arguments: Vec<String>,
    child: Option<Child>,
}

impl Server {
    /// A server without persistence.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub(crate) async fn start_with(arguments: &[&str]) -> Self {
        let mut server = Self::not_yet_started(arguments);
        server.start_again().await;
        server
    }

    pub(crate) fn not_yet_started(arguments: &[&str]) -> Self {
        let port = TcpListener::bind(("127.0.0.1", 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let arguments = arguments.iter().map(|&word| word.to_owned()).collect();
        Self {
            folder: tempfile::tempdir().unwrap(),
            port,
            arguments,
            child: None,
        }
    }

    /// A sentinel that watches a master.
    pub(crate) async fn sentinel_of(master: &Self) -> Self {
        let mut server = Self::not_yet_started(&["--sentinel"]);
        let file = server.folder.path().join("sentinel.conf");
        let conf = format!(
            "sentinel monitor main 127.0.0.1 {} 1\nsentinel down-after-milliseconds main 300\nsentinel failover-timeout main 3000\n",
            master.port
        );
        std::fs::write(&file, conf).unwrap();
        server.arguments.insert(0, file.to_str().unwrap().to_owned());
        server.start_again().await;
        server
    }

    /// Starts the server on its port, from the snapshot in its folder if there is one, and waits until it answers.
    pub(crate) async fn start_again(&mut self) {
        assert!(self.child.is_none());
        let program = std::env::var_os("KEYWARD_TEST_REDIS_SERVER")
            .map_or_else(|| PathBuf::from("redis-server"), PathBuf::from);
        let sentinel = self.arguments.iter().any(|word| word == "--sentinel");
        let mut command = Command::new(program);
        command
            .args(&self.arguments)
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        command.arg("--dir").arg(self.folder.path());
        if !sentinel {
            command.args(["--save", "", "--appendonly", "no"]);
        }
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(
            command
                .spawn()
                .expect("redis-server is on the PATH or in KEYWARD_TEST_REDIS_SERVER"),
        );
        for _ in 0..200 {
            if ask(self.port, "PING").await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("redis-server does not answer on port {}", self.port);
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Runs an inline command, such as `GET key`.
    pub(crate) async fn run<T: FromReply>(&self, command: &str) -> T {
        T::from_reply(ask(self.port, command).await.unwrap())
    }

    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // SIGKILL also ends a frozen server. Nothing could be done about a failure here.
            let _ended = child.kill().and_then(|()| child.wait());
        }
    }
}
