//! A row that fits no state is refused by table, column and key, and shows none of its values.

use crate::{
    people::{ALL, api_key, at, one_time, policy, terms, token},
    world::World,
};
use auth_domain::{
    audit::{Action, AuditEvent},
    one_time::TokenKind,
    role::Role,
};
use auth_storage::{AuditFilter, HourCount, StorageError};
use std::sync::Arc;

/// Writes what the checks of the table would refuse.
fn damage(world: &World, table: &str, set: &str) {
    if world.is_sqlite() {
        world.execute(&format!(
            "PRAGMA ignore_check_constraints = ON; UPDATE {table} SET {set}"
        ));
    } else {
        world.execute(&format!(
            "DO $$ DECLARE c text; BEGIN FOR c IN SELECT conname FROM pg_constraint WHERE conrelid = '{table}'::regclass \
             AND contype = 'c' LOOP EXECUTE format('ALTER TABLE {table} DROP CONSTRAINT %I', c); END LOOP; END $$; \
             UPDATE {table} SET {set}"
        ));
    }
}

fn assert_corrupt<T: std::fmt::Debug>(result: Result<T, StorageError>, table: &str, column: &str, id: &str) {
    match result {
        Err(StorageError::Corrupt {
            table: t,
            column: c,
            id: i,
        }) => assert_eq!((t, c, i.as_str()), (table, column, id)),
        other => panic!("{table}.{column}: {other:?}"),
    }
}

on_both! {
    fn a_broken_user_is_named(world) {
        let good = "email = 'a@example.com', name = NULL, role = 'user', status = 'active', token_generation = 0, password_hash = NULL";
        let user = world.user("a@example.com", Role::USER).await;
        let id = user.id.to_string();
        for (column, value) in [("email", "'not an address'"), ("name", "''"), ("role", "'No Such'"), ("status", "'banned'"), ("token_generation", "-1")] {
            damage(&world, "users", good);
            damage(&world, "users", &format!("{column} = {value}"));
            assert_corrupt(world.db.user(user.id).await, "users", column, &id);
        }
        damage(&world, "users", good);
        damage(&world, "users", "password_hash = 'plain text'");
        assert_eq!(world.db.user(user.id).await.unwrap().unwrap().id, user.id);
        let read = world.db.credentials_of(user.id).await.map(|found| found.is_some());
        assert_corrupt(read, "users", "password_hash", &id);
    }

    fn a_broken_session_is_named_and_not_rotated(world) {
        let (_, session) = world.signed_in("a@example.com").await;
        let id = session.id.to_string();
        let good = "generation = 0, rotation = 0, idempotency_digest = NULL, ended_at = NULL, end_reason = NULL, ip = NULL";
        let (moment, short) = if world.is_sqlite() { ("5", "x'00'") } else { ("now()", "'\\x00'") };
        for (column, set) in [
            ("generation", "generation = -1".to_owned()),
            ("rotation", "rotation = -1".to_owned()),
            ("rotation", "rotation = 4294967296".to_owned()),
            ("idempotency_digest", format!("idempotency_digest = {short}")),
            ("end_reason", format!("ended_at = {moment}")),
            ("ended_at", "end_reason = 'logout'".to_owned()),
            ("end_reason", format!("ended_at = {moment}, end_reason = 'bored'")),
            ("ip", "ip = 'localhost'".to_owned()),
        ] {
            damage(&world, "sessions", good);
            damage(&world, "sessions", &set);
            assert_corrupt(world.db.session(session.id).await, "sessions", column, &id);
            assert_corrupt(world.db.rotate(session.id, token(0), policy(), false, terms(at(1))).await, "sessions", column, &id);
        }
    }

    fn broken_revocations_keys_and_clients_are_named(world) {
        let (user, _) = world.signed_in("a@example.com").await;
        let cut = terms(at(1));
        world.db.end_user_sessions(user.id, auth_domain::session::EndReason::LogoutAll, cut).await.unwrap();
        damage(&world, "revocations", "kind = 'token'");
        assert_corrupt(world.db.revocations_since(None).await, "revocations", "generation", &user.id.to_string());
        damage(&world, "revocations", "kind = 'planet'");
        assert_corrupt(world.db.revocations_since(None).await, "revocations", "kind", &user.id.to_string());
        let digest = if world.is_sqlite() { "zeroblob(32)" } else { "decode(repeat('00', 32), 'hex')" };
        let moment = if world.is_sqlite() { "5" } else { "now()" };
        world.execute(&format!("INSERT INTO clients VALUES ('api', {digest}, {moment})"));
        damage(&world, "clients", if world.is_sqlite() { "secret_digest = x'01'" } else { "secret_digest = '\\x01'" });
        assert_corrupt(world.db.clients().await, "clients", "secret_digest", "api");
        world.execute(&format!("INSERT INTO signing_keys VALUES ('k1', 'next', 'ES256', '{{}}', {digest}, {moment}, NULL)"));
        damage(&world, "signing_keys", "state = 'lost'");
        assert_corrupt(world.db.keys().await, "signing_keys", "state", "k1");
    }

    fn broken_keys_tokens_events_and_seals_are_named(world) {
        let user = world.user("a@example.com", Role::USER).await;
        let key = api_key(user.id, 1, at(1));
        world.db.insert_api_key(key.clone(), 9, terms(at(1))).await.unwrap();
        for (column, value) in [("permissions", "'users:destroy'"), ("name", "''")] {
            damage(&world, "api_keys", &format!("{column} = {value}"));
            assert_corrupt(world.db.api_keys(user.id).await, "api_keys", column, &key.key.id.to_string());
        }
        let token = one_time(TokenKind::Report, 1, at(1));
        world.db.issue_token(token.clone(), user.id, None).await.unwrap();
        for (column, good, bad) in [("email", "NULL", "'nobody'"), ("password_hash", "NULL", "'plain'"), ("name", "NULL", "''")] {
            damage(&world, "one_time_tokens", &format!("{column} = {bad}"));
            let found = world.db.one_time_token(TokenKind::Report, [1; 32], at(2)).await.map(|found| found.is_some());
            assert_corrupt(found, "one_time_tokens", column, &token.id.to_string());
            // What can't be read is not used up either.
            assert_corrupt(world.db.report([1; 32], terms(at(2))).await, "one_time_tokens", column, &token.id.to_string());
            damage(&world, "one_time_tokens", &format!("{column} = {good}"));
        }
        world.execute("DELETE FROM audit_events");
        world.db.note(Action::Exported, None, vec![], terms(at(3))).await.unwrap();
        let event = world.noted().await[0].id.to_string();
        for (column, good, bad) in [("actor", "'anonymous'", "'ghost'"), ("action", "'exported'", "'danced'"), ("ip", "NULL", "'here'"), ("details", "'{}'", "'['")] {
            damage(&world, "audit_events", &format!("{column} = {bad}"));
            assert_corrupt(world.db.audit(AuditFilter::default(), ALL).await, "audit_events", column, &event);
            damage(&world, "audit_events", &format!("{column} = {good}"));
        }
        world.db.seal_audit(9, at(4), Arc::new(|_: i64, _: &[u8; 32], _: &[AuditEvent]| [7; 32])).await.unwrap();
        damage(&world, "audit_seals", if world.is_sqlite() { "mac = x'01'" } else { "mac = '\\x01'" });
        assert_corrupt(world.db.newest_seal().await, "audit_seals", "mac", "1");
        world.db.add_activity(vec![HourCount { hour: at(0), kind: "refresh".into(), count: 1 }]).await.unwrap();
        damage(&world, "activity", "count = -1");
        assert_corrupt(world.db.activity_since(at(0)).await, "activity", "count", "2100-01-01T00:00:00+00:00");
    }

    fn what_is_said_of_a_broken_row_shows_none_of_its_values(world) {
        let user = world.user("a@example.com", Role::USER).await;
        damage(&world, "users", "role = 'Secret Word'");
        let said = world.db.user(user.id).await.unwrap_err().to_string();
        assert_eq!(said, format!("the row {} of users has no valid role", user.id));
    }
}
