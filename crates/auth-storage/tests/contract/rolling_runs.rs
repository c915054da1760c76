//! Migrations while requests use the tables. The rule: a run gives way to requests, and each migration is applied completely or not at
//! all, however the run ends.

use crate::{
    builders::at,
    fixture::Fixture,
    rolling::{ADD, with},
};
use auth_domain::role::Role;
use auth_storage::{
    MigrateError, Storage,
    migrations::{Migration, Script, Step},
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
    fn a_failed_run_leaves_nothing_and_the_next_one_continues(fixture) {
        let failing = fixture.knowing(&with(&[ADD, BROKEN])).await;
        match failing.migrate_up().await {
            Err(MigrateError::Failed { what, .. }) => assert!(what.contains(BROKEN.name), "{what}"),
            other => panic!("{other:?}"),
        }
        assert!(!applied(&failing, ADD.name).await);
        let mended = fixture.knowing(&with(&[ADD])).await;
        assert_eq!(mended.migrate_up().await.unwrap().applied, [ADD.name]);
        fixture.user("a@example.com", Role::USER).await;
    }

}

#[cfg(feature = "services")]
mod on_a_server {
    use super::{ADD, Fixture, Migration, Role, Script, Step, Storage, applied, at, with};
    use crate::{
        builders::{anonymous, policy, token},
        fixture::on_postgres,
        settled::Settle as _,
    };
    use auth_storage::DatabaseConfig;
    use diesel::{PgConnection, connection::SimpleConnection, prelude::*};
    use std::{
        io::{BufRead, BufReader},
        process::{Command, Stdio},
    };

    const RIVAL: &str = "KEYWARD_TEST_MIGRATES";

    /// It locks a table exclusively.
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

    /// It waits for a lock that the test holds, so the test can stop the run after the migration before it.
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

    /// A connection with a lock that keeps a table from being altered.
    fn holding(fixture: &Fixture, table: &str) -> PgConnection {
        let mut c = PgConnection::establish(&fixture.address()).unwrap();
        c.batch_execute(&format!("BEGIN; LOCK TABLE {table} IN ACCESS SHARE MODE"))
            .unwrap();
        c
    }

    fn until_a_run_waits_for(fixture: &Fixture, what: &str) {
        let waits = format!(
            "SELECT count(*) AS n FROM pg_locks WHERE NOT granted AND locktype = '{what}' \
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        );
        while fixture.number(&waits) == 0 {
            std::thread::yield_now();
        }
    }

    /// A request holds a lock on one of two tables and waits for the other, on which the run holds a lock. The run gives way.
    #[test]
    fn a_run_is_never_in_a_deadlock_with_a_request() {
        on_postgres(async |fixture| {
            let mut request = PgConnection::establish(&fixture.address()).unwrap();
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
            let newer = fixture.knowing(&with(&[BOTH])).await;
            let run = tokio::spawn(async move { newer.migrate_up().await.unwrap().applied });
            until_a_run_waits_for(&fixture, "relation");
            request
                .batch_execute("LOCK TABLE users IN ROW EXCLUSIVE MODE; COMMIT")
                .unwrap();
            assert_eq!(run.await.unwrap(), [BOTH.name]);
        });
    }

    /// Requests queue behind a waiting run.
    #[test]
    fn a_run_waits_only_briefly_for_a_table_and_tries_again() {
        on_postgres(async |fixture| {
            let (_, session) = fixture.signed_in("a@example.com").await;
            let mut held = holding(&fixture, "users");
            let newer = fixture.knowing(&with(&[ADD, WIDEN])).await;
            let run = tokio::spawn(async move { newer.migrate_up().await.unwrap().applied });
            until_a_run_waits_for(&fixture, "relation");
            // A request that needs the table is answered, because the run gives way before the request times out.
            let rotated = fixture
                .db
                .rotate(session.id, token(0), policy(), false, anonymous(at(1)))
                .await;
            assert!(rotated.unwrap().settled().await.is_some());
            held.batch_execute("COMMIT").unwrap();
            assert_eq!(run.await.unwrap(), [ADD.name, WIDEN.name]);
        });
    }

    #[test]
    fn a_killed_run_leaves_nothing_and_the_next_one_continues() {
        on_postgres(async |fixture| {
            let mut held = PgConnection::establish(&fixture.address()).unwrap();
            held.batch_execute("SELECT pg_advisory_lock(2999)").unwrap();
            let mut rival = Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "rolling_runs::on_a_server::the_run",
                    "--ignored",
                    "--nocapture",
                ])
                .env(RIVAL, fixture.address())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut said = BufReader::new(rival.stdout.take().unwrap())
                .lines()
                .map(Result::unwrap);
            assert!(said.any(|line| line.ends_with("begins")));
            // It has applied the first migration.
            until_a_run_waits_for(&fixture, "advisory");
            rival.kill().unwrap();
            rival.wait().unwrap();
            drop(held);
            let newer = fixture.knowing(&with(&[ADD, WIDEN, STOPS])).await;
            assert!(!applied(&newer, ADD.name).await && !applied(&newer, WIDEN.name).await);
            let all = [ADD.name, WIDEN.name, STOPS.name];
            assert_eq!(newer.migrate_up().await.unwrap().applied, all);
            fixture.user("a@example.com", Role::USER).await;
        });
    }

    /// The run of the test above.
    #[test]
    #[ignore = "started by another test, which kills it"]
    #[expect(clippy::print_stdout, reason = "the test that kills it waits for the line")]
    fn the_run() {
        let url = std::env::var(RIVAL).unwrap();
        crate::fixture::block_on(async {
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

    /// Dropping a table also locks the tables that it references.
    #[test]
    fn a_reverting_run_locks_its_tables_first_and_tries_again() {
        const REFER: Migration = Migration {
            postgres: Script {
                up: "CREATE TABLE comets (seen_by uuid NOT NULL REFERENCES users(id))",
                down: "DROP TABLE comets",
            },
            ..WIDEN
        };
        on_postgres(async |fixture| {
            let (_, session) = fixture.signed_in("a@example.com").await;
            let newer = fixture.knowing(&with(&[REFER])).await;
            newer.migrate_up().await.unwrap();
            let mut held = holding(&fixture, "users");
            let run = tokio::spawn(async move { newer.migrate_down().await.unwrap() });
            until_a_run_waits_for(&fixture, "relation");
            let rotated = fixture
                .db
                .rotate(session.id, token(0), policy(), false, anonymous(at(1)))
                .await;
            assert!(rotated.unwrap().settled().await.is_some());
            held.batch_execute("COMMIT").unwrap();
            assert_eq!(run.await.unwrap().as_deref(), Some(REFER.name));
        });
    }

    /// The effect that `upgrade check` reports is the lock that PostgreSQL takes.
    #[test]
    fn a_new_table_blocks_writes_to_the_tables_it_references() {
        use auth_storage::{
            Backend,
            migrations::effects::{Effect, Waits, Work},
        };
        const REFER: &str = "CREATE TABLE comets (seen_by uuid NOT NULL REFERENCES users(id))";
        on_postgres(async |fixture| {
            let mut c = PgConnection::establish(&fixture.address()).unwrap();
            c.batch_execute(&format!("BEGIN; {REFER}")).unwrap();
            let taken = "SELECT count(*) AS n FROM pg_locks WHERE relation = 'users'::regclass AND granted \
                         AND mode = 'ShareRowExclusiveLock'";
            assert_eq!(fixture.number(taken), 1);
            let refer = Migration {
                postgres: Script { up: REFER, down: "" },
                ..WIDEN
            };
            let said = Effect {
                table: "users".to_owned(),
                waits: Waits::Writes,
                work: Work::Catalogue,
            };
            assert!(refer.effects(Backend::Postgres).contains(&said));
        });
    }
}
