//! How often something happened in each hour. The rule: counts are added, never set, so that no node's counts are lost.

use crate::{
    error::StorageError,
    fault::{Fault, corrupt},
    schema::activity,
    sqlty::Ts,
    storage::{Storage, run},
};
use auth_domain::time::Timestamp;
use diesel::prelude::*;

/// How often something happened in an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourCount {
    /// The start of the hour.
    pub hour: Timestamp,
    /// What happened, as the stored word.
    pub kind: String,
    /// How often it happened.
    pub count: u64,
}

impl Storage {
    /// Adds counts to the stored ones, all of them or none. Counts that several nodes add at the same time are all kept.
    pub async fn add_activity(&self, counts: Vec<HourCount>) -> Result<(), StorageError> {
        run!(self, write, activity::add(&counts))
    }

    /// The counts of this hour and later ones, ordered by hour and kind.
    pub async fn activity_since(&self, hour: Timestamp) -> Result<Vec<HourCount>, StorageError> {
        run!(self, read, activity::since(hour))
    }
}

/// A count as stored.
#[derive(Queryable, Selectable)]
#[diesel(table_name = activity)]
pub(crate) struct ActivityRow {
    hour: Ts,
    kind: String,
    count: i64,
}

impl ActivityRow {
    pub(crate) fn count(self) -> Result<HourCount, Fault> {
        let bad = |_| corrupt("activity", "count", self.hour.0.to_rfc3339());
        Ok(HourCount {
            hour: self.hour.0,
            count: u64::try_from(self.count).map_err(bad)?,
            kind: self.kind,
        })
    }
}

/// A count to be added.
#[derive(Insertable)]
#[diesel(table_name = activity)]
pub(crate) struct NewActivityRow<'a> {
    hour: Ts,
    kind: &'a str,
    count: i64,
}

impl<'a> NewActivityRow<'a> {
    /// The row of a count. `None`: the count is zero and needs no row.
    pub(crate) fn of(counted: &'a HourCount) -> Option<Self> {
        let count = i64::try_from(counted.count).unwrap_or(i64::MAX);
        (count > 0).then_some(Self {
            hour: Ts(counted.hour),
            kind: &counted.kind,
            count,
        })
    }

    pub(crate) const fn key(&self) -> (Ts, &'a str) {
        (self.hour, self.kind)
    }
}
