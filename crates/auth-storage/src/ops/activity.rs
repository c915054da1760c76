//! How often something happened in an hour. The rule: every node adds its counts, and none overwrites another's.

use super::{Conn, readable_rows, transaction};
use crate::{
    activity::{ActivityRow, HourCount, NewActivityRow},
    fault::Fault,
    prepared::Prepare as _,
    schema::activity,
    sqlty::Ts,
    sweep::{Sweep, before},
};
use auth_domain::time::Timestamp;
use diesel::{prelude::*, upsert::excluded};

/// Adds counts to the stored ones, all or none.
pub(crate) fn add(c: &mut Conn, counts: &[HourCount]) -> Result<(), Fault> {
    use activity as a;
    let mut rows: Vec<NewActivityRow<'_>> = counts.iter().filter_map(NewActivityRow::of).collect();
    // Every node locks the rows in this order, so that no two nodes wait for each other.
    rows.sort_by_key(NewActivityRow::key);
    transaction(c, |c| {
        for row in rows {
            let _added: String = diesel::insert_into(a::table)
                .values(row)
                .on_conflict((a::hour, a::kind))
                .do_update()
                .set(a::count.eq(a::count + excluded(a::count)))
                .returning(a::kind)
                .prepared()
                .get_result(c)?;
        }
        Ok(())
    })
}

/// The counts of this hour and later ones, ordered by hour and kind.
pub(crate) fn since(c: &mut Conn, hour: Timestamp) -> Result<Vec<HourCount>, Fault> {
    use activity as a;
    let rows: Vec<ActivityRow> = a::table
        .filter(a::hour.ge(Ts(hour)))
        .order((a::hour.asc(), a::kind.asc()))
        .select(ActivityRow::as_select())
        .load(c)?;
    readable_rows(rows, ActivityRow::count)
}

/// Removes the counts of hours that are long past.
pub(crate) fn sweep(c: &mut Conn, sweep: &Sweep) -> Result<u64, Fault> {
    use activity as a;
    let long_ago = before(sweep.now, sweep.keep.keep_activity);
    let old: Vec<(Ts, String)> = a::table
        .filter(a::hour.lt(Ts(long_ago)))
        .order((a::hour.asc(), a::kind.asc()))
        .limit(sweep.limit())
        .select((a::hour, a::kind))
        .load(c)?;
    let mut gone = 0;
    for key in old {
        gone += diesel::delete(a::table.find(key)).execute(c)? as u64;
    }
    Ok(gone)
}
