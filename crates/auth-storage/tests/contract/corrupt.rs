//! A row that fits no state is refused by table, column and key, and shows none of its values. In a list it is passed over: it
//! hides no other.

use crate::{
    audit_seals::signer,
    people::{ALL, api_key, at, known, one_time, policy, session_of, terms, token},
    settled::Settle as _,
    world::World,
};
use auth_domain::{
    audit::Action,
    ids::{SessionId, TokenId, UserId},
    one_time::TokenKind,
    revocation::{Revoked, TokenRef},
    role::Role,
    user::Generation,
};
use auth_storage::{Pagination, StorageError, activity, audit, sessions, users};

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
        for (column, value) in [("email", "'not an address'"), ("name", "''"), ("role", "'No Such'"), ("status", "'banned!'"), ("token_generation", "-1")] {
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
        let good = "generation = 0, rotation = 0, idempotency_digest = NULL, ended_at = NULL, end_reason = NULL, ip = NULL, \
            authentications = 1, amr = 'pwd'";
        let (moment, short) = if world.is_sqlite() { ("5", "x'00'") } else { ("now()", "'\\x00'") };
        for (column, set) in [
            ("generation", "generation = -1".to_owned()),
            ("rotation", "rotation = -1".to_owned()),
            ("rotation", "rotation = 4294967296".to_owned()),
            ("idempotency_digest", format!("idempotency_digest = {short}")),
            ("end_reason", format!("ended_at = {moment}")),
            ("ended_at", "end_reason = 'logout'".to_owned()),
            ("end_reason", format!("ended_at = {moment}, end_reason = 'so bored'")),
            ("ip", "ip = 'localhost'".to_owned()),
            ("authentications", "authentications = -1".to_owned()),
            ("authentications", "authentications = 4294967296".to_owned()),
            ("amr", "amr = ''".to_owned()),
        ] {
            damage(&world, "sessions", good);
            damage(&world, "sessions", &set);
            assert_corrupt(world.db.session(session.id).await, "sessions", column, &id);
            assert_corrupt(world.db.rotate(session.id, token(0), policy(), false, terms(at(1))).await, "sessions", column, &id);
        }
    }

    fn broken_revocations_keys_and_clients_stop_no_other(world) {
        let (user, session) = world.signed_in("a@example.com").await;
        let cut = terms(at(1));
        world.db.end_user_sessions(user.id, auth_domain::session::EndReason::LogoutAll, cut).await.unwrap().settled().await.unwrap();
        let cut = user.id.as_uuid();
        let everything = [
            Revoked::Token(TokenId::from_uuid(cut)),
            Revoked::Session(SessionId::from_uuid(cut)),
            Revoked::User(user.id, Generation::DELETED),
        ];
        // What it was for stays revoked, and it stops the read of no other.
        for kind in ["token", "planet"] {
            damage(&world, "revocations", &format!("kind = '{kind}'"));
            let read = world.db.revocations_since(None).await.unwrap().revocations;
            let what: Vec<_> = read.iter().map(|(revocation, _)| revocation.what).collect();
            assert_eq!(what, everything);
            let asked = TokenRef {
                token: TokenId::from_parts(at(1), [1; 10]),
                session: session.id,
                user: user.id,
                generation: Generation::FIRST,
            };
            assert_eq!(world.db.facts(asked).await.unwrap().least, Some(Generation::DELETED));
        }
        let digest = if world.is_sqlite() { "zeroblob(32)" } else { "decode(repeat('00', 32), 'hex')" };
        let moment = if world.is_sqlite() { "5" } else { "now()" };
        world.execute(&format!("INSERT INTO clients VALUES ('api', {digest}, {moment})"));
        damage(&world, "clients", if world.is_sqlite() { "secret_digest = x'01'" } else { "secret_digest = '\\x01'" });
        assert_eq!(world.db.clients().await.unwrap(), []);
        world.execute(&format!("INSERT INTO signing_keys VALUES ('k1', 'next', 'ES256', '{{}}', {digest}, {moment}, NULL)"));
        damage(&world, "signing_keys", "state = 'lost'");
        let table = world.db.keys().await.unwrap();
        assert_eq!((table.keys.len(), table.set_aside[0].kid.as_str(), table.set_aside[0].column), (0, "k1", "state"));
    }

    fn broken_keys_tokens_events_and_seals_are_named(world) {
        let user = world.user("a@example.com", Role::USER).await;
        let key = api_key(user.id, 1, at(1));
        world.db.insert_api_key(key.clone(), 9, terms(at(1))).await.unwrap().settled().await.unwrap();
        world.db.insert_api_key(api_key(user.id, 2, at(2)), 9, terms(at(2))).await.unwrap().settled().await.unwrap();
        for (column, value) in [("permissions", "'Users:destroy'"), ("name", "''")] {
            damage(&world, "api_keys", &format!("{column} = {value} WHERE id = '{}'", key.key.id));
            // It hides no other.
            assert_eq!(world.db.api_keys(user.id).await.unwrap().len(), 1, "{column}");
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
        for (column, good, bad) in [("actor", "'anonymous'", "'a ghost'"), ("action", "'exported'", "'danced!'"), ("ip", "NULL", "'here'"), ("details", "'{}'", "'['")] {
            damage(&world, "audit_events", &format!("{column} = {bad}"));
            assert_eq!(world.db.audit(audit::Filter::default(), ALL).await.unwrap(), [], "{column} of {event}");
            damage(&world, "audit_events", &format!("{column} = {good}"));
        }
        assert_eq!(world.db.audit(audit::Filter::default(), ALL).await.unwrap().len(), 1);
        world.db.seal_audit(9, at(4), signer()).await.unwrap();
        damage(&world, "audit_seals", if world.is_sqlite() { "mac = x'01'" } else { "mac = '\\x01'" });
        assert_corrupt(world.db.newest_seal().await, "audit_seals", "mac", "1");
        world.db.add_activity(vec![activity::HourCount { hour: at(0), kind: "refresh".into(), count: 1 }]).await.unwrap();
        damage(&world, "activity", "count = -1");
        assert_eq!(world.db.activity_since(at(0)).await.unwrap(), []);
    }

    fn a_broken_row_hides_no_other_in_a_list(world) {
        let mut users = Vec::new();
        for n in 0..5 {
            users.push(world.user(&format!("u{n}@example.com"), Role::USER).await.id);
        }
        users.reverse();
        damage(&world, "users", &format!("role = 'No Such' WHERE id = '{}'", users[1]));
        // Pagination after page, each as long as it was asked for.
        let page = |after: Option<UserId>| Pagination { after: after.map(|id| id.as_uuid()), limit: 2 };
        let ids = async |after| -> Vec<UserId> {
            let found = world.db.users(users::Filter::default(), page(after)).await.unwrap();
            found.iter().map(|user| user.id).collect()
        };
        assert_eq!(ids(None).await, [users[0], users[2]]);
        assert_eq!(ids(Some(users[2])).await, [users[3], users[4]]);
        let (user, first) = world.signed_in("s@example.com").await;
        let second = session_of(user.id, Generation::FIRST, at(2));
        world.db.start_session(known(second.clone()), terms(at(2))).await.unwrap().settled().await.unwrap();
        damage(&world, "sessions", &format!("ip = 'localhost' WHERE id = '{}'", second.id));
        let one = Pagination { after: None, limit: 1 };
        let listed = world.db.sessions(user.id, sessions::Filter::All, at(3), one).await.unwrap();
        assert_eq!(listed.iter().map(|session| session.id).collect::<Vec<_>>(), [first.id]);
    }

    fn what_is_said_of_a_broken_row_shows_none_of_its_values(world) {
        let user = world.user("a@example.com", Role::USER).await;
        damage(&world, "users", "role = 'Secret Word'");
        let said = world.db.user(user.id).await.unwrap_err().to_string();
        assert_eq!(said, format!("the row {} of users has no valid role", user.id));
    }
}
