//! Rows of what was counted.

use super::corrupt;
use crate::{fault::Fault, outcomes::HourCount, schema::activity, sqlty::Ts};
use diesel::prelude::*;

/// A count to be added.
#[derive(Insertable)]
#[diesel(table_name = activity)]
pub(crate) struct NewActivityRow<'a> {
    hour: Ts,
    kind: &'a str,
    count: i64,
}

impl<'a> NewActivityRow<'a> {
    /// `None`: it is nothing, and no row is made of that.
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
