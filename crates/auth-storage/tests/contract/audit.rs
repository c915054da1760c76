//! The audit log. The rule: each change writes its rows in its own transaction, and a change that is rolled back leaves none.

use crate::{
    builders::{
        ALL, Mail, admins, anonymous, api_key, at, by, hash, known, mailed, new_user, one_time, policy,
        session_of, t0, token, unique_bytes,
    },
    fixture::Fixture,
    settled::Settle as _,
};
use auth_domain::{
    audit::{Action, Actor, AuditEvent},
    client::Client,
    ids::{ApiKeyId, AuditEventId, TokenId},
    keys::{KeyState, KeyStep},
    one_time::TokenKind,
    role::Role,
    session::EndReason,
    time::Span,
    user::{Generation, UserStatus},
};
use auth_storage::{
    Pagination, Refused, audit,
    sessions::{self, SignIn},
    setup, users,
};
use std::collections::BTreeSet;

/// The rows since the last call.
#[derive(Default)]
struct Log(BTreeSet<AuditEventId>);

impl Log {
    async fn news(&mut self, fixture: &Fixture) -> Vec<AuditEvent> {
        let mut events = fixture.noted().await;
        events.retain(|event| self.0.insert(event.id));
        events
    }

    /// The only new action, after a check that its rows name the actor, the IP address and the request id.
    async fn one(&mut self, fixture: &Fixture, actor: Actor) -> AuditEvent {
        let news = self.news(fixture).await;
        assert_eq!(news.len(), 1, "{news:#?}");
        let event = news.into_iter().next().unwrap();
        assert_eq!(
            (event.actor, event.ip),
            (actor, "192.0.2.7".parse().ok()),
            "{event:?}"
        );
        assert_eq!(event.request_id.as_deref(), Some("request-7"));
        event
    }
}

fn details(event: &AuditEvent) -> String {
    let words: Vec<String> = event
        .details
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    words.join(" ")
}

on_both! {
    fn session_changes_are_logged_with_actor_address_and_request_id(fixture) {
        let (mut log, no_user) = (Log::default(), Actor::Anonymous);
        let new = new_user("a@example.com", Role::USER);
        let (me, first) = (Actor::User(new.id), session_of(new.id, Generation::FIRST, at(1)));
        fixture.db.insert_user(new.clone(), Some(first.clone()), None, anonymous(at(1))).await.unwrap().settled().await.unwrap();
        let event = log.one(&fixture, me).await;
        assert_eq!((event.action, event.at, event.subject, event.session), (Action::Registered, at(1), Some(new.id), Some(first.id)));
        let second = session_of(new.id, Generation::FIRST, at(2));
        fixture.db.start_session(known(second.clone()), anonymous(at(2))).await.unwrap().settled().await.unwrap();
        let event = log.one(&fixture, me).await;
        assert_eq!((event.action, event.subject, event.session), (Action::SignedIn, Some(new.id), Some(second.id)));
        assert_eq!(details(&event), "known_device=true");
        fixture.db.rotate(second.id, token(0), policy(), false, anonymous(at(3))).await.unwrap().settled().await;
        assert_eq!(log.news(&fixture).await, []);
        fixture.db.rotate(second.id, token(1), policy(), true, anonymous(at(4))).await.unwrap().settled().await;
        let event = log.one(&fixture, me).await;
        assert_eq!((event.action, event.session, details(&event)), (Action::Refreshed, Some(second.id), "number=2".to_owned()));
        fixture.db.end_session(first.id, None, EndReason::EndedByUser, by(me, at(5))).await.unwrap().settled().await.unwrap();
        let event = log.one(&fixture, me).await;
        assert_eq!((event.action, event.session, details(&event)), (Action::SessionEnded, Some(first.id), "reason=ended_by_user".to_owned()));
        // Ending it again adds no row.
        fixture.db.end_session(first.id, None, EndReason::EndedByUser, by(me, at(6))).await.unwrap().settled().await.unwrap();
        assert_eq!(log.news(&fixture).await, []);
        let jti = TokenId::from_parts(t0(), unique_bytes());
        fixture.db.revoke_token(jti, anonymous(at(7))).await.unwrap().settled().await;
        assert_eq!(details(&log.one(&fixture, no_user).await), format!("token={jti}"));
        fixture.db.end_user_sessions(new.id, EndReason::LogoutAll, by(me, at(8))).await.unwrap().settled().await.unwrap();
        let event = log.one(&fixture, me).await;
        assert_eq!((event.action, details(&event)), (Action::AllSessionsEnded, "count=1 reason=logout_all".to_owned()));
    }

    /// On PostgreSQL, no transaction begins within another.
    fn a_reuse_is_reported_once_whether_refreshes_are_logged_or_not(fixture) {
        for (round, noted) in [(0, false), (1, true)] {
            let (user, session) = fixture.signed_in(&format!("u{round}@example.com")).await;
            for (number, seconds) in [(0, 60), (1, 120), (0, 180), (0, 190)] {
                fixture.db.rotate(session.id, token(number), policy(), noted, anonymous(at(seconds))).await.unwrap().settled().await.unwrap();
            }
            let mine = audit::Filter { user: Some(user.id), action: Some(Action::RefreshTokenReused), ..audit::Filter::default() };
            let found = fixture.db.audit(mine, ALL).await.unwrap();
            assert_eq!((found.len(), found[0].session, found[0].actor), (1, Some(session.id), Actor::Anonymous));
            assert_eq!(fixture.kinds(), vec!["refresh_token_reuse"; round + 1]);
        }
    }

    fn user_changes_are_logged_one_row_for_each(fixture) {
        let admin = fixture.user("admin@example.com", Role::ADMIN).await;
        let boss = Actor::ApiKey(ApiKeyId::from_parts(t0(), unique_bytes()), admin.id);
        let mut log = Log::default();
        log.news(&fixture).await;
        let new = new_user("a@example.com", Role::USER);
        let id = new.id;
        fixture.db.insert_user(new, None, None, by(boss, at(1))).await.unwrap().settled().await.unwrap();
        let event = log.one(&fixture, boss).await;
        assert_eq!((event.action, event.subject, details(&event)), (Action::UserCreated, Some(id), "role=user".to_owned()));
        let change = users::Change {
            name: Some(None),
            role: Some(Role::VIEWER),
            status: Some(UserStatus::Disabled),
            email_verified_at: Some(Some(at(2))),
        };
        fixture.db.change_user(id, change.clone(), admins(), by(boss, at(2))).await.unwrap().settled().await.unwrap();
        let news: Vec<_> = log.news(&fixture).await.iter().map(|event| (event.action, details(event))).collect();
        let wanted = [
            (Action::RoleChanged, "from=user to=viewer"),
            (Action::UserDisabled, ""),
            (Action::UserUpdated, "email_verified=true name=changed"),
        ];
        assert_eq!(news, wanted.map(|(action, said)| (action, said.to_owned())));
        fixture.db.change_user(id, change, admins(), by(boss, at(3))).await.unwrap().settled().await.unwrap();
        assert_eq!(log.news(&fixture).await, []);
        let on = users::Change { status: Some(UserStatus::Active), ..users::Change::default() };
        fixture.db.change_user(id, on, admins(), by(boss, at(4))).await.unwrap().settled().await.unwrap();
        assert_eq!(log.one(&fixture, boss).await.action, Action::UserEnabled);
        for (who, action) in [(boss, Action::PasswordSet), (Actor::Operator, Action::PasswordSet), (Actor::User(id), Action::PasswordChanged)] {
            fixture.db.set_password(id, hash(1), None, by(who, at(5))).await.unwrap().settled().await.unwrap();
            assert_eq!(log.one(&fixture, who).await.action, action);
        }
        let key = api_key(id, 1, at(6));
        fixture.db.insert_api_key(key.clone(), 5, by(boss, at(6))).await.unwrap().settled().await.unwrap();
        let event = log.one(&fixture, boss).await;
        assert_eq!((event.action, details(&event)), (Action::ApiKeyCreated, format!("key={} permissions=users:read stats:read", key.key.id)));
        fixture.db.revoke_api_key(id, key.key.id, by(boss, at(7))).await.unwrap().unwrap();
        assert_eq!(log.one(&fixture, boss).await.action, Action::ApiKeyRevoked);
        fixture.db.mail_reset(id, by(boss, at(8))).await.unwrap().settled().await.unwrap();
        assert_eq!(log.one(&fixture, boss).await.action, Action::PasswordResetRequested);
        let moved = mailed(one_time(TokenKind::EmailChange, 1, at(9)));
        fixture.db.ask_for_new_email(id, "b@example.com".parse().unwrap(), moved, by(boss, at(9))).await.unwrap().settled().await.unwrap();
        let event = log.one(&fixture, boss).await;
        assert_eq!((event.action, details(&event)), (Action::EmailChangeRequested, String::new()));
        fixture.db.lock_out(id, by(boss, at(10))).await.unwrap().settled().await.unwrap();
        assert_eq!(log.one(&fixture, boss).await.action, Action::UserLockedOut);
        fixture.db.delete_user(id, admins(), by(boss, at(11))).await.unwrap().settled().await.unwrap();
        let event = log.one(&fixture, boss).await;
        assert_eq!((event.action, event.subject), (Action::UserDeleted, Some(id)));
    }

    fn what_operators_do_is_logged(fixture) {
        let (mut log, operator) = (Log::default(), Actor::Operator);
        let setup = one_time(TokenKind::Setup, 1, at(0));
        fixture.db.issue_setup_token(setup, admins(), false, by(operator, at(0))).await.unwrap();
        assert_eq!(log.one(&fixture, operator).await.action, Action::SetupTokenIssued);
        let admin = new_user("admin@example.com", Role::ADMIN);
        let session = session_of(admin.id, Generation::FIRST, at(1));
        let done = fixture.db.redeem_setup_token([1; 32], admin.clone(), session.clone(), admins(), anonymous(at(1))).await.unwrap();
        assert!(matches!(done, setup::Outcome::Created(_)));
        let event = log.one(&fixture, Actor::User(admin.id)).await;
        assert_eq!((event.action, event.subject, event.session), (Action::SetUp, Some(admin.id), Some(session.id)));
        let people = ["b@example.com", "admin@example.com", "c@example.com"].map(|email| new_user(email, Role::USER));
        fixture.db.import_users(people.to_vec(), by(operator, at(2))).await.unwrap();
        let event = log.one(&fixture, operator).await;
        assert_eq!((event.action, details(&event)), (Action::UsersImported, "count=2".to_owned()));
        fixture.db.import_users(vec![new_user("b@example.com", Role::USER)], by(operator, at(3))).await.unwrap();
        assert_eq!(log.news(&fixture).await, []);
        let client = Client { id: "billing".parse().unwrap(), secret_digest: [3; 32], created_at: t0() };
        for (done, action) in [(true, Action::ClientCreated), (false, Action::ClientCreated)] {
            assert_eq!(fixture.db.insert_client(client.clone(), by(operator, at(4))).await.unwrap(), done);
            let news = log.news(&fixture).await;
            assert_eq!(news.iter().map(|event| event.action).collect::<Vec<_>>(), vec![action; usize::from(done)]);
        }
        assert!(fixture.db.delete_client(&client.id, by(operator, at(5))).await.unwrap());
        assert!(!fixture.db.delete_client(&client.id, by(operator, at(5))).await.unwrap());
        assert_eq!(details(&log.one(&fixture, operator).await), "client=billing");
        assert!(fixture.db.change_keys(vec![], vec![], Some((true, by(operator, at(6))))).await.unwrap().is_ok());
        assert_eq!(details(&log.one(&fixture, operator).await), "compromised=true");
        fixture.db.record_event(Action::LimitRefused, None, vec![("count", "7".to_owned())], by(Actor::Service, at(7))).await.unwrap();
        assert_eq!(details(&log.one(&fixture, Actor::Service).await), "count=7");
    }

    fn the_rows_of_one_change_have_ids_of_their_own_in_the_order_they_were_written(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        for n in 0..4 {
            fixture.sign_in(&user, at(n)).await;
        }
        let mut log = Log::default();
        log.news(&fixture).await;
        let mut sign_in = SignIn { max_per_user: 1, known_device: false, ..known(session_of(user.id, user.generation, at(9))) };
        sign_in.session.origin.user_agent = Some("another".to_owned());
        let mut last_of_the_seed = anonymous(at(9));
        last_of_the_seed.by.seed = [255; 10];
        let (begun, done) = fixture.db.start_session(sign_in, last_of_the_seed).await.unwrap().recorded().await;
        assert!(begun.is_ok() && done.revocations.len() == 4);
        let news = log.news(&fixture).await;
        assert_eq!(news.len(), 5);
        assert_eq!(news.iter().filter(|event| details(event) == "reason=displaced").count(), 4);
        assert!(news.iter().all(|event| event.at == at(9)));
    }

    fn a_change_that_is_rolled_back_leaves_no_row_and_no_mail(fixture) {
        let admin = fixture.user("admin@example.com", Role::ADMIN).await;
        let (before, none) = (fixture.noted().await, Vec::<Mail>::new());
        let demote = users::Change { role: Some(Role::USER), name: Some(None), ..users::Change::default() };
        assert_eq!(fixture.db.change_user(admin.id, demote, admins(), anonymous(at(1))).await.unwrap().settled().await, Err(Refused::LastAdmin));
        assert_eq!(fixture.db.delete_user(admin.id, admins(), anonymous(at(1))).await.unwrap().settled().await, Err(Refused::LastAdmin));
        let verification = mailed(one_time(TokenKind::EmailVerification, 1, at(1)));
        fixture.db.insert_user(new_user("admin@example.com", Role::USER), None, Some(verification), anonymous(at(1))).await.unwrap().settled().await.unwrap_err();
        let late = session_of(admin.id, admin.generation.raised(), at(1));
        let sign_in = SignIn { known_device: false, ..known(late) };
        assert_eq!(fixture.db.start_session(sign_in, anonymous(at(1))).await.unwrap().settled().await, Err(sessions::Outdated));
        let setup = one_time(TokenKind::Setup, 2, at(1));
        fixture.db.issue_setup_token(setup, admins(), true, anonymous(at(1))).await.unwrap();
        fixture.db.insert_api_key(api_key(admin.id, 1, at(1)), 0, anonymous(at(1))).await.unwrap().settled().await.unwrap_err();
        let wrong = KeyStep::Move { kid: "none".into(), from: KeyState::Next, to: KeyState::Active, verifies_until: None };
        assert!(fixture.db.change_keys(vec![wrong], vec![], Some((false, anonymous(at(1))))).await.unwrap().is_err());
        let stranger = new_user("nobody@example.com", Role::USER).id;
        assert_eq!(fixture.db.lock_out(stranger, anonymous(at(1))).await.unwrap().settled().await, Err(Refused::NotFound));
        assert_eq!(fixture.db.mail_reset(stranger, anonymous(at(1))).await.unwrap().settled().await, Err(Refused::NotFound));
        assert_eq!((fixture.noted().await, fixture.mails()), (before, none));
    }

    fn the_log_is_filtered_by_user_action_and_time_and_paged_newest_first(fixture) {
        let (one, two) = (fixture.user("a@example.com", Role::USER).await.id, fixture.user("b@example.com", Role::USER).await.id);
        let mut ids = Vec::new();
        for (n, actor, action, subject) in [
            (1, Actor::User(one), Action::SignInFailed, Some(one)),
            (2, Actor::User(two), Action::Exported, Some(one)),
            (3, Actor::User(one), Action::Exported, Some(two)),
            (4, Actor::Anonymous, Action::LimitRefused, None),
            (5, Actor::ApiKey(ApiKeyId::from_parts(t0(), unique_bytes()), one), Action::SignInFailed, None),
        ] {
            fixture.db.record_event(action, subject, vec![], by(actor, at(n * 10))).await.unwrap();
            ids.push(fixture.noted().await.last().unwrap().id);
        }
        ids.reverse();
        let list = async |filter: audit::Filter, page| {
            let since = Some(filter.since.unwrap_or(at(1)));
            let events = fixture.db.audit(audit::Filter { since, ..filter }, page).await.unwrap();
            events.into_iter().map(|event| event.id).collect::<Vec<_>>()
        };
        let any = audit::Filter::default;
        let of_one = || audit::Filter { user: Some(one), ..any() };
        assert_eq!(list(any(), ALL).await, ids);
        // As subject or as actor, and only once if they are both.
        assert_eq!(list(of_one(), ALL).await, [ids[0], ids[2], ids[3], ids[4]]);
        assert_eq!(list(of_one(), Pagination { after: None, limit: 2 }).await, [ids[0], ids[2]]);
        assert_eq!(list(of_one(), Pagination { after: Some(ids[2].as_uuid()), limit: 2 }).await, [ids[3], ids[4]]);
        assert_eq!(list(audit::Filter { action: Some(Action::Exported), ..of_one() }, ALL).await, [ids[2], ids[3]]);
        // By any actor, and without what the user did to others.
        let about_one = || audit::Filter { subject: Some(one), ..any() };
        assert_eq!(list(about_one(), ALL).await, [ids[3], ids[4]]);
        assert_eq!(list(about_one(), Pagination { after: Some(ids[3].as_uuid()), limit: 2 }).await, [ids[4]]);
        assert_eq!(list(audit::Filter { action: Some(Action::Exported), ..about_one() }, ALL).await, [ids[3]]);
        // Every condition that is set has to match.
        assert_eq!(list(audit::Filter { user: Some(two), ..about_one() }, ALL).await, [ids[3]]);
        assert_eq!(list(audit::Filter { action: Some(Action::SignInFailed), ..any() }, ALL).await, [ids[0], ids[4]]);
        assert_eq!(list(audit::Filter { since: Some(at(20)), until: Some(at(40)), ..any() }, ALL).await, [ids[2], ids[3]]);
        assert_eq!(list(audit::Filter { until: Some(at(30)), ..of_one() }, ALL).await, [ids[3], ids[4]]);
        assert_eq!(list(any(), Pagination { after: Some(ids[1].as_uuid()), limit: 2 }).await, [ids[2], ids[3]]);
    }

    fn times_within_a_millisecond_are_distinguished(fixture) {
        let fine = |micros| at(5) + Span::microseconds(micros);
        for micros in [100, 500, 900] {
            fixture.db.record_event(Action::Exported, None, vec![], anonymous(fine(micros))).await.unwrap();
        }
        let between = audit::Filter { since: Some(fine(500)), until: Some(fine(900)), ..audit::Filter::default() };
        let found = fixture.db.audit(between, ALL).await.unwrap();
        assert_eq!(found.iter().map(|event| event.at).collect::<Vec<_>>(), [fine(500)]);
    }
}
