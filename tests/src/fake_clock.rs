//! A clock that libfaketime shows to one process.

use crate::backend::{Database, service};
use std::{fs, path::PathBuf};

/// A clock that a test sets while the process runs.
pub struct FakeClock(PathBuf);

impl FakeClock {
    /// A correct clock in the folder of a database, and the environment variables that make a server read it.
    ///
    /// # Panics
    /// If its file can't be written.
    #[must_use]
    pub fn of(database: &Database) -> (Self, Vec<(String, String)>) {
        let clock = Self(database.folder.path().join("clock"));
        clock.jumps("+0");
        let file = clock.0.display().to_string();
        let variables = [
            ("LD_PRELOAD", service("KEYWARD_TEST_FAKETIME")),
            ("FAKETIME_TIMESTAMP_FILE", file),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        (clock, variables.to_vec())
    }

    /// Sets how far the clock is off, such as `+30s`.
    ///
    /// # Panics
    /// If its file can't be written.
    pub fn jumps(&self, by: &str) {
        let next = self.0.with_extension("next");
        fs::write(&next, by).unwrap();
        fs::rename(next, &self.0).unwrap();
    }
}
