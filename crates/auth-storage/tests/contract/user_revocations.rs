//! Revocation of all of a user's tokens. The rule: everything issued below the new generation is revoked, and a session that is carried
//! over continues.

use crate::{
    builders::{admins, anonymous, at, hash, known, session_of, t0},
    fixture::all,
    settled::Settle as _,
};
use auth_domain::{
    audit::Action,
    revocation::{Revocation, Revoked, TokenRef, Verdict},
    role::Role,
    session::{EndReason, Session, SessionState},
    time::Span,
    user::{Generation, UserStatus},
};
use auth_storage::{Committed, Refused, users};

fn token_of(session: &Session) -> TokenRef {
    let token = auth_domain::ids::TokenId::from_parts(t0(), crate::builders::unique_bytes());
    TokenRef {
        token,
        session: session.id,
        user: session.user,
        generation: session.generation,
    }
}

type Change = Result<Committed<users::Changed>, Refused>;

async fn changed(change: Change) -> (auth_domain::user::User, Vec<Revocation>, u64) {
    let (changed, done) = change.recorded().await;
    let users::Changed { user, sessions_ended } = changed.unwrap();
    (user, done.revocations, sessions_ended)
}

on_both! {
    fn signing_out_everywhere_ends_all_sessions_and_counts_the_active_ones(fixture) {
        let (user, first) = fixture.signed_in("a@example.com").await;
        let second = fixture.sign_in(&user, at(1)).await;
        let ended = fixture.sign_in(&user, at(2)).await;
        fixture.db.end_session(ended.id, None, EndReason::Logout, anonymous(at(3))).await.unwrap().settled().await.unwrap();
        let (_, stranger) = fixture.signed_in("b@example.com").await;
        let (outcome, done) = fixture.db.end_user_sessions(user.id, EndReason::LogoutAll, anonymous(at(4))).await.unwrap().recorded().await;
        let outcome = outcome.unwrap();
        let raised = user.generation.raised();
        assert_eq!((outcome.count, outcome.generation), (2, raised));
        assert_eq!(done.revocations, [Revocation { what: Revoked::User(user.id, raised), until: second.rotation.access_until + Span::seconds(6) }]);
        for session in [&first, &second] {
            let state = fixture.stored(session).await.state;
            assert_eq!(state, SessionState::Ended { at: at(4), why: EndReason::LogoutAll });
            let facts = fixture.db.facts(token_of(session)).await.unwrap();
            assert_eq!(facts.verdict(session.generation), Verdict::AllSessionsRevoked);
        }
        let facts = fixture.db.facts(token_of(&stranger)).await.unwrap();
        assert_eq!(facts.verdict(stranger.generation), Verdict::Valid);
        let (again, _) = fixture.db.end_user_sessions(user.id, EndReason::LogoutAll, anonymous(at(5))).await.unwrap().recorded().await;
        let again = again.unwrap();
        assert_eq!((again.count, again.generation), (0, raised.raised()));
    }

    fn a_revocation_lasts_as_long_as_the_last_token_it_could_concern(fixture) {
        let (user, session) = fixture.signed_in("a@example.com").await;
        let mut short = anonymous(at(4));
        short.until_at_least = at(5);
        let (outcome, done) = fixture.db.end_user_sessions(user.id, EndReason::LogoutAll, short.clone()).await.unwrap().recorded().await;
        assert!(outcome.is_ok());
        assert_eq!(done.revocations[0].until, session.rotation.access_until + short.grace);
        let mut long = anonymous(at(6));
        long.until_at_least = at(90_000);
        let (outcome, done) = fixture.db.end_user_sessions(user.id, EndReason::LogoutAll, long).await.unwrap().recorded().await;
        assert!(outcome.is_ok());
        assert_eq!(done.revocations[0].until, at(90_000));
    }

    fn a_new_password_ends_every_other_session_and_carries_its_own_over(fixture) {
        let (user, own) = fixture.signed_in("a@example.com").await;
        let other = fixture.sign_in(&user, at(1)).await;
        let outcome = fixture.db.set_password(user.id, hash(3), Some(own.id), anonymous(at(2))).await.unwrap();
        let (after, revocations, ended) = changed(outcome).await;
        assert_eq!((after.generation, ended), (user.generation.raised(), 1));
        assert_eq!(revocations[0].what, Revoked::User(user.id, after.generation));
        assert_eq!(fixture.stored(&other).await.state, SessionState::Ended { at: at(2), why: EndReason::PasswordChanged });
        let lifted = fixture.stored(&own).await;
        assert_eq!(lifted, Session { generation: after.generation, ..own.clone() });
        // Its earlier access tokens are revoked; those issued from now on are valid.
        let facts = fixture.db.facts(token_of(&own)).await.unwrap();
        assert_eq!((facts.verdict(own.generation), facts.verdict(lifted.generation)), (Verdict::AllSessionsRevoked, Verdict::Valid));
        let stored = fixture.db.credentials_of(user.id).await.unwrap().unwrap();
        assert_eq!(stored.password_hash.unwrap().expose(), hash(3).expose());
        let (_, _, ended) = changed(fixture.db.set_password(user.id, hash(4), None, anonymous(at(3))).await.unwrap()).await;
        assert_eq!(ended, 1);
    }

    fn the_other_sessions_end_with_one_revocation_and_the_callers_is_carried_over(fixture) {
        let (user, own) = fixture.signed_in("a@example.com").await;
        let others = [fixture.sign_in(&user, at(1)).await, fixture.sign_in(&user, at(2)).await];
        let ended = fixture.sign_in(&user, at(3)).await;
        fixture.db.end_session(ended.id, None, EndReason::Logout, anonymous(at(4))).await.unwrap().settled().await.unwrap();
        let (_, stranger) = fixture.signed_in("b@example.com").await;
        let (outcome, done) = fixture.db.end_other_sessions(user.id, own.id, EndReason::EndedByUser, anonymous(at(5))).await.unwrap().recorded().await;
        let outcome = outcome.unwrap();
        let raised = user.generation.raised();
        assert_eq!((outcome.count, outcome.generation), (2, raised));
        // Until the last token of any of the sessions has expired, the caller's own included.
        assert_eq!(done.revocations, [Revocation { what: Revoked::User(user.id, raised), until: others[1].rotation.access_until + Span::seconds(6) }]);
        for other in &others {
            assert_eq!(fixture.stored(other).await.state, SessionState::Ended { at: at(5), why: EndReason::EndedByUser });
        }
        let lifted = fixture.stored(&own).await;
        assert_eq!(lifted, Session { generation: raised, ..own.clone() });
        let facts = fixture.db.facts(token_of(&own)).await.unwrap();
        assert_eq!((facts.verdict(own.generation), facts.verdict(lifted.generation)), (Verdict::AllSessionsRevoked, Verdict::Valid));
        assert_eq!(fixture.stored(&stranger).await, stranger);
        let noted = fixture.noted().await;
        let found: Vec<_> = noted.iter().filter(|event| event.action == Action::AllSessionsEnded).collect();
        assert_eq!((found.len(), found[0].subject), (1, Some(user.id)));
        let detail = |name: &str| found[0].details[name].clone();
        assert_eq!([detail("reason"), detail("count"), detail("spared")], ["ended_by_user".to_owned(), "2".to_owned(), own.id.to_string()]);
        // No other session is left.
        let (again, _) = fixture.db.end_other_sessions(user.id, own.id, EndReason::EndedByUser, anonymous(at(6))).await.unwrap().recorded().await;
        let again = again.unwrap();
        assert_eq!(again.count, 0);
        let unknown = auth_domain::ids::UserId::from_parts(t0(), crate::builders::unique_bytes());
        assert_eq!(fixture.db.end_other_sessions(unknown, own.id, EndReason::EndedByUser, anonymous(at(7))).await.unwrap().settled().await, Err(Refused::NotFound));
    }

    fn another_users_session_is_never_spared(fixture) {
        let (user, own) = fixture.signed_in("a@example.com").await;
        let (_, foreign) = fixture.signed_in("b@example.com").await;
        fixture.db.set_password(user.id, hash(3), Some(foreign.id), anonymous(at(2))).await.unwrap().settled().await.unwrap();
        assert!(matches!(fixture.stored(&own).await.state, SessionState::Ended { .. }));
        let own = fixture.sign_in(&fixture.db.user(user.id).await.unwrap().unwrap(), at(3)).await;
        fixture.db.end_other_sessions(user.id, foreign.id, EndReason::EndedByUser, anonymous(at(4))).await.unwrap().settled().await.unwrap();
        assert!(matches!(fixture.stored(&own).await.state, SessionState::Ended { .. }));
        assert_eq!(fixture.stored(&foreign).await, foreign);
    }

    fn another_role_carries_all_sessions_over_and_revokes_their_access_tokens(fixture) {
        let (user, first) = fixture.signed_in("a@example.com").await;
        let second = fixture.sign_in(&user, at(1)).await;
        let change = users::Change { role: Some(Role::VIEWER), ..users::Change::default() };
        let outcome = fixture.db.change_user(user.id, change.clone(), admins(), anonymous(at(2))).await.unwrap();
        let (after, revocations, ended) = changed(outcome).await;
        assert_eq!((&after.role, after.generation, ended, revocations.len()), (&Role::VIEWER, user.generation.raised(), 0, 1));
        for session in [&first, &second] {
            assert_eq!(fixture.stored(session).await.generation, after.generation);
            let facts = fixture.db.facts(token_of(session)).await.unwrap();
            assert_eq!(facts.verdict(session.generation), Verdict::AllSessionsRevoked);
        }
        // Setting the same role raises no generation, and the revocation is recorded again.
        let (same, again, _) = changed(fixture.db.change_user(user.id, change, admins(), anonymous(at(3))).await.unwrap()).await;
        assert_eq!((same.generation, again[0].what), (after.generation, revocations[0].what));
    }

    /// The access tokens state that the address is verified, so they have to be revoked.
    fn withdrawing_a_verification_carries_all_sessions_over_and_revokes_their_access_tokens(fixture) {
        let (user, session) = fixture.signed_in("a@example.com").await;
        let verified = |at| users::Change { email_verified_at: Some(at), ..users::Change::default() };
        let change = async |at, now| changed(fixture.db.change_user(user.id, verified(at), admins(), anonymous(now)).await.unwrap()).await;
        let (given, revocations, _) = change(Some(at(1)), at(1)).await;
        assert_eq!((given.generation, revocations), (user.generation, vec![]), "what is given cuts nothing");
        let (taken, revocations, ended) = change(None, at(2)).await;
        assert_eq!((taken.email_verified_at, taken.generation, ended), (None, user.generation.raised(), 0));
        assert_eq!(revocations[0].what, Revoked::User(user.id, taken.generation));
        assert_eq!(fixture.stored(&session).await.generation, taken.generation);
        let facts = fixture.db.facts(token_of(&session)).await.unwrap();
        assert_eq!(facts.verdict(session.generation), Verdict::AllSessionsRevoked);
        // A repetition raises no generation, and the revocation is recorded again.
        let (same, again, _) = change(None, at(3)).await;
        assert_eq!((same.generation, again[0].what), (taken.generation, revocations[0].what));
    }

    fn a_repeated_revocation_of_all_sessions_is_recorded_again(fixture) {
        let (user, _) = fixture.signed_in("a@example.com").await;
        let disable = users::Change { status: Some(UserStatus::Disabled), ..users::Change::default() };
        let (first, announced, _) = changed(fixture.db.change_user(user.id, disable.clone(), admins(), anonymous(at(1))).await.unwrap()).await;
        let (second, again, ended) = changed(fixture.db.change_user(user.id, disable, admins(), anonymous(at(2))).await.unwrap()).await;
        assert_eq!((first.generation, ended), (second.generation, 0));
        assert_eq!(announced[0].what, again[0].what);
    }

    fn disabling_ends_all_sessions_and_enabling_revives_none(fixture) {
        let (user, session) = fixture.signed_in("a@example.com").await;
        let to = |status| users::Change { status: Some(status), ..users::Change::default() };
        let off = fixture.db.change_user(user.id, to(UserStatus::Disabled), admins(), anonymous(at(2))).await.unwrap();
        let (after, revocations, ended) = changed(off).await;
        assert_eq!((after.status, after.generation, ended, revocations.len()), (UserStatus::Disabled, user.generation.raised(), 1, 1));
        assert_eq!(fixture.stored(&session).await.state, SessionState::Ended { at: at(2), why: EndReason::UserDisabled });
        let on = fixture.db.change_user(user.id, to(UserStatus::Active), admins(), anonymous(at(3))).await.unwrap();
        let (back, revocations, _) = changed(on).await;
        assert_eq!((back.status, back.generation, revocations), (UserStatus::Active, after.generation, vec![]));
        assert!(matches!(fixture.stored(&session).await.state, SessionState::Ended { .. }));
    }

    fn a_deleted_user_leaves_only_the_highest_generation(fixture) {
        let (user, session) = fixture.signed_in("a@example.com").await;
        let (before, revocations, ended) = changed(fixture.db.delete_user(user.id, admins(), anonymous(at(2))).await.unwrap()).await;
        assert_eq!((before.id, ended), (user.id, 1));
        assert_eq!(revocations[0].what, Revoked::User(user.id, Generation::DELETED));
        assert_eq!(revocations[0].until, (session.rotation.access_until + Span::seconds(6)).max(at(2) + Span::hours(1)));
        assert_eq!(fixture.db.user(user.id).await.unwrap(), None);
        assert_eq!(fixture.db.session(session.id).await.unwrap(), None);
        let facts = fixture.db.facts(token_of(&session)).await.unwrap();
        assert_eq!(facts.verdict(session.generation), Verdict::AllSessionsRevoked);
    }

    /// A sign-in that verified the old password must not start a session after the revocation.
    fn a_sign_in_that_races_a_revocation_is_ended_by_it_or_refused(fixture) {
        for round in 0..10 {
            let user = fixture.user(&format!("u{round}@example.com"), Role::USER).await;
            let sign_ins = (0..8).map(|n| {
                let (db, user) = (fixture.db.clone(), user.clone());
                tokio::spawn(async move {
                    let session = session_of(user.id, user.generation, at(n));
                    db.start_session(known(session), anonymous(at(n))).await.unwrap().settled().await
                })
            });
            let sign_ins: Vec<_> = sign_ins.collect();
            fixture.db.set_password(user.id, hash(2), None, anonymous(at(9))).await.unwrap().settled().await.unwrap();
            let outcomes = all(sign_ins).await;
            let begun = outcomes.iter().filter(|o| o.is_ok()).count();
            let of_user = format!("FROM sessions WHERE user_id = '{}'", user.id);
            assert_eq!(fixture.number(&format!("SELECT count(*) AS n {of_user}")), i64::try_from(begun).unwrap());
            assert_eq!(fixture.number(&format!("SELECT count(*) AS n {of_user} AND ended_at IS NULL")), 0);
        }
    }
}
