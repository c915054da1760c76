//! Sessions: started, listed, ended.

use crate::{
    builders::{ALL, address, anonymous, at, hash, known, policy, session_of, t0, token},
    fixture::all,
    settled::Settle as _,
};
use auth_domain::{
    authentication::Assurance,
    revocation::Revoked,
    role::Role,
    session::{EndReason, Session, SessionState},
    time::Span,
    user::{Generation, UserStatus},
};
use auth_storage::{
    Pagination, Refused,
    sessions::{self, SignIn},
    users::{self, HashUpgrade},
};

on_both! {
    fn a_session_is_read_back_as_it_was_written(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        let session = session_of(user.id, user.generation, at(5));
        let (started, done) = fixture.db.start_session(known(session.clone()), anonymous(at(5))).await.unwrap().recorded().await;
        let (user, displaced) = (started.unwrap(), done.revocations);
        assert_eq!((displaced, user.last_login_at), (vec![], Some(at(5))));
        assert_eq!(fixture.db.session(session.id).await.unwrap(), Some((session, user)));
    }

    fn the_authentication_of_a_session_is_kept_over_refreshes_with_values_of_newer_versions(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        let session = Session {
            assurance: Assurance { authenticated_at: at(7), amr: "mfa otp pwd word_of_a_newer_version".parse().unwrap() },
            authentications: 3,
            ..session_of(user.id, user.generation, at(5))
        };
        fixture.db.start_session(known(session.clone()), anonymous(at(5))).await.unwrap().settled().await.unwrap();
        fixture.db.rotate(session.id, token(0), policy(), false, anonymous(at(9))).await.unwrap().settled().await.unwrap();
        let stored = fixture.stored(&session).await;
        assert_eq!((stored.assurance, stored.authentications), (session.assurance, 3));
    }

    /// An older version does not write the columns that it does not know.
    fn a_session_that_an_older_version_started_counts_as_one_password_authentication(fixture) {
        let (user, session) = fixture.signed_in("a@example.com").await;
        let known = "user_id, generation, created_at, rotation, rotated_at, refresh_expires_at, access_until";
        fixture.execute(&format!(
            "INSERT INTO sessions (id, {known}) SELECT '00000000-0000-7000-8000-000000000001', {known} FROM sessions"
        ));
        let all = fixture.db.sessions(user.id, sessions::Filter::All, at(1), ALL).await.unwrap();
        let older = all.iter().find(|other| other.id != session.id).unwrap();
        assert_eq!(older.assurance, Assurance::by_password(older.created_at));
        assert_eq!(older.authentications, 1);
        assert!(fixture.db.rotate(older.id, token(0), policy(), false, anonymous(at(1))).await.unwrap().settled().await.is_some());
    }

    fn a_sign_in_that_verified_an_older_password_starts_no_session(fixture) {
        let (user, first) = fixture.signed_in("a@example.com").await;
        fixture.db.end_user_sessions(user.id, EndReason::LogoutAll, anonymous(at(1))).await.unwrap().settled().await.unwrap();
        let late = session_of(user.id, user.generation, at(2));
        let upgrade = HashUpgrade { from: hash(0), to: hash(1) };
        let outcome = fixture.db.start_session(SignIn { upgrade: Some(upgrade), ..known(late.clone()) }, anonymous(at(2))).await.unwrap().settled().await;
        assert_eq!(outcome, Err(sessions::Outdated));
        assert_eq!(fixture.db.session(late.id).await.unwrap(), None);
        let stored = fixture.db.credentials_of(user.id).await.unwrap().unwrap();
        assert_eq!(stored.password_hash.unwrap().expose(), hash(0).expose());
        assert_eq!(stored.user.last_login_at, Some(first.created_at));
        // The new generation works within the same millisecond.
        fixture.sign_in(&stored.user, at(1)).await;
    }

    fn a_disabled_or_deleted_user_starts_no_session(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        let off = users::Change { status: Some(UserStatus::Disabled), ..users::Change::default() };
        fixture.db.change_user(user.id, off, vec![], anonymous(at(1))).await.unwrap().settled().await.unwrap();
        let raised = session_of(user.id, user.generation.raised(), at(2));
        assert_eq!(fixture.db.start_session(known(raised), anonymous(at(2))).await.unwrap().settled().await, Err(sessions::Outdated));
        fixture.db.delete_user(user.id, vec![], anonymous(at(3))).await.unwrap().settled().await.unwrap();
        let gone = session_of(user.id, Generation::DELETED, at(4));
        assert_eq!(fixture.db.start_session(known(gone), anonymous(at(4))).await.unwrap().settled().await, Err(sessions::Outdated));
    }

    fn a_sign_in_rewrites_the_hash_that_it_verified_and_no_other(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        for (from, to, stored) in [(0, 1, 1), (0, 2, 1)] {
            let session = session_of(user.id, user.generation, at(i64::from(to)));
            let upgrade = HashUpgrade { from: hash(from), to: hash(to) };
            let outcome = fixture.db.start_session(SignIn { upgrade: Some(upgrade), ..known(session) }, anonymous(at(1))).await.unwrap().settled().await;
            assert!(outcome.is_ok());
            let now = fixture.db.credentials(&address("a@example.com")).await.unwrap().unwrap();
            assert_eq!(now.password_hash.unwrap().expose(), hash(stored).expose());
        }
    }

    fn the_oldest_sessions_end_when_there_are_too_many(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        let mut begun = Vec::new();
        for n in 0..4 {
            begun.push(fixture.sign_in(&user, at(n)).await);
        }
        fixture.db.end_session(begun[1].id, None, EndReason::Logout, anonymous(at(5))).await.unwrap().settled().await.unwrap();
        let newest = session_of(user.id, user.generation, at(6));
        let (started, done) = fixture.db.start_session(SignIn { max_per_user: 2, ..known(newest.clone()) }, anonymous(at(6))).await.unwrap().recorded().await;
        let displaced = started.map(|_| done.revocations).unwrap();
        let hit: Vec<_> = displaced.iter().map(|r| r.what).collect();
        assert_eq!(hit, [Revoked::Session(begun[2].id), Revoked::Session(begun[0].id)]);
        assert!(displaced.iter().all(|r| r.until > at(3600) && r.until <= at(3700)));
        let recorded = fixture.db.revocations_since(None).await.unwrap().revocations;
        assert!(displaced.iter().all(|r| recorded.iter().any(|(known, _)| known == r)));
        let live = fixture.db.sessions(user.id, sessions::Filter::Active, at(6), ALL).await.unwrap();
        assert_eq!(live.iter().map(|s| s.id).collect::<Vec<_>>(), [newest.id, begun[3].id]);
        let state = fixture.stored(&begun[0]).await.state;
        assert_eq!(state, SessionState::Ended { at: at(6), why: EndReason::Displaced });
        // A session from a node whose clock is behind counts as the newest as well.
        let behind = session_of(user.id, user.generation, at(-100));
        fixture.db.start_session(SignIn { max_per_user: 1, ..known(behind.clone()) }, anonymous(at(7))).await.unwrap().settled().await.unwrap();
        let live = fixture.db.sessions(user.id, sessions::Filter::Active, at(7), ALL).await.unwrap();
        assert_eq!(live.iter().map(|s| s.id).collect::<Vec<_>>(), [behind.id]);
    }

    fn expired_sessions_end_before_active_ones_when_there_are_too_many(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        let mut past = Vec::new();
        for n in 0..5 {
            let mut short = session_of(user.id, user.generation, at(n));
            short.rotation.refresh_expires_at = at(50);
            fixture.db.start_session(known(short.clone()), anonymous(at(n))).await.unwrap().settled().await.unwrap();
            past.push(short);
        }
        let live = fixture.sign_in(&user, at(60)).await;
        let newest = session_of(user.id, user.generation, at(61));
        let (started, done) = fixture.db.start_session(SignIn { max_per_user: 4, ..known(newest.clone()) }, anonymous(at(61))).await.unwrap().recorded().await;
        let displaced = started.map(|_| done.revocations).unwrap();
        assert_eq!(displaced, vec![], "nothing that still held ended");
        assert_eq!(fixture.stored(&live).await.state, SessionState::Active);
        let open = fixture.number("SELECT count(*) AS n FROM sessions WHERE ended_at IS NULL");
        assert_eq!(open, 4, "they don't gather, however short a session lives");
        for (session, ended) in past.iter().zip([true, true, true, false, false]) {
            let state = fixture.stored(session).await.state;
            assert_eq!(matches!(state, SessionState::Ended { .. }), ended, "{state:?}");
        }
    }

    fn a_user_with_a_long_history_is_deleted_with_all_of_it(fixture) {
        let (user, first) = fixture.signed_in("a@example.com").await;
        let (numbers, id) = if fixture.is_sqlite() {
            ("WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 4321)",
             "printf('00000000-0000-7000-8001-%012x', n)")
        } else {
            ("WITH numbers AS (SELECT generate_series(1, 4321) AS n)",
             "('00000000-0000-7000-8001-' || lpad(to_hex(n), 12, '0'))::uuid")
        };
        fixture.execute(&format!(
            "INSERT INTO sessions (id, user_id, generation, created_at, rotation, rotated_at, refresh_expires_at, access_until, ended_at, end_reason)
             {numbers} SELECT {id}, user_id, generation, created_at, 0, rotated_at, refresh_expires_at, access_until, created_at, 'logout'
             FROM numbers, sessions WHERE sessions.id = '{}'", first.id));
        let outcome = fixture.db.delete_user(user.id, vec![], anonymous(at(1))).await.unwrap().settled().await;
        assert_eq!(outcome.unwrap().sessions_ended, 1);
        assert_eq!(fixture.number("SELECT count(*) AS n FROM sessions"), 0);
        assert_eq!(fixture.db.user(user.id).await.unwrap(), None);
    }

    fn a_refused_deletion_removes_no_history(fixture) {
        let admin = fixture.user("a@example.com", Role::ADMIN).await;
        for n in 0..3 {
            let session = fixture.sign_in(&admin, at(n)).await;
            fixture.db.end_session(session.id, None, EndReason::Logout, anonymous(at(n))).await.unwrap().settled().await.unwrap();
        }
        let outcome = fixture.db.delete_user(admin.id, vec![Role::ADMIN], anonymous(at(9))).await.unwrap().settled().await;
        assert_eq!(outcome, Err(Refused::LastAdmin));
        assert_eq!(fixture.number("SELECT count(*) AS n FROM sessions"), 3);
    }

    fn sessions_are_listed_by_state_and_page_newest_first(fixture) {
        let (user, first) = fixture.signed_in("a@example.com").await;
        let mut ids = vec![first.id];
        for n in 1..5 {
            ids.push(fixture.sign_in(&user, at(n)).await.id);
        }
        fixture.db.end_session(ids[2], Some(user.id), EndReason::EndedByUser, anonymous(at(9))).await.unwrap().settled().await.unwrap();
        ids.reverse();
        let list = async |filter, now, page| {
            let sessions = fixture.db.sessions(user.id, filter, now, page).await.unwrap();
            sessions.into_iter().map(|s| s.id).collect::<Vec<_>>()
        };
        assert_eq!(list(sessions::Filter::All, at(10), ALL).await, ids);
        assert_eq!(list(sessions::Filter::Active, at(10), ALL).await, [ids[0], ids[1], ids[3], ids[4]]);
        assert_eq!(list(sessions::Filter::Ended, at(10), ALL).await, [ids[2]]);
        let second = Pagination { after: Some(ids[1].as_uuid()), limit: 2 };
        assert_eq!(list(sessions::Filter::Active, at(10), second).await, [ids[3], ids[4]]);
        let after_a_month = at(0) + Span::days(30) + Span::seconds(3);
        assert_eq!(list(sessions::Filter::Active, after_a_month, ALL).await, [ids[0]]);
        fixture.execute(&format!("UPDATE users SET token_generation = 5 WHERE id = '{}'", user.id));
        assert_eq!(list(sessions::Filter::Active, at(10), ALL).await, []);
        assert_eq!(list(sessions::Filter::Ended, at(10), ALL).await, ids);
    }

    fn another_users_session_is_not_found(fixture) {
        let (_, session) = fixture.signed_in("a@example.com").await;
        let other = fixture.user("b@example.com", Role::USER).await;
        let outcome = fixture.db.end_session(session.id, Some(other.id), EndReason::EndedByUser, anonymous(at(1))).await.unwrap().settled().await;
        assert_eq!(outcome, Err(Refused::NotFound));
        assert_eq!(fixture.stored(&session).await.state, SessionState::Active);
        let unknown = session_of(other.id, other.generation, t0());
        assert_eq!(fixture.db.end_session(unknown.id, None, EndReason::Revoked, anonymous(at(1))).await.unwrap().settled().await, Err(Refused::NotFound));
    }

    fn a_session_ends_once_and_says_so_again(fixture) {
        let (user, session) = fixture.signed_in("a@example.com").await;
        let outcomes = all((0..8).map(|n| {
            let db = fixture.db.clone();
            tokio::spawn(async move {
                db.end_session(session.id, Some(user.id), EndReason::Logout, anonymous(at(n))).await.unwrap().recorded().await
            })
        })).await;
        let outcomes: Vec<_> = outcomes.into_iter().map(|(ended, done)| (ended.unwrap(), done.revocations)).collect();
        assert_eq!(outcomes.iter().filter(|(o, _)| o.newly).count(), 1);
        let (first, revocations) = outcomes.iter().find(|(o, _)| o.newly).unwrap();
        assert!(outcomes.iter().all(|(o, effects)| o.session == first.session && effects == revocations));
        assert_eq!(revocations[0].what, Revoked::Session(first.session.id));
        assert_eq!(revocations[0].until, first.session.rotation.access_until + Span::seconds(6));
        assert_eq!(fixture.db.revocations_since(None).await.unwrap().revocations.len(), 1);
    }
}
