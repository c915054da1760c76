//! The nodes that serve the database. The rule: every time is the database's.

use super::Conn;
use crate::{
    dialect::Dialect as _,
    fault::Fault,
    nodes::{HEARTBEAT_TIMEOUT, KEPT_FOR, Known, LiveNode, Node},
    schema::nodes,
    sqlty::{Id, Ts},
    sweep::Sweep,
};
use auth_domain::time::{Span, after, age};
use diesel::prelude::*;

/// Writes a heartbeat of a node.
pub(crate) fn heartbeat(c: &mut Conn, node: &Node) -> Result<(), Fault> {
    let now = c.clock()?;
    diesel::insert_into(nodes::table)
        .values((
            nodes::id.eq(Id(node.id)),
            nodes::version.eq(&node.version),
            nodes::knows.eq(&node.knows.0),
            nodes::started_at.eq(now),
            nodes::seen_at.eq(now),
        ))
        .on_conflict(nodes::id)
        .do_update()
        .set(nodes::seen_at.eq(now))
        .execute(c)?;
    Ok(())
}

/// Removes nodes that were killed long ago. A node that stops removes its own row.
pub(crate) fn sweep(c: &mut Conn, sweep: &Sweep) -> Result<u64, Fault> {
    let long_ago = ago(c.clock()?, KEPT_FOR);
    let gone: Vec<Id> = nodes::table
        .filter(nodes::seen_at.lt(long_ago))
        .limit(sweep.limit())
        .select(nodes::id)
        .load(c)?;
    Ok(diesel::delete(nodes::table.filter(nodes::id.eq_any(gone))).execute(c)? as u64)
}

/// Writes the first heartbeat of a node. `false`: the schema has no table `nodes` yet.
pub(crate) fn first_heartbeat(c: &mut Conn, node: &Node) -> Result<bool, Fault> {
    let is_there = c.has_table("nodes")?;
    if is_there {
        heartbeat(c, node)?;
    }
    Ok(is_there)
}

/// Removes a node that has stopped.
pub(crate) fn remove(c: &mut Conn, node: &Node) -> Result<(), Fault> {
    if c.has_table("nodes")? {
        diesel::delete(nodes::table.find(Id(node.id))).execute(c)?;
    }
    Ok(())
}

/// The live nodes, the oldest first.
pub(crate) fn live(c: &mut Conn) -> Result<Vec<LiveNode>, Fault> {
    if !c.has_table("nodes")? {
        return Ok(Vec::new());
    }
    let now = c.clock()?;
    let rows: Vec<(Id, String, String, Ts, Ts)> = nodes::table
        .filter(nodes::seen_at.ge(ago(now, HEARTBEAT_TIMEOUT)))
        .order((nodes::started_at.asc(), nodes::id.asc()))
        .load(c)?;
    let node = |(id, version, knows, started_at, seen_at): (Id, String, String, Ts, Ts)| LiveNode {
        node: Node {
            id: id.0,
            version,
            knows: Known::stored(knows),
        },
        started_at: started_at.0,
        seen_before: age(seen_at.0, now.0),
    };
    Ok(rows.into_iter().map(node).collect())
}

fn ago(now: Ts, span: Span) -> Ts {
    Ts(after(now.0, -span))
}
