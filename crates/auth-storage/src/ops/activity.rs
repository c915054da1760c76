//! How often something happened in an hour: added up by every node, read in order, removed when it is old.

use super::{Conn, readable_rows, whole};
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

/// Adds counts to what is there, all or none.
pub(crate) fn add(c: &mut Conn, counts: &[HourCount]) -> Result<(), Fault> {
    use activity as a;
    let mut rows: Vec<NewActivityRow<'_>> = counts.iter().filter_map(NewActivityRow::of).collect();
    // Every node takes the rows in this order: none waits for one that waits for it.
    rows.sort_by_key(NewActivityRow::key);
    whole(c, |c| {
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

/// What was counted from this hour on, by hour and kind.
pub(crate) fn since(c: &mut Conn, hour: Timestamp) -> Result<Vec<HourCount>, Fault> {
    use activity as a;
    let rows: Vec<ActivityRow> = a::table
        .filter(a::hour.ge(Ts(hour)))
        .order((a::hour.asc(), a::kind.asc()))
        .select(ActivityRow::as_select())
        .load(c)?;
    readable_rows(rows, ActivityRow::count)
}

/// Removes counts of hours that are long past.
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
