//! Counts, for people who look at the whole. They read every row: whoever asks keeps the answer for a while.

use super::Conn;
use crate::{
    fault::Fault,
    outcomes::UserFigures,
    schema::{sessions, users},
    sqlty::Ts,
};
use auth_domain::time::Timestamp;
use diesel::{dsl::count_star, prelude::*};

/// Users by role and status, and the sessions that live.
pub(crate) fn of_users(c: &mut Conn, now: Timestamp) -> Result<UserFigures, Fault> {
    let by_kind: Vec<(String, String, i64)> = users::table
        .group_by((users::role, users::status))
        .select((users::role, users::status, count_star()))
        .order((users::role.asc(), users::status.asc()))
        .load(c)?;
    let live: i64 = sessions::table
        .filter(sessions::ended_at.is_null())
        .filter(sessions::refresh_expires_at.gt(Ts(now)))
        .count()
        .get_result(c)?;
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    Ok(UserFigures {
        users: by_kind
            .into_iter()
            .map(|(role, status, n)| (role, status, count(n)))
            .collect(),
        live_sessions: count(live),
    })
}
