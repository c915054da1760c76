//! `keyward upgrade check`: the next step of an upgrade, what waits meanwhile, and for how long on this data.

use crate::{
    cli::Output,
    config::Config,
    output::{CommandError, print, print_json, print_table},
    wiring,
};
use auth_storage::{
    AlreadyServed, Backend, Storage,
    migrations::{
        Schema, Status, Step,
        effects::{Effect, Waits, Work},
    },
    nodes::LiveNode,
};
use serde_json::{Value, json};

/// A pending migration.
struct Pending {
    name: String,
    step: Step,
    /// Each with the number of rows that it processes.
    effects: Vec<(Effect, u64)>,
    /// The live nodes that don't know the migration and that it would break.
    waits_for: Vec<LiveNode>,
}

pub(super) async fn check(config: &Config, output: Output) -> Result<(), CommandError> {
    let storage = wiring::open(config).await.map_err(super::operator::refused)?;
    let schema = storage.schema().await.map_err(CommandError::failed)?;
    let nodes = storage.nodes().await.map_err(CommandError::failed)?;
    let mut pending = Vec::new();
    for one in schema.migrations.iter().filter(|one| !one.applied) {
        pending.extend(of(&storage, one, &nodes).await?);
    }
    // On SQLite, the server that holds the lock of the file is the node.
    let is_served = matches!(storage.claim_serving(), Err(AlreadyServed::ByAnother(_)));
    let next = next(&storage, &schema, &pending, &nodes, is_served);
    if output.json {
        return print_json(&as_json(&schema, &pending, &nodes, is_served, &next));
    }
    if !nodes.is_empty() {
        let row = |living: &LiveNode| {
            let (node, ago) = (&living.node, living.seen_before.num_seconds());
            vec![
                node.id.to_string(),
                node.version.clone(),
                node.knows.newest().to_owned(),
                format!("{ago} s ago"),
            ]
        };
        print_table(
            &["NODE", "VERSION", "KNOWS", "SEEN"],
            &nodes.iter().map(row).collect::<Vec<_>>(),
        )?;
    }
    let rows: Vec<_> = pending.iter().flat_map(rows).collect();
    if !rows.is_empty() {
        print_table(&["MIGRATION", "STEP", "TABLE", "MEANWHILE", "DURATION"], &rows)?;
    }
    print(format_args!("next: {next}"))
}

async fn of(storage: &Storage, one: &Status, nodes: &[LiveNode]) -> Result<Option<Pending>, CommandError> {
    let Some(migration) = storage.migration(&one.name) else {
        return Ok(None);
    };
    let mut effects: Vec<(Effect, u64)> = Vec::new();
    for effect in migration.effects(storage.backend()) {
        let rows = match effect.work {
            Work::Catalogue => 0,
            Work::Scan | Work::Rewrite => storage
                .about_how_many(effect.table.clone())
                .await
                .map_err(CommandError::failed)?,
        };
        if !effects.contains(&(effect.clone(), rows)) {
            effects.push((effect, rows));
        }
    }
    let stamp = migration.stamp();
    let mut waits_for = nodes.to_vec();
    waits_for.retain(|living| migration.step == Step::Contract && !living.node.knows.includes(&stamp));
    Ok(Some(Pending {
        name: one.name.clone(),
        step: migration.step,
        effects,
        waits_for,
    }))
}

/// The operator's next step.
fn next(
    storage: &Storage,
    schema: &Schema,
    pending: &[Pending],
    nodes: &[LiveNode],
    is_served: bool,
) -> String {
    if let Some(stamp) = schema.refused_for() {
        return format!("run the newer version: the schema needs one that knows the migration {stamp}");
    }
    let count = |step| pending.iter().filter(|one| one.step == step).count();
    let (expand, contract) = (count(Step::Expand), count(Step::Contract));
    let older = nodes
        .iter()
        .filter(|living| !schema.is_known_to(&living.node))
        .count();
    if expand > 0 && storage.backend() == Backend::Sqlite {
        return "`keyward migrate up`, or the next `keyward serve` of this version, which does the same"
            .to_owned();
    }
    if expand > 0 {
        return format!(
            "`keyward migrate up`, while the nodes serve ({expand} to apply); then replace them one by one"
        );
    }
    if contract > 0 && is_served {
        return "stop the server that uses this database; then `keyward migrate up`, or `keyward serve` of this version".to_owned();
    }
    if contract > 0 && pending.iter().any(|one| !one.waits_for.is_empty()) {
        return format!("replace the older nodes ({older} live); then `keyward migrate up`");
    }
    if contract > 0 {
        return format!(
            "`keyward migrate up`: no older node is live ({contract} to apply, and no way back to an older version)"
        );
    }
    if older > 0 {
        return format!("replace the older nodes ({older} live); the schema is up to date");
    }
    "nothing: the schema is up to date".to_owned()
}

/// The duration in seconds; 0 if it is less than one.
fn seconds(effect: &Effect, rows: u64) -> u64 {
    rows.saturating_mul(effect.work.micros_a_row()) / 1_000_000
}

fn duration(seconds: u64) -> String {
    match seconds {
        0 => "a moment".to_owned(),
        1..=119 => format!("{seconds} s"),
        _ => format!("{} min", seconds.div_ceil(60)),
    }
}

fn rows(one: &Pending) -> Vec<Vec<String>> {
    let row = |(effect, rows): &(Effect, u64)| {
        vec![
            one.name.clone(),
            one.step.as_str().to_owned(),
            effect.table.clone(),
            effect.waits.as_str().to_owned(),
            duration(seconds(effect, *rows)),
        ]
    };
    one.effects
        .iter()
        .filter(|(effect, _)| effect.waits > Waits::Nothing || effect.work > Work::Catalogue)
        .map(row)
        .collect()
}

fn as_json(schema: &Schema, pending: &[Pending], nodes: &[LiveNode], is_served: bool, next: &str) -> Value {
    let node = |living: &LiveNode| {
        json!({
            "id": living.node.id.to_string(),
            "version": living.node.version,
            "knows": living.node.knows.newest(),
            "started_at": living.started_at.to_rfc3339(),
            "seen_seconds_ago": living.seen_before.num_seconds(),
        })
    };
    let effect = |(effect, rows): &(Effect, u64)| {
        json!({
            "table": effect.table,
            "meanwhile": effect.waits.as_str(),
            "rows": rows,
            "seconds": seconds(effect, *rows),
        })
    };
    let migration = |one: &Pending| {
        json!({
            "name": one.name,
            "step": one.step.as_str(),
            "effects": one.effects.iter().map(effect).collect::<Vec<_>>(),
            "waits_for": one.waits_for.iter().map(|living| living.node.id.to_string()).collect::<Vec<_>>(),
        })
    };
    json!({
        "floor": schema.floor,
        "served_by_another": is_served,
        "nodes": nodes.iter().map(node).collect::<Vec<_>>(),
        "pending": pending.iter().map(migration).collect::<Vec<_>>(),
        "next": next,
    })
}
