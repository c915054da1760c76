//! The nodes that serve the database. Every moment is the database's.

use super::Conn;
use crate::{
    dialect::Dialect as _,
    fault::Fault,
    nodes::{LIVES_FOR, LONG_GONE, LivingNode, Node},
    schema::nodes,
    sqlty::{Id, Ts},
};
use auth_domain::time::{Span, after, age};
use diesel::prelude::*;

/// Writes down that a node serves, and takes away those that are long gone.
pub(crate) fn seen(c: &mut Conn, node: &Node) -> Result<(), Fault> {
    let now = c.clock()?;
    diesel::insert_into(nodes::table)
        .values((
            nodes::id.eq(Id(node.id)),
            nodes::version.eq(&node.version),
            nodes::knows.eq(&node.knows),
            nodes::started_at.eq(now),
            nodes::seen_at.eq(now),
        ))
        .on_conflict(nodes::id)
        .do_update()
        .set(nodes::seen_at.eq(now))
        .execute(c)?;
    diesel::delete(nodes::table.filter(nodes::seen_at.lt(ago(now, LONG_GONE)))).execute(c)?;
    Ok(())
}

/// The same at the start of a node, which may find a schema from before there were nodes. True: it is written down.
pub(crate) fn starts(c: &mut Conn, node: &Node) -> Result<bool, Fault> {
    let is_there = c.has_table("nodes")?;
    if is_there {
        seen(c, node)?;
    }
    Ok(is_there)
}

/// A node has ended.
pub(crate) fn gone(c: &mut Conn, node: &Node) -> Result<(), Fault> {
    if c.has_table("nodes")? {
        diesel::delete(nodes::table.find(Id(node.id))).execute(c)?;
    }
    Ok(())
}

/// Those that live, the longest first.
pub(crate) fn living(c: &mut Conn) -> Result<Vec<LivingNode>, Fault> {
    if !c.has_table("nodes")? {
        return Ok(Vec::new());
    }
    let now = c.clock()?;
    let rows: Vec<(Id, String, String, Ts, Ts)> = nodes::table
        .filter(nodes::seen_at.ge(ago(now, LIVES_FOR)))
        .order((nodes::started_at.asc(), nodes::id.asc()))
        .load(c)?;
    let node = |(id, version, knows, started_at, seen_at): (Id, String, String, Ts, Ts)| LivingNode {
        node: Node {
            id: id.0,
            version,
            knows,
        },
        started_at: started_at.0,
        seen_before: age(seen_at.0, now.0),
    };
    Ok(rows.into_iter().map(node).collect())
}

fn ago(now: Ts, span: Span) -> Ts {
    Ts(after(now.0, -span))
}
