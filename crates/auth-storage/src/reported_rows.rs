//! The unreadable rows that the log has already reported. Such a row stays in its table and is read again and again, by some readers
//! twice a second. The rule: the log reports it once.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};
use uuid::Uuid;

/// How many rows are remembered. Then all are forgotten and reported once more.
const MOST: usize = 1000;

/// Remembers rows by their key.
#[derive(Default)]
pub(crate) struct ReportedRows(Mutex<HashSet<(Uuid, String)>>);

impl ReportedRows {
    /// Whether the log has not reported the row yet. From now on it counts as reported.
    pub(crate) fn is_new(&self, id: Uuid, kind: &str) -> bool {
        let mut reported = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if reported.len() >= MOST {
            reported.clear();
        }
        reported.insert((id, kind.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_new_once_and_the_memory_is_bounded() {
        let reported = ReportedRows::default();
        let id = Uuid::from_u128;
        assert!(reported.is_new(id(0), "grant") && !reported.is_new(id(0), "grant"));
        assert!(reported.is_new(id(0), "factor"), "another row");
        for n in 1..MOST as u128 - 1 {
            assert!(reported.is_new(id(n), "grant"));
        }
        assert!(reported.is_new(id(0), "grant"), "forgotten");
    }
}
