//! `keyward migrate`: the schema, forward, back, and where it stands.

use crate::{
    cli::{Migrate, Output},
    config::Config,
    output::{CommandError, print, print_json, print_table},
    wiring,
};
use auth_storage::{
    Storage,
    migrations::{Status, Step},
};
use serde_json::json;

pub(super) async fn run(config: &Config, verb: Migrate) -> Result<(), CommandError> {
    let storage = wiring::open(config).await.map_err(super::operator::refused)?;
    match verb {
        Migrate::Up => up(&storage).await,
        Migrate::Down => down(&storage).await,
        Migrate::Status(output) => status(&storage, output).await,
    }
}

async fn up(storage: &Storage) -> Result<(), CommandError> {
    let applied = storage.migrate_up().await.map_err(CommandError::failed)?;
    if applied.is_empty() {
        return print("nothing to apply: the schema is up to date");
    }
    applied
        .iter()
        .try_for_each(|name| print(format_args!("applied {name}")))
}

/// Taking the schema from under a server would make every request fail.
async fn down(storage: &Storage) -> Result<(), CommandError> {
    let _no_server = storage.claim_serving().map_err(CommandError::failed)?;
    match storage.migrate_down().await.map_err(CommandError::failed)? {
        Some(name) => print(format_args!("took back {name}")),
        None => print("nothing to take back: no migration is applied"),
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
