//! Stored words (kinds, states, reasons). The rule: every word that this version writes is read back, and one of a newer version stops
//! nothing. No `CHECK` of the schema lists words, because it would refuse those of the next version.

use crate::{
    audit_seals::signer,
    builders::{ALL, anonymous, api_key, at, mailed, new_user, one_time, policy, token},
    fixture::Fixture,
    settled::Settle as _,
};
use auth_domain::{
    audit::{Action, Actor},
    ids::TokenId,
    keys::{Algorithm, KeyStanding, KeyState},
    mail::MailKind,
    one_time::TokenKind,
    revocation::Revoked,
    role::{Permission, Role},
    rotation::Decision,
    session::{EndReason, SessionState},
    time::Span,
    user::{User, UserStatus},
};
use auth_storage::{audit, outbox, sessions, signing_keys, users};
use diesel::{QueryableByName, sql_types::Text};
use std::collections::BTreeSet;
use uuid::Uuid;

#[derive(QueryableByName, Debug)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// A time literal of this database.
fn moment(fixture: &Fixture) -> &'static str {
    if fixture.is_sqlite() { "5" } else { "now()" }
}

async fn mails(fixture: &Fixture, lease: u128) -> Vec<MailKind> {
    let claimed = fixture
        .db
        .claim_mails(Uuid::from_u128(lease), Span::minutes(5), 99)
        .await;
    claimed.unwrap().into_iter().map(|mail| mail.kind).collect()
}

on_both! {
    fn no_check_of_the_schema_lists_words(fixture) {
        let checks = if fixture.is_sqlite() {
            "SELECT name || ' ' || sql AS line FROM sqlite_master WHERE type = 'table'"
        } else {
            "SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) AS line FROM pg_constraint \
             WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
        };
        for Line { line } in fixture.rows::<Line>(checks) {
            for (_, check) in line.match_indices("CHECK").map(|(at, _)| line.split_at(at)) {
                let check = check.lines().next().unwrap();
                let words = check.split('\'').skip(1).step_by(2);
                let mut words = words.filter(|word| word.contains(|c: char| c.is_ascii_lowercase()));
                assert_eq!(words.next(), None, "{line}");
            }
        }
    }

    fn every_status_of_a_user_is_read_back_and_a_newer_one_may_not_sign_in(fixture) {
        let statuses = [UserStatus::Active, UserStatus::Disabled, UserStatus::stored("suspended").unwrap()];
        for (n, status) in statuses.into_iter().enumerate() {
            let new = users::New { status, ..new_user(&format!("u{n}@example.com"), Role::USER) };
            fixture.db.insert_user(new.clone(), None, None, anonymous(at(1))).await.unwrap().settled().await.unwrap();
            let user = fixture.db.user(new.id).await.unwrap().unwrap();
            assert_eq!((user.status, user.status.as_str()), (status, status.as_str()));
        }
        let (user, session) = fixture.signed_in("a@example.com").await;
        fixture.execute(&format!("UPDATE users SET status = 'suspended' WHERE id = '{}'", user.id));
        let rotated = fixture.db.rotate(session.id, token(0), policy(), false, anonymous(at(2))).await.unwrap().settled().await;
        assert!(rotated.is_none_or(|rotated| !matches!(rotated.decision, Decision::Rotate { .. })));
    }

    fn every_reason_for_an_end_is_read_back_and_a_newer_one_ends_a_session_too(fixture) {
        for (n, why) in (0..).zip(EndReason::ALL) {
            let (_, session) = fixture.signed_in(&format!("u{n}@example.com")).await;
            fixture.db.end_session(session.id, None, why, anonymous(at(1))).await.unwrap().settled().await.unwrap();
            assert_eq!(fixture.stored(&session).await.state, SessionState::Ended { at: at(1), why });
        }
        let (user, session) = fixture.signed_in("a@example.com").await;
        fixture.execute(&format!(
            "UPDATE sessions SET ended_at = {}, end_reason = 'factor_lost' WHERE id = '{}'", moment(&fixture), session.id
        ));
        match fixture.stored(&session).await.state {
            SessionState::Ended { why, .. } => assert_eq!(why.as_str(), "factor_lost"),
            SessionState::Active => panic!("it lives"),
        }
        assert_eq!(fixture.db.sessions(user.id, sessions::Filter::Active, at(2), ALL).await.unwrap(), []);
        let rotated = fixture.db.rotate(session.id, token(0), policy(), false, anonymous(at(2))).await.unwrap().settled().await.unwrap();
        assert!(!matches!(rotated.decision, Decision::Rotate { .. }), "{rotated:?}");
    }

    fn every_kind_of_one_time_token_is_read_back(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        for (digest, kind) in (1..).zip(TokenKind::ALL) {
            if kind == TokenKind::Setup {
                continue;
            }
            fixture.db.issue_token(one_time(kind, digest, at(1)), user.id, None).await.unwrap();
            let found = fixture.db.one_time_token(kind, [digest; 32], at(2)).await.unwrap();
            assert_eq!(found.unwrap().user, Some(user.id), "{kind:?}");
        }
        // A token of a newer kind is no token of any known kind.
        fixture.execute("UPDATE one_time_tokens SET kind = 'invitation'");
        for (digest, kind) in (1..).zip(TokenKind::ALL) {
            assert!(fixture.db.one_time_token(kind, [digest; 32], at(2)).await.unwrap().is_none());
        }
    }

    fn every_kind_of_mail_is_read_back_and_a_newer_one_is_left_to_newer_nodes(fixture) {
        for n in 0..=MailKind::ALL.len() {
            fixture.db.ask_for_reset(format!("u{n}@example.com"), anonymous(at(1))).await.unwrap().settled().await;
        }
        let ids = fixture.rows::<Line>("SELECT CAST(id AS TEXT) AS line FROM outbox ORDER BY id");
        let kinds = MailKind::ALL.map(MailKind::as_str).into_iter().chain(["invitation"]);
        for (Line { line: id }, kind) in ids.iter().zip(kinds) {
            fixture.execute(&format!("UPDATE outbox SET kind = '{kind}' WHERE id = '{id}'"));
        }
        let found: BTreeSet<_> = mails(&fixture, 1).await.into_iter().map(MailKind::as_str).collect();
        assert_eq!(found, BTreeSet::from(MailKind::ALL.map(MailKind::as_str)));
        let newer = "SELECT attempts AS n FROM outbox WHERE kind = 'invitation' AND done_at IS NULL AND leased_until IS NULL";
        assert_eq!(fixture.number(&newer.replace("attempts", "CAST(attempts AS BIGINT)")), 0);
        assert!(!fixture.db.mail_waits().await.unwrap(), "nothing here could send it");
        assert_eq!(mails(&fixture, 2).await, []);
        let waiting = MailKind::ALL.len() as u64 + 1;
        assert_eq!(fixture.db.mail_figures().await.unwrap().waiting, waiting);
    }

    fn every_end_of_a_mail_is_counted(fixture) {
        for (n, end) in [outbox::End::Sent, outbox::End::Dropped, outbox::End::Failed("550".into())].into_iter().enumerate() {
            fixture.db.ask_for_reset(format!("u{n}@example.com"), anonymous(at(1))).await.unwrap().settled().await;
            let lease = Uuid::from_u128(7);
            let mail = fixture.db.claim_mails(lease, Span::minutes(5), 9).await.unwrap().remove(0);
            assert!(fixture.db.end_mail(mail.id, lease, end).await.unwrap());
        }
        fixture.execute("UPDATE outbox SET outcome = 'bounced' WHERE outcome = 'dropped'");
        let figures = fixture.db.mail_figures().await.unwrap();
        assert_eq!((figures.waiting, figures.failed), (0, 1));
        assert_eq!(fixture.db.undelivered_mails(None, 9).await.unwrap().len(), 1);
    }

    fn every_action_and_actor_is_listed_sealed_and_read_back_and_so_are_newer_ones(fixture) {
        for action in Action::ALL {
            fixture.db.record_event(*action, None, vec![], anonymous(at(3))).await.unwrap();
        }
        for _ in 0..2 {
            fixture.db.record_event(Action::Exported, None, vec![], anonymous(at(4))).await.unwrap();
        }
        let ids: Vec<_> = fixture.noted().await.iter().map(|event| event.id).rev().collect();
        let user = fixture.user("a@example.com", Role::USER).await;
        fixture.execute(&format!("UPDATE audit_events SET action = 'factor_added' WHERE id = '{}'", ids[0]));
        fixture.execute(&format!("UPDATE audit_events SET actor = 'grant', actor_id = '{}' WHERE id = '{}'", user.id, ids[1]));
        let listed = fixture.db.audit(audit::Filter::default(), ALL).await.unwrap();
        let actions: BTreeSet<_> = listed.iter().map(|event| event.action.as_str()).collect();
        assert!(Action::ALL.iter().all(|action| actions.contains(action.as_str())));
        assert!(actions.contains("factor_added"));
        let newer: Vec<_> = listed.iter().filter(|event| matches!(event.actor, Actor::Newer(..))).collect();
        assert_eq!((newer[0].actor.kind(), newer[0].actor.user()), ("grant", Some(user.id)));
        let sealed = fixture.db.seal_audit(99, at(5), signer()).await.unwrap();
        assert_eq!((sealed.seal.unwrap().count, sealed.refused.len()), (listed.len() as i64, 0));
        let batch = fixture.db.audit_batch_after(0).await.unwrap().unwrap();
        assert_eq!((batch.events.len(), batch.unreadable), (listed.len(), 0));
    }

    fn every_state_of_a_signing_key_is_read_back(fixture) {
        let key = |state: KeyState| signing_keys::Stored {
            standing: KeyStanding { kid: state.as_str().into(), state, published_at: at(0), verifies_until: None },
            algorithm: Algorithm::ES256,
            public_jwk: "{}".into(),
            sealed: vec![1],
        };
        fixture.db.change_keys(vec![], KeyState::ALL.map(key).to_vec(), None).await.unwrap().unwrap();
        let read: BTreeSet<_> = fixture.db.keys().await.unwrap().keys.into_iter().map(|key| key.standing.state).collect();
        assert_eq!(read, BTreeSet::from(KeyState::ALL));
    }

    /// What it revokes is unknown. So everything with its id is refused, and nothing revoked is accepted.
    fn every_kind_of_revocation_is_read_back_and_a_newer_one_affects_everything_with_its_id(fixture) {
        let (user, session) = fixture.signed_in("a@example.com").await;
        let jti = TokenId::from_parts(at(1), [1; 10]);
        fixture.db.revoke_token(jti, anonymous(at(1))).await.unwrap().settled().await;
        fixture.db.end_session(session.id, None, EndReason::Logout, anonymous(at(1))).await.unwrap().settled().await.unwrap();
        fixture.db.end_user_sessions(user.id, EndReason::LogoutAll, anonymous(at(2))).await.unwrap().settled().await.unwrap();
        let read = || async { fixture.db.revocations_since(None).await.unwrap().revocations };
        let what: Vec<_> = read().await.into_iter().map(|(revocation, _)| revocation.what).collect();
        assert!(what.contains(&Revoked::Token(jti)) && what.contains(&Revoked::Session(session.id)), "{what:?}");
        assert!(what.iter().any(|one| matches!(one, Revoked::User(id, _) if *id == user.id)), "{what:?}");
        for (kind, generation) in [("grant", "NULL"), ("factor", "7")] {
            fixture.execute("DELETE FROM revocations");
            let (until, id) = (if fixture.is_sqlite() { "4102444900000000" } else { "'2100-01-02'" }, Uuid::from_u128(9));
            fixture.execute(&format!(
                "INSERT INTO revocations (id, kind, generation, until) VALUES ('{id}', '{kind}', {generation}, {until})"
            ));
            let what: BTreeSet<_> = read().await.into_iter().map(|(one, _)| format!("{:?}", one.what)).collect();
            assert_eq!(what.len(), 3, "{what:?}");
        }
    }

    fn an_event_that_ends_every_link_ends_those_of_a_newer_kind_too(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        let spared = fixture.user("b@example.com", Role::USER).await;
        for (digest, owner) in [(1, &user), (2, &spared)] {
            let token = one_time(TokenKind::Report, digest, at(1));
            assert!(fixture.db.issue_token(token, owner.id, None).await.unwrap());
            fixture.db.mail_reset(owner.id, anonymous(at(1))).await.unwrap().settled().await.unwrap();
        }
        let tables = ["one_time_tokens", "outbox"];
        for table in tables {
            fixture.execute(&format!("UPDATE {table} SET kind = 'invitation'"));
        }
        fixture.db.lock_out(user.id, anonymous(at(5))).await.unwrap().settled().await.unwrap();
        for table in tables {
            let of = |owner: &User| {
                let newer = format!("FROM {table} WHERE kind = 'invitation' AND user_id = '{}'", owner.id);
                fixture.number(&format!("SELECT CAST(count(*) AS BIGINT) AS n {newer}"))
            };
            assert_eq!((of(&user), of(&spared) > 0), (0, true), "{table}");
        }
    }

    fn a_permission_of_a_newer_version_grants_nothing(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        let key = api_key(user.id, 1, at(1));
        fixture.db.insert_api_key(key.clone(), 9, anonymous(at(1))).await.unwrap().settled().await.unwrap();
        let all = Permission::ALL.map(Permission::as_str).join(" ");
        fixture.execute(&format!("UPDATE api_keys SET permissions = '{all} grants:read'"));
        assert_eq!(fixture.db.api_keys(user.id).await.unwrap()[0].permissions, Permission::ALL);
        fixture.execute("UPDATE api_keys SET permissions = 'grants:read'");
        assert_eq!(fixture.db.api_keys(user.id).await.unwrap()[0].permissions, []);
    }

    /// A version that knows neither the words nor the revocation starts on the data of a newer one.
    fn a_revert_replaces_newer_values_by_safe_ones(fixture) {
        let (user, session) = fixture.signed_in("a@example.com").await;
        fixture.db.issue_token(mailed(one_time(TokenKind::Report, 1, at(1))).token, user.id, None).await.unwrap();
        fixture.execute("UPDATE users SET status = 'suspended'");
        fixture.execute(&format!("UPDATE sessions SET ended_at = {}, end_reason = 'factor_lost'", moment(&fixture)));
        fixture.execute("UPDATE one_time_tokens SET kind = 'invitation'");
        let until = if fixture.is_sqlite() { "4102444900000000" } else { "'2100-01-02'" };
        let jti = TokenId::from_parts(at(1), [1; 10]).as_uuid();
        fixture.execute(&format!("INSERT INTO revocations (id, kind, until) VALUES ('{jti}', 'grant', {until})"));
        while !fixture.db.migrate_down().await.unwrap().unwrap().contains("drop_word_checks") {}
        fixture.db.migrate_up().await.unwrap();
        assert_eq!(fixture.db.user(user.id).await.unwrap().unwrap().status, UserStatus::Disabled);
        let state = fixture.stored(&session).await.state;
        assert!(matches!(state, SessionState::Ended { why: EndReason::Revoked, .. }), "{state:?}");
        assert_eq!(fixture.number("SELECT count(*) AS n FROM one_time_tokens"), 0);
        let read = fixture.db.revocations_since(None).await.unwrap().revocations;
        let what: BTreeSet<_> = read.iter().map(|(one, _)| format!("{:?}", one.what)).collect();
        assert_eq!(what.len(), 3, "{what:?}");
    }
}
