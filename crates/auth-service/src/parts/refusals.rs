//! The refusals of the limits: the error of a request, and the counts that are written to the audit log.

use auth_limits::{LimitStatus, Permit};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// A limit refused the request; the status says which one and for how long.
#[derive(Debug, thiserror::Error)]
#[error("too many requests: {}", .0.name.as_str())]
pub struct RateLimited(pub Box<LimitStatus>);

/// The refusals, counted for the audit log: each minute one event for each limit and each key that it counts (docs/rules.md §9).
#[derive(Default)]
pub(crate) struct Refusals(Mutex<HashMap<(&'static str, String), u64>>);

/// How many counts are kept in a minute; all further keys share one.
const SUMS: usize = 10_000;

impl Refusals {
    pub(crate) fn count(&self, status: &LimitStatus, permits: &[Permit]) {
        let name = status.name.as_str();
        let key = permits
            .iter()
            .find(|permit| permit.name() == status.name)
            .map_or("", Permit::key);
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = if sums.len() < SUMS { key } else { "others" };
        *sums.entry((name, key.to_owned())).or_default() += 1;
    }

    /// Puts back a count that could not be recorded.
    pub(crate) fn put_back(&self, (name, key, count): (&'static str, String, u64)) {
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *sums.entry((name, key)).or_default() += count;
    }

    /// The counts since the last call.
    pub(crate) fn take(&self) -> Vec<(&'static str, String, u64)> {
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *sums)
            .into_iter()
            .map(|((name, key), count)| (name, key, count))
            .collect()
    }
}
