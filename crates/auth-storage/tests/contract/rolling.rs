//! Versions side by side: what a program may do with a schema that a newer version has changed. The newer versions here are this
//! version's migrations and some more.

use auth_storage::{
    MigrateError, Storage,
    migrations::{Migrated, Migration, Script, Step, embedded},
};

pub(crate) const ADD: Migration = Migration {
    name: "2999-01-01-000000_add_comets",
    step: Step::Expand,
    sqlite: Script {
        up: "CREATE TABLE comets (id INTEGER NOT NULL PRIMARY KEY) STRICT",
        down: "DROP TABLE comets",
    },
    postgres: Script {
        up: "CREATE TABLE comets (id bigint NOT NULL PRIMARY KEY)",
        down: "DROP TABLE comets",
    },
};

pub(crate) const NARROW: Migration = Migration {
    name: "2999-01-02-000000_drop_the_names",
    step: Step::Contract,
    sqlite: Script {
        up: "DROP INDEX users_by_name",
        down: "CREATE INDEX users_by_name ON users (name_key) WHERE name_key IS NOT NULL",
    },
    postgres: Script {
        up: "DROP INDEX users_by_name",
        down: "CREATE INDEX users_by_name ON users (name_key) WHERE name_key IS NOT NULL",
    },
};

pub(crate) fn with(more: &[Migration]) -> Vec<Migration> {
    [embedded(), more].concat()
}

/// The newest migration of this version that contracts.
fn own_floor() -> Option<String> {
    let contracts = embedded().iter().filter(|one| one.step == Step::Contract);
    contracts.map(Migration::stamp).max()
}

async fn floor(db: &Storage) -> Option<String> {
    db.schema().await.unwrap().floor
}

async fn refused_for(db: &Storage) -> Option<String> {
    db.schema().await.unwrap().refused_for().map(str::to_owned)
}

on_both! {
    fn a_program_serves_an_expanded_schema_and_reverts_none_of_it(fixture) {
        let newer = fixture.knowing(&with(&[ADD])).await;
        assert_eq!(newer.migrate_up().await.unwrap().applied, [ADD.name]);
        let schema = fixture.db.schema().await.unwrap();
        assert_eq!((schema.refused_for(), schema.missing().count()), (None, 0));
        assert_eq!(schema.floor, own_floor());
        let strange: Vec<_> = schema.migrations.iter().filter(|one| !one.is_known()).collect();
        assert_eq!((strange.len(), strange[0].name.as_str(), strange[0].applied), (1, "29990101000000", true));
        assert_eq!(fixture.db.migrate_up().await.unwrap(), Migrated::default());
        let down = fixture.db.migrate_down().await;
        assert!(matches!(down, Err(MigrateError::SchemaNewer(name)) if name == "29990101000000"));
        assert_eq!(newer.migrate_down().await.unwrap().as_deref(), Some(ADD.name));
    }

    fn a_contracted_schema_is_refused_by_name_until_the_contract_is_reverted(fixture) {
        let newer = fixture.knowing(&with(&[ADD, NARROW])).await;
        newer.migrate_up().await.unwrap();
        assert_eq!(floor(&newer).await.as_deref(), Some("29990102000000"));
        assert_eq!(refused_for(&newer).await, None);
        assert_eq!(refused_for(&fixture.db).await.as_deref(), Some("29990102000000"));
        let up = fixture.db.migrate_up().await;
        assert!(matches!(up, Err(MigrateError::SchemaNewer(name)) if name == "29990102000000"));
        newer.migrate_down().await.unwrap();
        assert_eq!((floor(&newer).await, refused_for(&fixture.db).await), (own_floor(), None));
    }

    fn a_program_serves_where_a_contract_is_still_to_come(fixture) {
        let newer = fixture.knowing(&with(&[NARROW])).await;
        assert_eq!(newer.schema().await.unwrap().missing().count(), 0);
        let newest = fixture.knowing(&with(&[ADD, NARROW])).await;
        let missing: Vec<String> = newest.schema().await.unwrap().missing().map(|one| one.name.clone()).collect();
        assert_eq!(missing, [ADD.name]);
    }

    /// A run of an older program must not lower the floor that a newer one has raised.
    fn the_floor_of_a_newer_version_stays(fixture) {
        let newest = fixture.knowing(&with(&[ADD, NARROW])).await;
        newest.migrate_up().await.unwrap();
        let newer = fixture.knowing(&with(&[NARROW])).await;
        assert_eq!(newer.migrate_up().await.unwrap(), Migrated::default());
        assert_eq!(floor(&fixture.db).await.as_deref(), Some("29990102000000"));
    }

    fn without_a_floor_a_newer_schema_is_refused(fixture) {
        fixture.execute("DELETE FROM settings WHERE name = 'schema_floor'");
        assert_eq!(refused_for(&fixture.db).await, None);
        fixture.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231235959')");
        assert_eq!(refused_for(&fixture.db).await.as_deref(), Some("99991231235959"));
        for refused in [fixture.db.migrate_up().await.map(drop), fixture.db.migrate_down().await.map(drop)] {
            assert!(matches!(refused, Err(MigrateError::SchemaNewer(name)) if name == "99991231235959"));
        }
    }
}
