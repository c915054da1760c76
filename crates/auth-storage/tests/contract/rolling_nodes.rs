//! Migrations while nodes serve. The rule: nothing that a serving node needs is removed.

use crate::{
    fixture::on_sqlite,
    rolling::{ADD, NARROW, with},
};
use auth_storage::migrations::{Contracts, Migration, Script};

/// An expand with a later stamp than the contract.
const LATER: Migration = Migration {
    name: "2999-01-04-000000_add_moons",
    sqlite: Script {
        up: "CREATE TABLE moons (id INTEGER NOT NULL PRIMARY KEY) STRICT",
        down: "DROP TABLE moons",
    },
    postgres: Script {
        up: "CREATE TABLE moons (id bigint NOT NULL PRIMARY KEY)",
        down: "DROP TABLE moons",
    },
    ..ADD
};

on_both! {
    fn a_contract_is_applied_by_force_whatever_serves(fixture) {
        let _serves = fixture.db.claim_serving().unwrap();
        fixture.db.first_heartbeat(fixture.db.node([1; 16], "1.0.0")).await.unwrap();
        let newer = fixture.knowing(&with(&[NARROW])).await;
        assert_eq!(newer.migrate_up().await.unwrap().held_back.len(), 1);
        let forced = newer.migrate_up_with(Contracts::Force).await.unwrap();
        assert_eq!((forced.applied, forced.held_back), (vec![NARROW.name.to_owned()], vec![]));
    }

    /// A fix for an older release has a migration that is newer than the contract of the next release.
    fn a_migration_of_an_older_branch_hides_no_contract_that_the_branch_does_not_know(fixture) {
        let branch = fixture.knowing(&with(&[LATER])).await;
        let _serves = branch.claim_serving().unwrap();
        branch.first_heartbeat(branch.node([1; 16], "1.0.1")).await.unwrap();
        let newer = fixture.knowing(&with(&[NARROW, LATER])).await;
        let migrated = newer.migrate_up().await.unwrap();
        assert_eq!(migrated.applied, [LATER.name]);
        assert_eq!(migrated.held_back[0].migration, NARROW.name);
    }
}

#[test]
fn on_sqlite_a_contract_waits_for_the_process_that_serves() {
    on_sqlite(async |fixture| {
        let serves = fixture.db.claim_serving().unwrap();
        let newer = fixture.knowing(&with(&[ADD, NARROW])).await;
        let migrated = newer.migrate_up().await.unwrap();
        assert_eq!(migrated.applied, [ADD.name]);
        let held_back = &migrated.held_back[0];
        assert_eq!(
            (held_back.migration.as_str(), held_back.for_nodes.len()),
            (NARROW.name, 0)
        );
        // The serving process itself may apply it.
        let migrated = newer.migrate_up_with(Contracts::Of(serves)).await.unwrap();
        assert_eq!(
            (migrated.applied, migrated.held_back),
            (vec![NARROW.name.to_owned()], vec![])
        );
        assert_eq!(fixture.db.nodes().await.unwrap(), []);
    });
}

#[cfg(feature = "services")]
mod on_a_server {
    use super::{ADD, LATER, NARROW, with};
    use crate::{builders::t0, fixture::on_postgres};
    use auth_domain::time::Span;
    use auth_storage::{MigrateError, sweep};

    #[test]
    fn a_contract_waits_for_older_nodes_by_name_and_for_no_other() {
        on_postgres(async |fixture| {
            let older = fixture.db.node([1; 16], "1.0.0");
            fixture.db.first_heartbeat(older.clone()).await.unwrap();
            let newer = fixture.knowing(&with(&[ADD, NARROW])).await;
            let own = newer.node([2; 16], "2.0.0");
            newer.first_heartbeat(own.clone()).await.unwrap();
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
            fixture.db.remove_node(older).await.unwrap();
            assert_eq!(newer.migrate_up().await.unwrap().applied, [NARROW.name]);
        });
    }

    #[test]
    fn a_killed_node_is_waited_for_for_a_minute_and_forgotten_after_a_day() {
        on_postgres(async |fixture| {
            let older = fixture.db.node([1; 16], "1.0.0");
            fixture.db.first_heartbeat(older.clone()).await.unwrap();
            let newer = fixture.knowing(&with(&[NARROW])).await;
            let last_seen = |ago: &str| {
                fixture.execute(&format!(
                    "UPDATE nodes SET seen_at = clock_timestamp() - interval '{ago}'"
                ));
            };
            last_seen("50 seconds");
            assert_eq!(newer.migrate_up().await.unwrap().held_back.len(), 1);
            // The node is alive after all.
            last_seen("70 seconds");
            fixture.db.heartbeat(older).await.unwrap();
            assert_eq!(newer.migrate_up().await.unwrap().held_back.len(), 1);
            last_seen("70 seconds");
            assert_eq!(newer.migrate_up().await.unwrap().applied, [NARROW.name]);
            let count = "SELECT count(*) AS n FROM nodes";
            newer.heartbeat(newer.node([2; 16], "2.0.0")).await.unwrap();
            assert_eq!(fixture.number(count), 2);
            fixture.execute(
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
            assert_eq!(fixture.number(count), 1);
        });
    }

    /// Older programs wrote only their newest stamp, instead of a list.
    #[test]
    fn the_row_of_an_older_program_is_read_by_its_newest_stamp() {
        on_postgres(async |fixture| {
            let older = fixture.db.node([1; 16], "1.0.0");
            fixture.db.first_heartbeat(older).await.unwrap();
            let newer = fixture.knowing(&with(&[ADD, NARROW, LATER])).await;
            fixture.execute("UPDATE nodes SET knows = '29990101000000'");
            let migrated = newer.migrate_up().await.unwrap();
            assert_eq!(migrated.held_back[0].migration, NARROW.name);
            assert_eq!(
                migrated.held_back[0].for_nodes[0].node.knows.newest(),
                "29990101000000"
            );
            fixture.execute("UPDATE nodes SET knows = '29990102000000'");
            assert_eq!(newer.migrate_up().await.unwrap().applied, [NARROW.name]);
        });
    }

    #[test]
    fn an_expand_is_not_reverted_while_a_node_that_knows_it_lives() {
        on_postgres(async |fixture| {
            let older = fixture.db.node([1; 16], "1.0.0");
            fixture.db.first_heartbeat(older).await.unwrap();
            let newer = fixture.knowing(&with(&[ADD])).await;
            newer.migrate_up().await.unwrap();
            let node = newer.node([2; 16], "2.0.0");
            newer.first_heartbeat(node.clone()).await.unwrap();
            let refused = newer.migrate_down().await.unwrap_err();
            let MigrateError::Needed { migration, nodes } = &refused else {
                panic!("{refused:?}");
            };
            assert_eq!((migration.as_str(), nodes.len()), (ADD.name, 1));
            assert_eq!(nodes[0].node, node);
            assert!(refused.to_string().contains(&node.id.to_string()), "{refused}");
            newer.remove_node(node).await.unwrap();
            // The older node can't need a migration that it does not know.
            assert_eq!(newer.migrate_down().await.unwrap().as_deref(), Some(ADD.name));
        });
    }
}
