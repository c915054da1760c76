//! `keyward migrate`: moves the schema forward and back, and shows its state.

use crate::{
    cli::{Migrate, Output},
    config::Config,
    output::{CommandError, print, print_json, print_table},
    schema::why_it_waits,
    wiring,
};
use auth_storage::{
    Storage,
    migrations::{Contracts, HeldBack, Status, Step},
};
use serde_json::json;

pub(super) async fn run(config: &Config, verb: Migrate) -> Result<(), CommandError> {
    let storage = wiring::open(config).await.map_err(super::operator::refused)?;
    match verb {
        Migrate::Up { force } => up(&storage, force).await,
        Migrate::Down => down(&storage).await,
        Migrate::Status(output) => status(&storage, output).await,
    }
}

async fn up(storage: &Storage, force: bool) -> Result<(), CommandError> {
    let migrated = if force {
        storage.migrate_up_with(Contracts::Force).await
    } else {
        storage.migrate_up().await
    };
    let migrated = migrated.map_err(CommandError::failed)?;
    for name in &migrated.applied {
        print(format_args!("applied {name}"))?;
    }
    match migrated.held_back.first() {
        Some(held_back) => Err(CommandError::Failed(refusal(held_back))),
        None if migrated.applied.is_empty() => print("nothing to apply: the schema is up to date"),
        None => Ok(()),
    }
}

/// Why a migration waits, and what to do about it.
pub(super) fn refusal(held_back: &HeldBack) -> String {
    let name = &held_back.migration;
    let why = why_it_waits(held_back);
    format!(
        "the migration {name} takes away what older versions need, and {why}. Replace or stop them first; a node that was killed \
         no longer counts after a minute. With --force it is applied anyway: the older nodes then stop"
    )
}

/// The lock excludes servers: a revert while one runs would make every request fail.
async fn down(storage: &Storage) -> Result<(), CommandError> {
    let _no_server = storage.claim_serving().map_err(CommandError::failed)?;
    match storage.migrate_down().await.map_err(CommandError::failed)? {
        Some(name) => print(format_args!("reverted {name}")),
        None => print("nothing to revert: no migration is applied"),
    }
}

async fn status(storage: &Storage, output: Output) -> Result<(), CommandError> {
    let schema = storage.schema().await.map_err(CommandError::failed)?;
    if output.json {
        let rows = schema.migrations.iter().map(|one| {
            json!({
                "name": one.name,
                "applied": one.applied,
                "known": one.is_known(),
                "step": one.step.map(Step::as_str),
                "floor": schema.is_floor(one),
            })
        });
        return print_json(&rows.collect::<Vec<_>>());
    }
    let state = |one: &Status| match (one.applied, one.is_known()) {
        (_, false) if schema.is_floor(one) => "newer than this version, the floor",
        (_, false) => "newer than this version",
        (true, true) if schema.is_floor(one) => "applied, the floor",
        (true, true) => "applied",
        (false, true) => "pending",
    };
    let rows: Vec<_> = schema
        .migrations
        .iter()
        .map(|one| {
            let step = one.step.map_or("", Step::as_str);
            vec![one.name.clone(), step.to_owned(), state(one).to_owned()]
        })
        .collect();
    print_table(&["MIGRATION", "STEP", "STATE"], &rows)
}
