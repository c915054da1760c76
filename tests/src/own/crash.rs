//! Faults of a PostgreSQL: one process or all of them killed, frozen, demoted to a standby. Linux only: the processes are found in
//! /proc.

use super::{OwnPostgres, eventually, signal};
use std::{fs, path::Path};

/// A crash of PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostgresCrash {
    /// A process that serves clients is killed. The postmaster restarts everything by itself.
    Backend,
    /// The postmaster is killed. The other processes notice that they are orphans and exit.
    Postmaster,
    /// `pg_ctl stop -m immediate`.
    Immediate,
}

impl OwnPostgres {
    /// Crashes it. After [`PostgresCrash::Backend`] it recovers by itself; otherwise [`OwnPostgres::start_again`] restarts it.
    ///
    /// # Panics
    /// If it does not run, or there is no client whose backend could be killed.
    pub fn crash(&self, how: PostgresCrash) {
        match how {
            PostgresCrash::Backend => {
                let backend = self.children().into_iter().find(|pid| serves_a_client(*pid));
                signal(backend.unwrap(), "KILL");
            }
            PostgresCrash::Postmaster => {
                let (postmaster, children) = (self.postmaster(), self.children());
                signal(postmaster, "KILL");
                eventually("the orphans of the postmaster end", || {
                    !runs(postmaster) && !children.iter().any(|pid| runs(*pid))
                });
            }
            PostgresCrash::Immediate => self.stop(),
        }
    }

    /// Freezes all its processes.
    pub fn freeze(&self) {
        // The postmaster first, so that it starts no more processes.
        signal(self.postmaster(), "STOP");
        for child in self.children() {
            // It may have ended by itself.
            if runs(child) {
                signal(child, "STOP");
            }
        }
    }

    /// Lets them go on.
    pub fn thaw(&self) {
        for child in self.children() {
            signal(child, "CONT");
        }
        signal(self.postmaster(), "CONT");
    }

    /// Restarts it as a standby: it answers, is in recovery, and accepts no writes.
    ///
    /// # Panics
    /// If that fails.
    pub fn demote(&self) {
        self.stop();
        let standby = self.folder.path().join("data").join("standby.signal");
        fs::write(standby, "").unwrap();
        self.start_again();
    }

    /// Makes the standby the primary again.
    pub fn promote(&self) {
        self.tool("pg_ctl", &["promote", "-s", "-w", "-t", "60"]);
    }

    fn postmaster(&self) -> u32 {
        let file = self.folder.path().join("data").join("postmaster.pid");
        fs::read_to_string(file)
            .unwrap()
            .lines()
            .next()
            .unwrap()
            .parse()
            .unwrap()
    }

    fn children(&self) -> Vec<u32> {
        let postmaster = self.postmaster();
        let processes = fs::read_dir("/proc").unwrap();
        let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        pids.filter(|pid| status(*pid).is_some_and(|(_, parent)| parent == postmaster))
            .collect()
    }
}

/// A process's state and its parent. Before them in the line is its name, in parentheses.
fn status(pid: u32) -> Option<(String, u32)> {
    let line = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    let (_, rest) = line.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

/// Whether the process exists and is no zombie.
fn runs(pid: u32) -> bool {
    status(pid).is_some_and(|(state, _)| state != "Z")
}

/// `postgres: <user> <database> 127.0.0.1(<port>) …`.
fn serves_a_client(pid: u32) -> bool {
    fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("cmdline"))
        .is_ok_and(|title| title.contains(" 127.0.0.1("))
}
