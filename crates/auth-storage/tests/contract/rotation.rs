//! Refresh rotation. The rule: of racing requests one rotates, nothing revoked is revived, and a reuse is reported once.

use crate::{
    builders::{anonymous, at, policy, session_of, t0, token},
    fixture::all,
    settled::{Done, Settle as _},
};
use auth_domain::{
    idempotency::IdempotencyDigest,
    revocation::Revoked,
    role::Role,
    rotation::{Decision, OnConcurrent, Presented, RotationPolicy},
    session::{EndReason, SessionState},
    time::Span,
};
use auth_storage::{Storage, sessions::Rotated, users};

const GRACE: Span = Span::seconds(6);

async fn refresh(
    db: &Storage,
    session: &auth_domain::session::Session,
    presented: Presented,
    seconds: i64,
) -> Rotated {
    db.rotate(session.id, presented, policy(), false, anonymous(at(seconds)))
        .await
        .unwrap()
        .settled()
        .await
        .unwrap()
}

fn keyed(number: u32, key: u8) -> Presented {
    Presented {
        key: Some(IdempotencyDigest::new([key; 32])),
        ..token(number)
    }
}

on_both! {
    fn a_rotation_is_stored_as_it_was_decided(fixture) {
        let (user, session) = fixture.signed_in("a@example.com").await;
        let rotated = refresh(&fixture.db, &session, keyed(0, 1), 60).await;
        let Decision::Rotate { next } = rotated.decision else { panic!("{:?}", rotated.decision) };
        assert_eq!((next.number, rotated.session.rotation), (1, next));
        assert_eq!(rotated.user.id, user.id);
        assert!(!rotated.ended);
        assert_eq!(fixture.stored(&session).await, rotated.session);
    }

    fn an_unknown_session_is_none_and_a_number_not_issued_is_invalid(fixture) {
        let (user, session) = fixture.signed_in("a@example.com").await;
        let stranger = session_of(user.id, user.generation, t0());
        assert_eq!(fixture.db.rotate(stranger.id, token(0), policy(), false, anonymous(at(1))).await.unwrap().settled().await, None);
        assert_eq!(refresh(&fixture.db, &session, token(1), 1).await.decision, Decision::Invalid);
        assert_eq!(fixture.stored(&session).await, session);
    }

    fn a_repeat_gives_the_same_number_and_writes_only_the_access_tokens_end(fixture) {
        let (_, session) = fixture.signed_in("a@example.com").await;
        let first = refresh(&fixture.db, &session, keyed(0, 1), 60).await.session;
        let again = refresh(&fixture.db, &session, keyed(0, 1), 75).await;
        assert!(matches!(again.decision, Decision::Repeat { .. }), "{:?}", again.decision);
        assert_eq!(again.session.rotation.access_until, first.rotation.access_until + Span::seconds(15));
        let mut expected = first.clone();
        expected.rotation.access_until = again.session.rotation.access_until;
        assert_eq!(fixture.stored(&session).await, expected);
        // A repetition does not extend its own window.
        assert_eq!(refresh(&fixture.db, &session, keyed(0, 1), 91).await.decision, Decision::Reuse);
    }

    fn the_end_of_the_last_access_token_never_moves_back(fixture) {
        let (_, session) = fixture.signed_in("a@example.com").await;
        let lasting = refresh(&fixture.db, &session, keyed(0, 1), 60).await.session.rotation.access_until;
        let mut short = RotationPolicy { on_concurrent: OnConcurrent::Repeat, ..policy() };
        short.lifetimes.access = Span::minutes(5);
        fixture.db.rotate(session.id, keyed(0, 1), short, false, anonymous(at(61))).await.unwrap().settled().await.unwrap();
        fixture.db.rotate(session.id, token(1), short, false, anonymous(at(62))).await.unwrap().settled().await.unwrap();
        assert_eq!(fixture.stored(&session).await.rotation.access_until, lasting);
    }

    fn a_reuse_ends_the_session_once_and_records_it(fixture) {
        let (user, session) = fixture.signed_in("a@example.com").await;
        refresh(&fixture.db, &session, token(0), 60).await;
        refresh(&fixture.db, &session, token(1), 120).await;
        let outcomes = all((0..16).map(|_| {
            let (db, session) = (fixture.db.clone(), session.clone());
            tokio::spawn(async move { db.rotate(session.id, token(0), policy(), false, anonymous(at(180))).await.unwrap().recorded().await })
        })).await;
        let outcomes: Vec<_> = outcomes.into_iter().map(|(rotated, done)| (rotated.unwrap(), done)).collect();
        let (endings, others): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(|(o, _)| o.decision == Decision::Reuse);
        assert_eq!(endings.len(), 1);
        assert!(others.iter().all(|(o, done)| o.decision == Decision::Revoked && !o.ended && *done == Done::default()));
        let (ending, effects) = endings.first().unwrap();
        assert!(ending.ended && effects.mail);
        assert_eq!(ending.session.state, SessionState::Ended { at: at(180), why: EndReason::Reuse });
        let revocation = effects.revocations.first().unwrap();
        assert_eq!(revocation.what, Revoked::Session(session.id));
        assert_eq!(revocation.until, ending.session.rotation.access_until + GRACE);
        let recorded = fixture.db.revocations_since(None).await.unwrap().revocations;
        assert_eq!(recorded.iter().map(|(r, _)| *r).collect::<Vec<_>>(), effects.revocations);
        assert_eq!(refresh(&fixture.db, &session, token(2), 181).await.decision, Decision::Revoked);
        assert_eq!(fixture.db.user(user.id).await.unwrap().unwrap().generation, user.generation);
    }

    /// Without a guard, sixteen threads had seven winners on PostgreSQL.
    fn of_64_presentations_of_one_token_one_rotates(fixture) {
        let second = fixture.another().await;
        for round in 0..4 {
            let (_, session) = fixture.signed_in(&format!("u{round}@example.com")).await;
            let outcomes = all((0..64).map(|n| {
                let db = if n % 2 == 0 { fixture.db.clone() } else { second.clone() };
                let session = session.clone();
                tokio::spawn(async move { refresh(&db, &session, token(0), 60).await.decision })
            })).await;
            let winners = outcomes.iter().filter(|d| matches!(d, Decision::Rotate { .. })).count();
            let refused = outcomes.iter().filter(|d| **d == Decision::AlreadyUsed).count();
            assert_eq!((winners, refused), (1, 63), "{outcomes:?}");
            assert_eq!(fixture.stored(&session).await.rotation.number, 1);
        }
    }

    fn of_64_presentations_with_one_key_one_rotates_and_all_others_repeat_it(fixture) {
        let (_, session) = fixture.signed_in("a@example.com").await;
        let outcomes = all((0..64).map(|n| {
            let (db, session) = (fixture.db.clone(), session.clone());
            tokio::spawn(async move { refresh(&db, &session, keyed(0, 9), 60 + n % 5).await })
        })).await;
        assert_eq!(outcomes.iter().filter(|o| matches!(o.decision, Decision::Rotate { .. })).count(), 1);
        assert!(outcomes.iter().all(|o| o.session.rotation.number == 1));
        let last = outcomes.iter().map(|o| o.session.rotation.access_until).max().unwrap();
        assert_eq!(fixture.stored(&session).await.rotation.access_until, last);
    }

    /// After a session's end is answered, no refresh in flight may issue a valid token.
    fn a_refresh_in_flight_revives_nothing(fixture) {
        for round in 0..12 {
            let (user, session) = fixture.signed_in(&format!("u{round}@example.com")).await;
            let (db, ended) = (fixture.db.clone(), session.clone());
            let rotation = tokio::spawn({
                let db = db.clone();
                async move { db.rotate(ended.id, token(0), policy(), false, anonymous(at(60))).await.unwrap().settled().await }
            });
            match round % 4 {
                0 => drop(db.end_session(session.id, None, EndReason::Logout, anonymous(at(60))).await.unwrap().settled().await),
                1 => drop(db.end_user_sessions(user.id, EndReason::LogoutAll, anonymous(at(60))).await.unwrap().settled().await),
                2 => drop(db.delete_user(user.id, vec![Role::ADMIN], anonymous(at(60))).await.unwrap().settled().await),
                _ => {
                    let off = users::Change { status: Some(auth_domain::user::UserStatus::Disabled), ..users::Change::default() };
                    drop(db.change_user(user.id, off, vec![Role::ADMIN], anonymous(at(60))).await.unwrap().settled().await);
                }
            }
            rotation.await.unwrap();
            for number in 0..2 {
                let after = db.rotate(session.id, token(number), policy(), false, anonymous(at(61))).await.unwrap().settled().await;
                // Invalid: the end came first, so that number was never issued.
                let dead = |o: Rotated| matches!(o.decision, Decision::Revoked | Decision::Invalid);
                assert!(after.is_none_or(dead), "round {round}, number {number}");
            }
            let live = "SELECT count(*) AS n FROM sessions WHERE ended_at IS NULL";
            assert_eq!(fixture.number(live), 0);
        }
    }

    fn a_session_carried_over_a_revocation_continues_with_the_same_token(fixture) {
        let (user, session) = fixture.signed_in("a@example.com").await;
        let promote = users::Change { role: Some(Role::VIEWER), ..users::Change::default() };
        fixture.db.change_user(user.id, promote, vec![Role::ADMIN], anonymous(at(1))).await.unwrap().settled().await.unwrap();
        let rotated = refresh(&fixture.db, &session, token(0), 2).await;
        assert!(matches!(rotated.decision, Decision::Rotate { .. }));
        assert_eq!((rotated.session.generation, rotated.user.generation), (user.generation.raised(), user.generation.raised()));
        assert_eq!(rotated.user.role, Role::VIEWER);
    }
}
