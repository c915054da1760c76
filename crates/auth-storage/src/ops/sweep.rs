//! The tables that are swept. The rule: a noun whose rows expire has a `sweep` among its queries, and one line here.

use super::{Conn, activity, api_keys, nodes, one_time_tokens, outbox, revocations, sessions, signing_keys};
use crate::{fault::Fault, sweep::Sweep};

/// Removes rows of one table, and returns how many.
type Part = fn(&mut Conn, &Sweep) -> Result<u64, Fault>;

/// Each table, and the function that removes its rows.
pub(crate) const PARTS: &[(&str, Part)] = &[
    ("sessions", sessions::sweep),
    ("revocations", revocations::sweep),
    ("one_time_tokens", one_time_tokens::sweep),
    ("signing_keys", signing_keys::sweep),
    ("outbox", outbox::sweep),
    ("api_keys", api_keys::sweep),
    ("activity", activity::sweep),
    ("nodes", nodes::sweep),
];

/// Carries out one part. Returns the table and how many of its rows were removed. `None`: there is no such part, or no row was removed.
pub(crate) fn part(c: &mut Conn, number: usize, sweep: &Sweep) -> Result<Option<(&'static str, u64)>, Fault> {
    let Some((table, sweep_it)) = PARTS.get(number) else {
        return Ok(None);
    };
    let gone = sweep_it(c, sweep)?;
    Ok((gone > 0).then_some((*table, gone)))
}
