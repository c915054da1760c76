//! Facts about the schema: its indexes, its equality on both databases, its reverts, and that the code knows every column.

use crate::{
    builders::{ALL, address, anonymous, at, new_user, one_time, policy, session_of, t0, token},
    fixture::{Fixture, on_bare_sqlite},
    settled::Settle as _,
};
use auth_domain::{
    one_time::TokenKind,
    role::Role,
    session::{EndReason, SessionState},
    user::Generation,
};
use auth_storage::{QueryRefused, StorageError, migrations::Migrated, sessions};
use diesel::{prelude::*, sql_types::Text};
use std::{collections::BTreeSet, path::Path};

#[derive(QueryableByName, Debug)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn lines(fixture: &Fixture, sql: &str) -> BTreeSet<String> {
    fixture
        .rows::<Line>(sql)
        .into_iter()
        .map(|row| row.line)
        .collect()
}

/// The database's own description of its schema.
fn schema(fixture: &Fixture) -> BTreeSet<String> {
    if fixture.is_sqlite() {
        return lines(
            fixture,
            "SELECT type || ' ' || name || ' ' || coalesce(sql, '') AS line FROM sqlite_master",
        );
    }
    let mut all = lines(
        fixture,
        "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' \
        || coalesce(column_default, '') AS line FROM information_schema.columns WHERE table_schema = 'public'",
    );
    all.extend(lines(
        fixture,
        "SELECT indexdef AS line FROM pg_indexes WHERE schemaname = 'public'",
    ));
    all.extend(lines(
        fixture,
        "SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) AS line FROM pg_constraint \
        WHERE connamespace = 'public'::regnamespace",
    ));
    all
}

async fn migrates_up_and_down_and_up(fixture: Fixture) {
    let none = fixture.db.schema().await.unwrap().migrations;
    assert!(
        !none.is_empty() && none.iter().all(|m| !m.applied && m.is_known()),
        "{none:?}"
    );
    let said = fixture
        .db
        .user(new_user("a@example.com", Role::USER).id)
        .await
        .unwrap_err();
    assert_eq!(said, StorageError::Query(QueryRefused::Schema));
    let names: Vec<String> = none.iter().map(|m| m.name.clone()).collect();
    assert_eq!(fixture.db.migrate_up().await.unwrap().applied, names);
    assert_eq!(fixture.db.migrate_up().await.unwrap(), Migrated::default());
    let all = fixture.db.schema().await.unwrap().migrations;
    assert!(all.iter().all(|m| m.applied && m.is_known()));
    let before = schema(&fixture);
    for name in names.iter().rev() {
        assert_eq!(fixture.db.migrate_down().await.unwrap().as_ref(), Some(name));
    }
    assert_eq!(fixture.db.migrate_down().await.unwrap(), None);
    fixture.db.migrate_up().await.unwrap();
    assert_eq!(schema(&fixture), before);
    fixture.user("a@example.com", Role::USER).await;
}

async fn nodes_migrate_at_the_same_time(fixture: Fixture) {
    let mut nodes = Vec::new();
    for _ in 0..4 {
        let node = fixture.another().await;
        nodes.push(tokio::spawn(async move {
            node.migrate_up().await.unwrap().applied.len()
        }));
    }
    let applied = crate::fixture::all(nodes).await;
    let wanted = fixture.db.schema().await.unwrap().migrations.len();
    assert_eq!(
        (applied.iter().sum::<usize>(), applied.iter().max()),
        (wanted, Some(&wanted)),
        "{applied:?}"
    );
}

#[test]
fn sqlite_migrates_up_and_down_and_up_to_the_same_schema() {
    on_bare_sqlite(migrates_up_and_down_and_up);
}

#[test]
fn several_processes_may_migrate_a_sqlite_file_at_once() {
    on_bare_sqlite(nodes_migrate_at_the_same_time);
}

#[cfg(feature = "services")]
#[test]
fn postgres_migrates_up_and_down_and_up_to_the_same_schema() {
    crate::fixture::on_bare_postgres(migrates_up_and_down_and_up);
}

#[cfg(feature = "services")]
#[test]
fn several_nodes_may_migrate_a_postgres_database_at_once() {
    crate::fixture::on_bare_postgres(nodes_migrate_at_the_same_time);
}

#[test]
fn every_migration_exists_for_both_databases_and_can_be_reverted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let names = |backend: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(folder.join(backend))
            .unwrap()
            .map(Result::unwrap);
        entries
            .map(|entry| entry.file_name().into_string().unwrap())
            .filter(|name| !name.starts_with('.'))
            .collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
    for backend in ["sqlite", "postgres"] {
        for name in names(backend) {
            for way in ["up.sql", "down.sql"] {
                let text = std::fs::read_to_string(folder.join(backend).join(&name).join(way)).unwrap();
                assert!(!text.trim().is_empty(), "{backend}/{name}/{way}");
            }
            let up = std::fs::read_to_string(folder.join(backend).join(&name).join("up.sql")).unwrap();
            let first = up.lines().next().unwrap();
            assert!(
                ["-- expand", "-- contract"].contains(&first),
                "{backend}/{name} begins with {first}"
            );
        }
    }
}

/// The plan of a query.
fn plan(fixture: &Fixture, sql: &str) -> String {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }
    let steps = fixture.rows::<Step>(&format!("EXPLAIN QUERY PLAN {sql}"));
    steps.into_iter().map(|step| step.detail + "\n").collect()
}

#[test]
fn every_hot_query_uses_an_index_on_sqlite() {
    crate::fixture::on_sqlite(async |fixture| {
        for (sql, index) in [
            ("SELECT * FROM users WHERE email_key = ?", "users_email_key"),
            ("SELECT * FROM users WHERE id = ?", "PRIMARY KEY"),
            (
                "SELECT * FROM sessions JOIN users ON sessions.user_id = users.id WHERE sessions.id = ?",
                "PRIMARY KEY",
            ),
            (
                "SELECT * FROM sessions WHERE user_id = ? AND id < ? ORDER BY id DESC LIMIT 20",
                "sessions_of_user",
            ),
            (
                "UPDATE sessions SET rotation = 1 WHERE id = ? AND rotation = ? AND ended_at IS NULL",
                "PRIMARY KEY",
            ),
            (
                "UPDATE sessions SET ended_at = 1 WHERE user_id = ? AND ended_at IS NULL",
                "sessions_open",
            ),
            (
                "SELECT id FROM sessions WHERE ended_at < ? ORDER BY ended_at LIMIT 9",
                "sessions_ended",
            ),
            (
                "SELECT id FROM sessions WHERE id > ? ORDER BY id LIMIT 9",
                "PRIMARY KEY",
            ),
            (
                "SELECT * FROM revocations WHERE recorded_at >= ?",
                "revocations_recorded",
            ),
            ("SELECT * FROM revocations WHERE until > ?", "revocations_until"),
            (
                "SELECT * FROM revocations WHERE id = ? OR id = ? OR id = ?",
                "PRIMARY KEY",
            ),
            (
                "SELECT id FROM revocations WHERE until <= ? ORDER BY until LIMIT 9",
                "revocations_until",
            ),
            (
                "SELECT id FROM users WHERE role IN ('admin') AND status = 'active'",
                "users_by_role",
            ),
            (
                "SELECT id FROM users WHERE role = ? ORDER BY id DESC LIMIT 20",
                "users_by_role",
            ),
            (
                "UPDATE one_time_tokens SET used_at = 1 WHERE digest = ?",
                "one_time_tokens_digest",
            ),
            (
                "SELECT id FROM outbox WHERE done_at IS NULL AND due_at <= ? AND (leased_until IS NULL OR leased_until <= ?) ORDER BY due_at LIMIT 9",
                "outbox_due",
            ),
            (
                "SELECT id FROM outbox WHERE done_at IS NOT NULL AND done_at < ? ORDER BY done_at LIMIT 9",
                "outbox_done",
            ),
            (
                "DELETE FROM outbox WHERE user_id = ? AND done_at IS NULL AND kind IN (?, ?)",
                "outbox_waiting",
            ),
            (
                "SELECT * FROM api_keys JOIN users ON api_keys.user_id = users.id WHERE digest = ?",
                "api_keys_digest",
            ),
            (
                "SELECT * FROM api_keys WHERE user_id = ? ORDER BY id DESC",
                "api_keys_of_user",
            ),
            (
                "SELECT id FROM api_keys WHERE expires_at IS NOT NULL AND expires_at < ? ORDER BY expires_at LIMIT 9",
                "api_keys_expiry",
            ),
            (
                "SELECT * FROM audit_events WHERE subject = ? AND id < ? ORDER BY id DESC LIMIT 20",
                "audit_events_subject",
            ),
            (
                "SELECT * FROM audit_events WHERE actor_id = ? ORDER BY id DESC LIMIT 20",
                "audit_events_actor",
            ),
            (
                "SELECT * FROM audit_events WHERE action = ? AND id >= ? AND at >= ? ORDER BY id DESC LIMIT 20",
                "audit_events_action",
            ),
            (
                "SELECT * FROM audit_events WHERE id >= ? AND at >= ? AND id < ? AND at < ? ORDER BY id DESC LIMIT 20",
                "PRIMARY KEY",
            ),
            ("SELECT * FROM audit_events WHERE batch = ?", "audit_events_batch"),
            (
                "SELECT id FROM audit_events WHERE batch <= ? LIMIT 9",
                "audit_events_batch",
            ),
            (
                "SELECT * FROM activity WHERE hour >= ? ORDER BY hour, kind",
                "PRIMARY KEY",
            ),
            (
                "SELECT id FROM one_time_tokens WHERE expires_at <= ? ORDER BY expires_at LIMIT 9",
                "one_time_tokens_expiry",
            ),
        ] {
            let plan = plan(&fixture, sql);
            assert!(
                plan.contains(index) && !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"),
                "{sql}\n{plan}"
            );
        }
    });
}

on_both! {
    fn the_code_knows_every_table_and_column_and_no_other(fixture) {
        let known: BTreeSet<String> = auth_storage::schema_columns()
            .into_iter()
            .flat_map(|(table, columns)| columns.into_iter().map(move |column| format!("{table}.{column}")))
            .collect();
        let sql = if fixture.is_sqlite() {
            "SELECT t.name || '.' || c.name AS line FROM pragma_table_list t JOIN pragma_table_xinfo(t.name) c \
             WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\'"
        } else {
            "SELECT table_name || '.' || column_name AS line FROM information_schema.columns \
             WHERE table_schema = 'public' AND left(table_name, 2) <> '__'"
        };
        assert_eq!(lines(&fixture, sql), known);
    }

    fn every_foreign_key_has_an_index(fixture) {
        let (keys, indexed) = if fixture.is_sqlite() {
            ("SELECT t.name || '.' || f.\"from\" AS line FROM pragma_table_list t JOIN pragma_foreign_key_list(t.name) f WHERE t.schema = 'main'",
             "SELECT t.name || '.' || c.name AS line FROM pragma_table_list t JOIN pragma_index_list(t.name) i \
              JOIN pragma_index_info(i.name) c WHERE c.seqno = 0 AND t.schema = 'main'")
        } else {
            ("SELECT c.conrelid::regclass || '.' || a.attname AS line FROM pg_constraint c \
              JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] WHERE c.contype = 'f'",
             "SELECT i.indrelid::regclass || '.' || a.attname AS line FROM pg_index i \
              JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]")
        };
        let (keys, indexed) = (lines(&fixture, keys), lines(&fixture, indexed));
        assert!(keys.contains("sessions.user_id") && keys.len() >= 3, "{keys:?}");
        assert!(keys.is_subset(&indexed), "{keys:?} {indexed:?}");
    }

    fn a_revert_keeps_what_the_older_version_knows(fixture) {
        let (user, session) = fixture.signed_in("a@example.com").await;
        fixture.db.lock_out(user.id, anonymous(at(1))).await.unwrap().settled().await.unwrap();
        for (digest, kind) in (1..).zip([TokenKind::PasswordReset, TokenKind::Report]) {
            fixture.db.issue_token(one_time(kind, digest, at(2)), user.id, None).await.unwrap();
        }
        while !fixture.db.migrate_down().await.unwrap().unwrap().contains("create_api_keys_outbox_and_audit") {}
        assert_eq!(fixture.number("SELECT count(*) AS n FROM sessions WHERE end_reason = 'revoked'"), 1);
        assert_eq!(fixture.number("SELECT count(*) AS n FROM one_time_tokens"), 1);
        fixture.db.migrate_up().await.unwrap();
        let ended = SessionState::Ended { at: at(1), why: EndReason::Revoked };
        assert_eq!(fixture.stored(&session).await.state, ended);
        assert!(fixture.db.one_time_token(TokenKind::PasswordReset, [1; 32], at(3)).await.unwrap().is_some());
    }

    /// Every statement of a request works with the plans that the databases have cached.
    fn every_user_operation_works_after_a_revert(fixture) {
        while fixture.db.migrate_down().await.unwrap().is_some() {}
        fixture.db.migrate_up().await.unwrap();
        let new = new_user("a@example.com", Role::USER);
        let session = session_of(new.id, Generation::FIRST, t0());
        fixture.db.insert_user(new.clone(), Some(session.clone()), None, anonymous(t0())).await.unwrap().settled().await.unwrap();
        fixture.db.rotate(session.id, token(0), policy(), false, anonymous(at(1))).await.unwrap().settled().await.unwrap();
        fixture.db.end_session(session.id, None, EndReason::Logout, anonymous(at(2))).await.unwrap().settled().await.unwrap();
        assert!(fixture.db.credentials(&address("a@example.com")).await.unwrap().is_some());
        assert_eq!(fixture.db.sessions(new.id, sessions::Filter::Active, at(3), ALL).await.unwrap(), []);
    }
}

/// The query scans an index, but one that contains only these rows.
#[test]
fn unsealed_events_are_found_without_reading_the_rest_on_sqlite() {
    crate::fixture::on_sqlite(async |fixture| {
        for sql in [
            "SELECT count(*) FROM audit_events WHERE batch IS NULL",
            "SELECT * FROM audit_events WHERE batch IS NULL ORDER BY id LIMIT 9",
        ] {
            let plan = plan(&fixture, sql);
            assert!(
                plan.contains("audit_events_unsealed") && !plan.contains("TEMP B-TREE"),
                "{sql}\n{plan}"
            );
        }
        // A prefix search is a range of each of two indexes; the page is sorted afterwards.
        let found = plan(
            &fixture,
            "SELECT * FROM users WHERE (email_key >= ? AND email_key < ?) OR (name_key IS NOT NULL AND name_key >= ? AND name_key < ?) \
             ORDER BY id DESC LIMIT 20",
        );
        assert!(
            found.contains("users_email_key") && found.contains("users_by_name") && !found.contains("SCAN"),
            "{found}"
        );
    });
}

#[test]
fn every_sqlite_table_is_strict() {
    crate::fixture::on_sqlite(async |fixture| {
        let loose = lines(
            &fixture,
            "SELECT name AS line FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0 \
             AND name NOT LIKE 'sqlite%' AND name <> '__diesel_schema_migrations'",
        );
        assert_eq!(loose, BTreeSet::new());
    });
}
