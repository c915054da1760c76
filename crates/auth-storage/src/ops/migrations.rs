//! The schema itself: which migrations are applied, the floor, and the steps up and down. The rule: what is applied, and the floor, are
//! written in the transaction of the step.

use super::{Conn, nodes, settings};
use crate::{
    dialect::Dialect as _,
    fault::Fault,
    migrations::{
        Contracts, HeldBack, MigrateError, Migration, Step, error::Stop,
        indexes::are_built_outside_transaction, run::Round, unknown_floor,
    },
};
use auth_domain::foreign_words::known as known_words;
use diesel::{connection::SimpleConnection as _, prelude::*};
use std::collections::BTreeSet;

diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}
use self::__diesel_schema_migrations as recorded;

/// The setting that contains the floor: the stamp that a program must know to serve the schema.
const FLOOR: &str = "schema_floor";

/// The table that Diesel's own command creates: databases of older versions have it.
const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, \
                        run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)";

/// The stamps of the applied migrations, in order.
pub(crate) fn applied(c: &mut Conn) -> Result<Vec<String>, Fault> {
    if !c.has_table("__diesel_schema_migrations")? {
        return Ok(Vec::new());
    }
    let stamps = recorded::table.select(recorded::version).order(recorded::version);
    Ok(stamps.load(c)?)
}

/// The stamp that a program must know to serve the schema, if one was ever written.
fn floor(c: &mut Conn) -> Result<Option<String>, Fault> {
    if !c.has_table("settings")? {
        return Ok(None);
    }
    match settings::value(c, FLOOR)?.map(String::from_utf8).transpose() {
        Ok(floor) => Ok(floor),
        Err(_) => Err(Fault::Corrupt {
            table: "settings",
            column: "value",
            id: FLOOR.to_owned(),
        }),
    }
}

/// The applied migrations, and the floor.
pub(crate) fn state(c: &mut Conn) -> Result<(Vec<String>, Option<String>), Fault> {
    Ok((applied(c)?, floor(c)?))
}

/// Applies the missing migrations, except the contracting ones that have to wait. It runs in a transaction. The migration
/// `outside_transaction` was done before, and is only recorded.
pub(crate) fn up(
    c: &mut Conn,
    known: &[Migration],
    contracts: &Contracts,
    outside_transaction: Option<&Migration>,
) -> Result<Round, Stop> {
    c.batch_execute(CREATE_TABLE)?;
    let (applied, floor) = state(c)?;
    let mut stamps: BTreeSet<String> = applied.into_iter().collect();
    if let Some(unknown) = unknown_floor(known, &unknown_stamps(known, &stamps), floor.as_deref()) {
        return Err(Stop::Error(MigrateError::SchemaNewer(unknown)));
    }
    let (mut round, mut to_do) = (Round::default(), Vec::new());
    for migration in known {
        if stamps.contains(&migration.stamp()) {
            continue;
        }
        if let Some(held_back) = held_back(c, migration, contracts)? {
            round.held_back.push(held_back);
            continue;
        }
        let is_done = outside_transaction.is_some_and(|done| done.name == migration.name);
        if Conn::BUILDS_INDEXES_OUTSIDE_TRANSACTION && are_built_outside_transaction(migration) && !is_done {
            round.outside_transaction = Some(*migration);
            break;
        }
        to_do.push((migration, is_done));
    }
    let scripts = to_do.iter().filter(|(_, is_done)| !is_done);
    let scripts: Vec<&str> = scripts.map(|(one, _)| Conn::script(one).up).collect();
    c.lock_tables_of(&scripts)?;
    for (migration, is_done) in to_do {
        let stamp = migration.stamp();
        if !is_done {
            run(c, migration.name, Conn::script(migration).up)?;
        }
        diesel::insert_into(recorded::table)
            .values(recorded::version.eq(&stamp))
            .execute(c)?;
        round.applied.push(migration.name.to_owned());
        stamps.insert(stamp);
    }
    // A floor of a newer version stays: this version knows it.
    raise_floor(c, known, &stamps, floor)?;
    Ok(round)
}

/// Why a contracting migration has to wait. No node can record a heartbeat until the end of the transaction.
fn held_back(c: &mut Conn, migration: &Migration, contracts: &Contracts) -> Result<Option<HeldBack>, Fault> {
    // In a schema from before the table `nodes`, no node can be seen, and nothing waits.
    if migration.step == Step::Expand || matches!(contracts, Contracts::Force) || !c.has_table("nodes")? {
        return Ok(None);
    }
    let held_back = |for_nodes| {
        Some(HeldBack {
            migration: migration.name.to_owned(),
            for_nodes,
        })
    };
    if !c.block_heartbeats()? {
        return Ok(match contracts {
            Contracts::Wait => held_back(Vec::new()),
            Contracts::Of(_) | Contracts::Force => None,
        });
    }
    let mut older = nodes::live(c)?;
    older.retain(|living| !living.node.knows.includes(&migration.stamp()));
    Ok(if older.is_empty() { None } else { held_back(older) })
}

/// Reverts the newest migration and returns its name. It runs in a transaction.
pub(crate) fn down(c: &mut Conn, known: &[Migration]) -> Result<Round, Stop> {
    let mut stamps: BTreeSet<String> = applied(c)?.into_iter().collect();
    if let Some(unknown) = unknown_stamps(known, &stamps).pop_last() {
        return Err(Stop::Error(MigrateError::SchemaNewer(unknown)));
    }
    let mut round = Round::default();
    let Some(migration) = known.iter().rev().find(|one| stamps.remove(&one.stamp())) else {
        return Ok(round);
    };
    // No node needs that something stays removed. But what an expanding migration added is needed by the nodes that know it.
    if migration.step == Step::Expand && c.has_table("nodes")? && c.block_heartbeats()? {
        let mut nodes = nodes::live(c)?;
        nodes.retain(|living| living.node.knows.includes(&migration.stamp()));
        if !nodes.is_empty() {
            return Err(Stop::Error(MigrateError::Needed {
                migration: migration.name.to_owned(),
                nodes,
            }));
        }
    }
    let script = Conn::script(migration).down;
    c.lock_tables_of(&[script])?;
    run(c, migration.name, script)?;
    diesel::delete(recorded::table.find(migration.stamp())).execute(c)?;
    raise_floor(c, known, &stamps, None)?;
    round.applied.push(migration.name.to_owned());
    Ok(round)
}

/// The estimated number of rows of a table; 0 if it does not exist.
pub(crate) fn rows_of(c: &mut Conn, table: &str) -> Result<u64, Fault> {
    if c.has_table(table)? {
        c.about_how_many(table)
    } else {
        Ok(0)
    }
}

fn unknown_stamps(known: &[Migration], stamps: &BTreeSet<String>) -> BTreeSet<String> {
    let known: BTreeSet<String> = known.iter().map(Migration::stamp).collect();
    stamps.difference(&known).cloned().collect()
}

fn run(c: &mut Conn, name: &str, script: &str) -> Result<(), Stop> {
    c.run_script(script).map_err(|cause| {
        // The database may quote a value of a row, so only known words are kept.
        let message = known_words(&cause.to_string());
        match Stop::from(cause) {
            Stop::Busy => Stop::Busy,
            _ => Stop::failed(format!("the migration {name}"), message),
        }
    })
}

/// Stores the new floor: the newest applied contracting migration, or the previous floor if that is later.
fn raise_floor(
    c: &mut Conn,
    known: &[Migration],
    applied: &BTreeSet<String>,
    floor: Option<String>,
) -> Result<(), Fault> {
    if !c.has_table("settings")? {
        return Ok(());
    }
    let contracted = known
        .iter()
        .filter(|one| one.step == Step::Contract)
        .map(Migration::stamp)
        .filter(|stamp| applied.contains(stamp));
    match contracted.chain(floor).max() {
        Some(floor) => settings::put(c, FLOOR, floor.as_bytes()),
        None => settings::remove(c, FLOOR),
    }
}
