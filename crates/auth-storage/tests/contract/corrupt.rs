//! Corrupt rows. The rule: a row that fits no state is refused with its table, column and key, and none of its values is shown. A list
//! skips it, and it hides no other row.

use crate::{
    audit_seals::signer,
    builders::{ALL, anonymous, api_key, at, known, one_time, policy, session_of, token},
    fixture::Fixture,
    settled::Settle as _,
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

/// Writes values that the checks of the table would refuse.
fn damage(fixture: &Fixture, table: &str, set: &str) {
    if fixture.is_sqlite() {
        fixture.execute(&format!(
            "PRAGMA ignore_check_constraints = ON; UPDATE {table} SET {set}"
        ));
    } else {
        fixture.execute(&format!(
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
    fn a_corrupt_user_is_named(fixture) {
        let good = "email = 'a@example.com', name = NULL, role = 'user', status = 'active', token_generation = 0, password_hash = NULL";
        let user = fixture.user("a@example.com", Role::USER).await;
        let id = user.id.to_string();
        for (column, value) in [("email", "'not an address'"), ("name", "''"), ("role", "'No Such'"), ("status", "'banned!'"), ("token_generation", "-1")] {
            damage(&fixture, "users", good);
            damage(&fixture, "users", &format!("{column} = {value}"));
            assert_corrupt(fixture.db.user(user.id).await, "users", column, &id);
        }
        damage(&fixture, "users", good);
        damage(&fixture, "users", "password_hash = 'plain text'");
        assert_eq!(fixture.db.user(user.id).await.unwrap().unwrap().id, user.id);
        let read = fixture.db.credentials_of(user.id).await.map(|found| found.is_some());
        assert_corrupt(read, "users", "password_hash", &id);
    }

    fn a_corrupt_session_is_named_and_not_rotated(fixture) {
        let (_, session) = fixture.signed_in("a@example.com").await;
        let id = session.id.to_string();
        let good = "generation = 0, rotation = 0, idempotency_digest = NULL, ended_at = NULL, end_reason = NULL, ip = NULL, \
            authentications = 1, amr = 'pwd'";
        let (moment, short) = if fixture.is_sqlite() { ("5", "x'00'") } else { ("now()", "'\\x00'") };
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
            damage(&fixture, "sessions", good);
            damage(&fixture, "sessions", &set);
            assert_corrupt(fixture.db.session(session.id).await, "sessions", column, &id);
            assert_corrupt(fixture.db.rotate(session.id, token(0), policy(), false, anonymous(at(1))).await, "sessions", column, &id);
        }
    }

    fn corrupt_revocations_keys_and_clients_stop_no_other(fixture) {
        let (user, session) = fixture.signed_in("a@example.com").await;
        let cut = anonymous(at(1));
        fixture.db.end_user_sessions(user.id, auth_domain::session::EndReason::LogoutAll, cut).await.unwrap().settled().await.unwrap();
        let cut = user.id.as_uuid();
        let everything = [
            Revoked::Token(TokenId::from_uuid(cut)),
            Revoked::Session(SessionId::from_uuid(cut)),
            Revoked::User(user.id, Generation::DELETED),
        ];
        // Its target stays revoked, and it does not stop the read of others.
        for kind in ["token", "planet"] {
            damage(&fixture, "revocations", &format!("kind = '{kind}'"));
            let read = fixture.db.revocations_since(None).await.unwrap().revocations;
            let what: Vec<_> = read.iter().map(|(revocation, _)| revocation.what).collect();
            assert_eq!(what, everything);
            let asked = TokenRef {
                token: TokenId::from_parts(at(1), [1; 10]),
                session: session.id,
                user: user.id,
                generation: Generation::FIRST,
            };
            assert_eq!(fixture.db.facts(asked).await.unwrap().least, Some(Generation::DELETED));
        }
        let digest = if fixture.is_sqlite() { "zeroblob(32)" } else { "decode(repeat('00', 32), 'hex')" };
        let moment = if fixture.is_sqlite() { "5" } else { "now()" };
        fixture.execute(&format!("INSERT INTO clients VALUES ('api', {digest}, {moment})"));
        damage(&fixture, "clients", if fixture.is_sqlite() { "secret_digest = x'01'" } else { "secret_digest = '\\x01'" });
        assert_eq!(fixture.db.clients().await.unwrap(), []);
        fixture.execute(&format!("INSERT INTO signing_keys VALUES ('k1', 'next', 'ES256', '{{}}', {digest}, {moment}, NULL)"));
        damage(&fixture, "signing_keys", "state = 'lost'");
        let table = fixture.db.keys().await.unwrap();
        assert_eq!((table.keys.len(), table.set_aside[0].kid.as_str(), table.set_aside[0].column), (0, "k1", "state"));
    }

    fn corrupt_keys_tokens_events_and_seals_are_named(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        let key = api_key(user.id, 1, at(1));
        fixture.db.insert_api_key(key.clone(), 9, anonymous(at(1))).await.unwrap().settled().await.unwrap();
        fixture.db.insert_api_key(api_key(user.id, 2, at(2)), 9, anonymous(at(2))).await.unwrap().settled().await.unwrap();
        for (column, value) in [("permissions", "'Users:destroy'"), ("name", "''")] {
            damage(&fixture, "api_keys", &format!("{column} = {value} WHERE id = '{}'", key.key.id));
            // It hides no other row.
            assert_eq!(fixture.db.api_keys(user.id).await.unwrap().len(), 1, "{column}");
        }
        let token = one_time(TokenKind::Report, 1, at(1));
        fixture.db.issue_token(token.clone(), user.id, None).await.unwrap();
        for (column, good, bad) in [("email", "NULL", "'nobody'"), ("password_hash", "NULL", "'plain'"), ("name", "NULL", "''")] {
            damage(&fixture, "one_time_tokens", &format!("{column} = {bad}"));
            let found = fixture.db.one_time_token(TokenKind::Report, [1; 32], at(2)).await.map(|found| found.is_some());
            assert_corrupt(found, "one_time_tokens", column, &token.id.to_string());
            // A token that can't be read is not used up either.
            assert_corrupt(fixture.db.report([1; 32], anonymous(at(2))).await, "one_time_tokens", column, &token.id.to_string());
            damage(&fixture, "one_time_tokens", &format!("{column} = {good}"));
        }
        fixture.execute("DELETE FROM audit_events");
        fixture.db.record_event(Action::Exported, None, vec![], anonymous(at(3))).await.unwrap();
        let event = fixture.noted().await[0].id.to_string();
        for (column, good, bad) in [("actor", "'anonymous'", "'a ghost'"), ("action", "'exported'", "'danced!'"), ("ip", "NULL", "'here'"), ("details", "'{}'", "'['")] {
            damage(&fixture, "audit_events", &format!("{column} = {bad}"));
            assert_eq!(fixture.db.audit(audit::Filter::default(), ALL).await.unwrap(), [], "{column} of {event}");
            damage(&fixture, "audit_events", &format!("{column} = {good}"));
        }
        assert_eq!(fixture.db.audit(audit::Filter::default(), ALL).await.unwrap().len(), 1);
        fixture.db.seal_audit(9, at(4), signer()).await.unwrap();
        damage(&fixture, "audit_seals", if fixture.is_sqlite() { "mac = x'01'" } else { "mac = '\\x01'" });
        assert_corrupt(fixture.db.newest_seal().await, "audit_seals", "mac", "1");
        fixture.db.add_activity(vec![activity::HourCount { hour: at(0), kind: "refresh".into(), count: 1 }]).await.unwrap();
        damage(&fixture, "activity", "count = -1");
        assert_eq!(fixture.db.activity_since(at(0)).await.unwrap(), []);
    }

    fn a_corrupt_row_hides_no_other_in_a_list(fixture) {
        let mut users = Vec::new();
        for n in 0..5 {
            users.push(fixture.user(&format!("u{n}@example.com"), Role::USER).await.id);
        }
        users.reverse();
        damage(&fixture, "users", &format!("role = 'No Such' WHERE id = '{}'", users[1]));
        // Page after page, each of the requested length.
        let page = |after: Option<UserId>| Pagination { after: after.map(|id| id.as_uuid()), limit: 2 };
        let ids = async |after| -> Vec<UserId> {
            let found = fixture.db.users(users::Filter::default(), page(after)).await.unwrap();
            found.iter().map(|user| user.id).collect()
        };
        assert_eq!(ids(None).await, [users[0], users[2]]);
        assert_eq!(ids(Some(users[2])).await, [users[3], users[4]]);
        let (user, first) = fixture.signed_in("s@example.com").await;
        let second = session_of(user.id, Generation::FIRST, at(2));
        fixture.db.start_session(known(second.clone()), anonymous(at(2))).await.unwrap().settled().await.unwrap();
        damage(&fixture, "sessions", &format!("ip = 'localhost' WHERE id = '{}'", second.id));
        let one = Pagination { after: None, limit: 1 };
        let listed = fixture.db.sessions(user.id, sessions::Filter::All, at(3), one).await.unwrap();
        assert_eq!(listed.iter().map(|session| session.id).collect::<Vec<_>>(), [first.id]);
    }

    fn an_error_about_a_corrupt_row_shows_none_of_its_values(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        damage(&fixture, "users", "role = 'Secret Word'");
        let said = fixture.db.user(user.id).await.unwrap_err().to_string();
        assert_eq!(said, format!("the row {} of users has no valid role", user.id));
    }
}
