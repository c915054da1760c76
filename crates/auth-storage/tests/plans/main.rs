//! No statement of the hot paths scans a table, on either database.
//!
//! The statements are the ones that the store really sends: they are caught on their way while each operation runs once, and
//! explained on a database of 20,000 users. A scan that costs nothing in a test is what a server dies of at ten million.

#[cfg(test)]
#[expect(dead_code, reason = "shared with the contract, which uses all of it")]
#[path = "../contract/people.rs"]
mod people;
#[cfg(test)]
#[expect(dead_code, reason = "shared with the contract, which uses all of it")]
#[path = "../contract/world.rs"]
mod world;

#[cfg(test)]
mod caught;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod hot_paths;

#[cfg(test)]
use crate::{
    explain::{Dialect, scans},
    world::World,
};

#[cfg(test)]
async fn nothing_scans(world: World) {
    let dialect = Dialect::of(&world);
    explain::seed(&world, dialect);
    let statements = caught::during(dialect, hot_paths::run(&world)).await;
    // What each path sends at least; a catch that misses some would prove nothing.
    assert!(
        statements.len() >= 25,
        "only {} statements were caught",
        statements.len()
    );
    for table in explain::LARGE {
        assert!(
            statements.iter().any(|sql| sql.contains(table)),
            "no statement names {table}"
        );
    }
    // SQLite keeps statistics only where somebody has asked for them, and nobody does; PostgreSQL gathers its own within a minute.
    let mut found = match dialect {
        Dialect::Sqlite => scans(&world, dialect, &statements),
        Dialect::Postgres => Vec::new(),
    };
    world.execute("ANALYZE");
    found.extend(scans(&world, dialect, &statements));
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}

/// Without this, the tests above could be blind.
#[cfg(test)]
async fn a_missing_index_is_seen(world: World) {
    let dialect = Dialect::of(&world);
    explain::seed(&world, dialect);
    let mut statements = caught::during(dialect, hot_paths::run(&world)).await;
    // An ON CONFLICT without its unique index is refused, not planned.
    statements.retain(|sql| !sql.starts_with("INSERT"));
    world.execute("ANALYZE");
    for (index, table) in [
        ("users_email_key", "users"),
        ("sessions_of_user", "sessions"),
        ("revocations_recorded", "revocations"),
        ("one_time_tokens_expiry", "one_time_tokens"),
    ] {
        world.execute(&format!("DROP INDEX {index}"));
        let found = scans(&world, dialect, &statements);
        assert!(
            found.iter().any(|scan| scan.contains(table)),
            "{index} is gone and nothing was seen: {found:?}"
        );
    }
}

#[cfg(test)]
mod sqlite {
    #[test]
    fn no_hot_statement_scans_a_table() {
        crate::world::on_sqlite(super::nothing_scans);
    }

    #[test]
    fn a_missing_index_is_seen() {
        crate::world::on_sqlite(super::a_missing_index_is_seen);
    }
}

#[cfg(test)]
#[cfg(feature = "services")]
mod postgres {
    #[test]
    fn no_hot_statement_scans_a_table() {
        crate::world::on_postgres(super::nothing_scans);
    }

    #[test]
    fn a_missing_index_is_seen() {
        crate::world::on_postgres(super::a_missing_index_is_seen);
    }
}
