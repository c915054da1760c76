//! Indexes that are built concurrently. The rule: they are built outside of a transaction, and by one run at a time.

use crate::{
    fixture::{all, on_postgres},
    rolling::{ADD, NARROW, with},
};
use auth_storage::{
    MigrateError,
    migrations::{Migration, Script, Step},
};
use diesel::{PgConnection, connection::SimpleConnection, prelude::*};

/// A concurrent build can't run in a transaction.
const INDEX: Migration = Migration {
    name: "2999-01-01-700000_index_comets",
    step: Step::Expand,
    sqlite: Script {
        up: "CREATE INDEX comets_by_ten ON comets (id / 10)",
        down: "DROP INDEX comets_by_ten",
    },
    postgres: Script {
        up: "-- expand\n-- Others write meanwhile.\nCREATE INDEX CONCURRENTLY comets_by_ten ON comets ((id / 10));",
        down: "DROP INDEX comets_by_ten",
    },
};

const VALID: &str =
    "SELECT count(*) AS n FROM pg_index WHERE indexrelid = to_regclass('comets_by_ten') AND indisvalid";

#[test]
fn an_index_is_built_concurrently_and_an_invalid_one_is_replaced() {
    on_postgres(async |fixture| {
        let some = fixture.knowing(&with(&[ADD])).await;
        some.migrate_up().await.unwrap();
        fixture.execute("INSERT INTO comets VALUES (1), (2)");
        // An interrupted build leaves an invalid index.
        let mut c = PgConnection::establish(&fixture.address()).unwrap();
        c.batch_execute("CREATE UNIQUE INDEX CONCURRENTLY comets_by_ten ON comets ((id / 10))")
            .unwrap_err();
        assert_eq!(fixture.number(VALID), 0);
        let newer = fixture.knowing(&with(&[ADD, INDEX])).await;
        assert_eq!(newer.migrate_up().await.unwrap().applied, [INDEX.name]);
        assert_eq!(fixture.number(VALID), 1);
        // A valid index is kept: the run ended before the migration was recorded.
        fixture.execute("DELETE FROM __diesel_schema_migrations WHERE version = '29990101700000'");
        let oid = "SELECT CAST(to_regclass('comets_by_ten') AS oid)::bigint AS n";
        let before = fixture.number(oid);
        assert_eq!(newer.migrate_up().await.unwrap().applied, [INDEX.name]);
        assert_eq!(fixture.number(oid), before);
    });
}

#[test]
fn several_nodes_may_build_an_index_at_once() {
    on_postgres(async |fixture| {
        let mut nodes = Vec::new();
        for _ in 0..3 {
            let node = fixture.knowing(&with(&[ADD, INDEX, NARROW])).await;
            nodes.push(tokio::spawn(
                async move { node.migrate_up().await.unwrap().applied },
            ));
        }
        let mut applied: Vec<String> = all(nodes).await.concat();
        applied.sort();
        assert_eq!(applied, [ADD.name, INDEX.name, NARROW.name]);
        assert_eq!(fixture.number(VALID), 1);
    });
}

/// Migrations that were applied before the failure must not be reported as rolled back.
#[test]
fn a_run_that_fails_halfway_names_what_it_applied() {
    const FILLED: Migration = Migration {
        postgres: Script {
            up: "CREATE TABLE comets (id bigint NOT NULL PRIMARY KEY); INSERT INTO comets VALUES (1), (2)",
            down: "DROP TABLE comets",
        },
        ..ADD
    };
    const UNIQUE: Migration = Migration {
        postgres: Script {
            up: "CREATE UNIQUE INDEX CONCURRENTLY comets_by_ten ON comets ((id / 10))",
            down: "DROP INDEX comets_by_ten",
        },
        ..INDEX
    };
    on_postgres(async |fixture| {
        let newer = fixture.knowing(&with(&[FILLED, UNIQUE])).await;
        let refused = newer.migrate_up().await.unwrap_err();
        let MigrateError::Partly { applied, cause } = &refused else {
            panic!("{refused:?}");
        };
        assert_eq!(applied, &[FILLED.name]);
        assert!(
            matches!(&**cause, MigrateError::Failed { what, .. } if what.contains(UNIQUE.name)),
            "{cause:?}"
        );
        assert!(refused.to_string().contains(FILLED.name), "{refused}");
        // A run that applied nothing before it failed names nothing.
        let refused = newer.migrate_up().await.unwrap_err();
        assert!(matches!(refused, MigrateError::Failed { .. }), "{refused:?}");
    });
}
