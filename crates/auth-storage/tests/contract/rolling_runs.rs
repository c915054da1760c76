//! Runs of migrations while nodes serve: what contracts waits for them, and a run is whole or nothing, however it ends.

use crate::{
    people::at,
    rolling::{ADD, NARROW, with},
    world::{World, on_sqlite},
};
use auth_domain::role::Role;
use auth_storage::{
    MigrateError, Storage,
    migrations::{Contracts, Migration, Script, Step},
};

/// A migration whose second statement fails.
const BROKEN: Migration = Migration {
    name: "2999-01-03-000000_fail",
    step: Step::Expand,
    sqlite: Script {
        up: "CREATE TABLE moons (id INTEGER NOT NULL PRIMARY KEY) STRICT; INSERT INTO moons VALUES ('no number')",
        down: "DROP TABLE moons",
    },
    postgres: Script {
        up: "CREATE TABLE moons (id bigint NOT NULL PRIMARY KEY); INSERT INTO moons VALUES ('no number')",
        down: "DROP TABLE moons",
    },
};

async fn applied(db: &Storage, name: &str) -> bool {
    let all = db.schema().await.unwrap().migrations;
    all.iter().any(|one| one.name == name && one.applied)
}

on_both! {
    fn a_run_that_fails_leaves_nothing_and_the_next_one_goes_on(world) {
        let failing = world.knowing(&with(&[ADD, BROKEN])).await;
        match failing.migrate_up().await {
            Err(MigrateError::Failed { what, .. }) => assert!(what.contains(BROKEN.name), "{what}"),
            other => panic!("{other:?}"),
        }
        assert!(!applied(&failing, ADD.name).await);
        let mended = world.knowing(&with(&[ADD])).await;
        assert_eq!(mended.migrate_up().await.unwrap().applied, [ADD.name]);
        world.user("a@example.com", Role::USER).await;
    }

    fn a_contract_is_applied_by_force_whatever_serves(world) {
        let _serves = world.db.claim_serving().unwrap();
        world.db.node_starts(world.db.node([1; 16], "1.0.0")).await.unwrap();
        let newer = world.knowing(&with(&[NARROW])).await;
        assert_eq!(newer.migrate_up().await.unwrap().held_back.len(), 1);
        let forced = newer.migrate_up_with(Contracts::Force).await.unwrap();
        assert_eq!((forced.applied, forced.held_back), (vec![NARROW.name.to_owned()], vec![]));
    }
}

#[test]
fn on_sqlite_a_contract_waits_for_the_process_that_serves() {
    on_sqlite(async |world| {
        let serves = world.db.claim_serving().unwrap();
        let newer = world.knowing(&with(&[ADD, NARROW])).await;
        let migrated = newer.migrate_up().await.unwrap();
        assert_eq!(migrated.applied, [ADD.name]);
        let held_back = &migrated.held_back[0];
        assert_eq!(
            (held_back.migration.as_str(), held_back.for_nodes.len()),
            (NARROW.name, 0)
        );
        // Whoever serves may.
        let migrated = newer.migrate_up_with(Contracts::of(&serves)).await.unwrap();
        assert_eq!(
            (migrated.applied, migrated.held_back),
            (vec![NARROW.name.to_owned()], vec![])
        );
        assert_eq!(world.db.nodes().await.unwrap(), []);
    });
}

#[cfg(feature = "services")]
mod on_a_server {
    use super::{ADD, Migration, NARROW, Role, Script, Step, Storage, World, applied, at, with};
    use crate::{
        people::{policy, t0, terms, token},
        settled::Settle as _,
        world::{all, on_postgres},
    };
    use auth_domain::time::Span;
    use auth_storage::{DatabaseConfig, sweep};
    use diesel::{PgConnection, connection::SimpleConnection, prelude::*};
    use std::{
        io::{BufRead, BufReader},
        process::{Command, Stdio},
    };

    const RIVAL: &str = "KEYWARD_TEST_MIGRATES";

    /// It takes a table for itself.
    const WIDEN: Migration = Migration {
        name: "2999-01-01-500000_widen_users",
        step: Step::Expand,
        sqlite: Script {
            up: "SELECT 1",
            down: "SELECT 1",
        },
        postgres: Script {
            up: "ALTER TABLE users ADD COLUMN comet bigint",
            down: "ALTER TABLE users DROP COLUMN comet",
        },
    };

    /// It can be stopped when the one before it is done.
    const STOPS: Migration = Migration {
        name: "2999-01-01-600000_stop",
        step: Step::Expand,
        sqlite: Script {
            up: "SELECT 1",
            down: "SELECT 1",
        },
        postgres: Script {
            up: "SELECT pg_advisory_xact_lock(2999)",
            down: "SELECT 1",
        },
    };

    /// It can't be done in a transaction.
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
    fn a_contract_waits_for_older_nodes_by_name_and_for_no_other() {
        on_postgres(async |world| {
            let older = world.db.node([1; 16], "1.0.0");
            world.db.node_starts(older.clone()).await.unwrap();
            let newer = world.knowing(&with(&[ADD, NARROW])).await;
            let own = newer.node([2; 16], "2.0.0");
            newer.node_starts(own.clone()).await.unwrap();
            let migrated = newer.migrate_up().await.unwrap();
            assert_eq!(migrated.applied, [ADD.name]);
            let held_back = &migrated.held_back[0];
            assert_eq!(held_back.migration, NARROW.name);
            let named: Vec<_> = held_back
                .for_nodes
                .iter()
                .map(|living| living.node.clone())
                .collect();
            assert_eq!(named, std::slice::from_ref(&older));
            assert_eq!(newer.nodes().await.unwrap().len(), 2);
            world.db.node_gone(older).await.unwrap();
            assert_eq!(newer.migrate_up().await.unwrap().applied, [NARROW.name]);
        });
    }

    #[test]
    fn a_node_that_was_killed_is_waited_for_for_a_minute_and_forgotten_after_a_day() {
        on_postgres(async |world| {
            let older = world.db.node([1; 16], "1.0.0");
            world.db.node_starts(older.clone()).await.unwrap();
            let newer = world.knowing(&with(&[NARROW])).await;
            let last_seen = |ago: &str| {
                world.execute(&format!(
                    "UPDATE nodes SET seen_at = clock_timestamp() - interval '{ago}'"
                ));
            };
            last_seen("50 seconds");
            assert_eq!(newer.migrate_up().await.unwrap().held_back.len(), 1);
            // It lives after all.
            last_seen("70 seconds");
            world.db.node_lives(older).await.unwrap();
            assert_eq!(newer.migrate_up().await.unwrap().held_back.len(), 1);
            last_seen("70 seconds");
            assert_eq!(newer.migrate_up().await.unwrap().applied, [NARROW.name]);
            let count = "SELECT count(*) AS n FROM nodes";
            newer.node_lives(newer.node([2; 16], "2.0.0")).await.unwrap();
            assert_eq!(world.number(count), 2);
            world.execute(
                "UPDATE nodes SET seen_at = clock_timestamp() - interval '25 hours' WHERE version = '1.0.0'",
            );
            let day = Span::days(1);
            let keep = sweep::Retention {
                keep_ended_sessions: day,
                keep_mails: day,
                keep_activity: day,
                limit: 9,
            };
            let swept = newer.sweep(t0(), keep).await.unwrap();
            assert_eq!(swept.tables().collect::<Vec<_>>(), [("nodes", 1)]);
            assert_eq!(world.number(count), 1);
        });
    }

    /// A connection that keeps a table from being changed.
    fn holding(world: &World, table: &str) -> PgConnection {
        let mut c = PgConnection::establish(&world.address()).unwrap();
        c.batch_execute(&format!("BEGIN; LOCK TABLE {table} IN ACCESS SHARE MODE"))
            .unwrap();
        c
    }

    fn until_a_run_waits_for(world: &World, what: &str) {
        let waits = format!(
            "SELECT count(*) AS n FROM pg_locks WHERE NOT granted AND locktype = '{what}' \
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        );
        while world.number(&waits) == 0 {
            std::thread::yield_now();
        }
    }

    /// A request holds one of two tables and waits for the other: the run, which holds that one, gives way, and not the request.
    #[test]
    fn a_run_is_never_in_a_deadlock_with_a_request() {
        on_postgres(async |world| {
            let mut request = PgConnection::establish(&world.address()).unwrap();
            request
                .batch_execute("BEGIN; LOCK TABLE one_time_tokens IN ROW EXCLUSIVE MODE")
                .unwrap();
            const BOTH: Migration = Migration {
                postgres: Script {
                    up: "ALTER TABLE users ADD COLUMN comet bigint; ALTER TABLE one_time_tokens ADD COLUMN comet bigint",
                    down: "SELECT 1",
                },
                ..WIDEN
            };
            let newer = world.knowing(&with(&[BOTH])).await;
            let run = tokio::spawn(async move { newer.migrate_up().await.unwrap().applied });
            until_a_run_waits_for(&world, "relation");
            request
                .batch_execute("LOCK TABLE users IN ROW EXCLUSIVE MODE; COMMIT")
                .unwrap();
            assert_eq!(run.await.unwrap(), [BOTH.name]);
        });
    }

    /// Requests would queue behind it.
    #[test]
    fn a_run_waits_for_a_table_for_a_moment_only_and_tries_again() {
        on_postgres(async |world| {
            let (_, session) = world.signed_in("a@example.com").await;
            let mut held = holding(&world, "users");
            let newer = world.knowing(&with(&[ADD, WIDEN])).await;
            let run = tokio::spawn(async move { newer.migrate_up().await.unwrap().applied });
            until_a_run_waits_for(&world, "relation");
            // A request that needs the table is answered: the run gives way before the request gives up.
            let rotated = world
                .db
                .rotate(session.id, token(0), policy(), false, terms(at(1)))
                .await;
            assert!(rotated.unwrap().settled().await.is_some());
            held.batch_execute("COMMIT").unwrap();
            assert_eq!(run.await.unwrap(), [ADD.name, WIDEN.name]);
        });
    }

    #[test]
    fn a_run_that_is_killed_leaves_nothing_and_the_next_one_goes_on() {
        on_postgres(async |world| {
            let mut held = PgConnection::establish(&world.address()).unwrap();
            held.batch_execute("SELECT pg_advisory_lock(2999)").unwrap();
            let mut rival = Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "rolling_runs::on_a_server::the_run",
                    "--ignored",
                    "--nocapture",
                ])
                .env(RIVAL, world.address())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut said = BufReader::new(rival.stdout.take().unwrap())
                .lines()
                .map(Result::unwrap);
            assert!(said.any(|line| line.ends_with("begins")));
            // It has done the first of them.
            until_a_run_waits_for(&world, "advisory");
            rival.kill().unwrap();
            rival.wait().unwrap();
            drop(held);
            let newer = world.knowing(&with(&[ADD, WIDEN, STOPS])).await;
            assert!(!applied(&newer, ADD.name).await && !applied(&newer, WIDEN.name).await);
            let all = [ADD.name, WIDEN.name, STOPS.name];
            assert_eq!(newer.migrate_up().await.unwrap().applied, all);
            world.user("a@example.com", Role::USER).await;
        });
    }

    /// The run of the test above.
    #[test]
    #[ignore = "started by another test, which kills it"]
    #[expect(clippy::print_stdout, reason = "the test that kills it waits for the line")]
    fn the_run() {
        let url = std::env::var(RIVAL).unwrap();
        crate::world::block_on(async {
            let config = DatabaseConfig {
                url: url.into(),
                ..DatabaseConfig::default()
            };
            let known = with(&[ADD, WIDEN, STOPS]).leak();
            let db = Storage::open_knowing(&config, known).await.unwrap();
            println!("\nbegins");
            db.migrate_up().await.unwrap();
        });
    }

    #[test]
    fn an_index_is_built_beside_and_one_that_was_left_behind_is_replaced() {
        on_postgres(async |world| {
            let some = world.knowing(&with(&[ADD])).await;
            some.migrate_up().await.unwrap();
            world.execute("INSERT INTO comets VALUES (1), (2)");
            // What an end in the midst leaves: an index that is not used.
            let mut c = PgConnection::establish(&world.address()).unwrap();
            c.batch_execute("CREATE UNIQUE INDEX CONCURRENTLY comets_by_ten ON comets ((id / 10))")
                .unwrap_err();
            assert_eq!(world.number(VALID), 0);
            let newer = world.knowing(&with(&[ADD, INDEX])).await;
            assert_eq!(newer.migrate_up().await.unwrap().applied, [INDEX.name]);
            assert_eq!(world.number(VALID), 1);
            // One that is whole is kept: the run ended before it was recorded.
            world.execute("DELETE FROM __diesel_schema_migrations WHERE version = '29990101700000'");
            let oid = "SELECT CAST(to_regclass('comets_by_ten') AS oid)::bigint AS n";
            let before = world.number(oid);
            assert_eq!(newer.migrate_up().await.unwrap().applied, [INDEX.name]);
            assert_eq!(world.number(oid), before);
        });
    }

    #[test]
    fn several_nodes_may_build_an_index_at_once() {
        on_postgres(async |world| {
            let mut nodes = Vec::new();
            for _ in 0..3 {
                let node = world.knowing(&with(&[ADD, INDEX, NARROW])).await;
                nodes.push(tokio::spawn(
                    async move { node.migrate_up().await.unwrap().applied },
                ));
            }
            let mut applied: Vec<String> = all(nodes).await.concat();
            applied.sort();
            assert_eq!(applied, [ADD.name, INDEX.name, NARROW.name]);
            assert_eq!(world.number(VALID), 1);
        });
    }
}
