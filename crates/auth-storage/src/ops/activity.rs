//! How often something happened in an hour: added up by every node, read in order, removed when it is old.

use super::{Conn, readable_rows, whole};
use crate::{
    fault::Fault,
    outcomes::HourCount,
    prepared::Prepare as _,
    rows::{ActivityRow, NewActivityRow},
    schema::activity,
    sqlty::Ts,
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
