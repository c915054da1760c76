//! A full disk under SQLite. The rule: what can't be stored is not acknowledged (503), tokens are still checked, and once there is
//! space again the server recovers, also if it was killed meanwhile.

use super::CALLERS;
use crate::{
    fleet::{Fleet, Launch},
    load::close,
    report::Row,
    scenario::Allowed,
};
use std::{
    fs::{self, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};
use tests::{Backend, Database};

/// A small file system, mounted over a folder in a mount namespace of its own. It has space for the database and the 4 MB that its
/// write-ahead log may grow to. No other process sees it, and it ends with the last process in the namespace.
struct TinyDisk {
    holder: Child,
    folder: PathBuf,
    launcher: Vec<String>,
    /// The process that holds the namespace ends when this is closed, also if the test is killed.
    _alive: Option<ChildStdin>,
}

impl TinyDisk {
    /// Mounts it, or returns why this machine does not allow it.
    fn over(folder: &Path) -> Result<Self, String> {
        // Root may mount, unless it is root in a container. Other users may be able to in a user namespace.
        Self::mounted(folder, &[], &[]).or_else(|as_oneself| {
            let user = ["--user", "--map-root-user"];
            let enter = ["--user", "--preserve-credentials"];
            Self::mounted(folder, &user, &enter)
                .map_err(|in_a_namespace| format!("{as_oneself}; {in_a_namespace}"))
        })
    }

    fn mounted(folder: &Path, unshare: &[&str], enter: &[&str]) -> Result<Self, String> {
        let script = r#"mount -t tmpfs -o size=12m,mode=700 tmpfs "$1" && echo mounted && exec cat"#;
        let mut holder = Command::new("unshare")
            .args(unshare)
            .args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("unshare: {error}"))?;
        let mut said = String::new();
        let _ = BufReader::new(holder.stdout.take().unwrap()).read_line(&mut said);
        if said.trim() != "mounted" {
            let _ = holder.kill();
            let output = holder.wait_with_output().unwrap();
            return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
        }
        let mut launcher = vec!["nsenter".to_owned(), format!("--target={}", holder.id())];
        launcher.extend(enter.iter().map(|option| (*option).to_owned()));
        launcher.extend(["--mount".to_owned(), "--".to_owned()]);
        Ok(Self {
            _alive: holder.stdin.take(),
            holder,
            folder: folder.to_owned(),
            launcher,
        })
    }

    fn ballast(&self) -> PathBuf {
        let root = Path::new("/proc").join(self.holder.id().to_string()).join("root");
        root.join(self.folder.strip_prefix("/").unwrap()).join("ballast")
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let mut ballast = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.ballast())
            .unwrap();
        while ballast.write_all(&[0; 4096]).is_ok() {}
    }

    /// Frees the space again.
    fn free(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for TinyDisk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// The embedded server on a disk that is full in each round. In every other round the server is killed meanwhile.
///
/// # Errors
/// Why this machine has no such disk.
pub(crate) async fn under_load(rounds: u32, seed: u64) -> Result<Row, String> {
    let database = Database::create(Backend::Sqlite);
    let disk = TinyDisk::over(database.folder.path())?;
    let mut launch = Launch::with(database.environment());
    launch.launcher.clone_from(&disk.launcher);
    let mut fleet = Fleet::start("full disk under SQLite", vec![launch], CALLERS, seed);
    for round in 0..rounds {
        fleet.load();
        let before = fleet.random.between(20, 150);
        fleet.scenario.acknowledged(before).await;
        fleet.scenario.allow(Allowed::NoWrites);
        let open = fleet.scenario.counts().open;
        // The write-ahead log may have free space of its own for a while.
        while fleet.scenario.counts().open == open && !fleet.scenario.is_broken() {
            disk.fill();
            fleet.scenario.answers(10).await;
        }
        let meanwhile = fleet.random.between(20, 80);
        fleet.scenario.answers(meanwhile).await;
        fleet.check_during_fault().await;
        if round % 2 == 1 {
            fleet.kill(0);
            fleet.stop_load().await;
            let now = fleet.scenario.now();
            close(fleet.callers(), now, now);
            disk.free();
            fleet.start_again(0);
            fleet.load();
        } else {
            disk.free();
        }
        fleet.recover().await;
        let after = fleet.random.between(20, 80);
        fleet.scenario.acknowledged(after).await;
        fleet.stop_load().await;
        if !fleet.end_round().await {
            break;
        }
    }
    Ok(fleet.finish().await)
}
