//! Reset links. The rule: a link works once, for an hour, and only the newest one; and a reset ends every earlier session and
//! credential.

use crate::{
    builders::{address, anonymous, api_key, at, hash, known, mailed, one_time, session_of},
    fixture::{Fixture, all},
    settled::Settle as _,
};
use auth_domain::{
    address_link::LinkProof,
    audit::{Action, Actor},
    one_time::TokenKind,
    revocation::Revoked,
    role::Role,
    session::{EndReason, SessionState},
    time::Span,
    user::{User, UserStatus},
};
use auth_storage::{
    Storage,
    links::{NotRedeemed, Redeemed},
    one_time_tokens,
    sessions::SignIn,
    users,
};

const RESET: TokenKind = TokenKind::PasswordReset;

/// A reset link for the user's address.
fn link(user: &User, digest: u8, seconds: i64) -> one_time_tokens::New {
    one_time_tokens::New {
        email: Some(user.email.clone()),
        ..one_time(RESET, digest, at(seconds))
    }
}

async fn issue(fixture: &Fixture, user: &User, digest: u8, seconds: i64) -> bool {
    let token = link(user, digest, seconds);
    fixture.db.issue_token(token, user.id, None).await.unwrap()
}

async fn reset(db: &Storage, digest: u8, seconds: i64) -> Result<Redeemed, NotRedeemed> {
    db.reset_password([digest; 32], hash(9), anonymous(at(seconds)))
        .await
        .unwrap()
        .settled()
        .await
}

fn done(outcome: Result<Redeemed, NotRedeemed>) -> User {
    outcome.unwrap().user
}

on_both! {
    fn of_20_concurrent_redemptions_of_a_link_one_succeeds(fixture) {
        let (user, _) = fixture.signed_in("a@example.com").await;
        issue(&fixture, &user, 1, 1).await;
        let stores = [fixture.db.clone(), fixture.another().await];
        let outcomes = all((0..20).map(|n| {
            let db = stores[n % 2].clone();
            tokio::spawn(async move { reset(&db, 1, 2).await })
        })).await;
        let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(|o| o.is_ok());
        assert!(lost.len() == 19 && lost.iter().all(|o| *o == Err(NotRedeemed::InvalidToken)), "{lost:?}");
        assert_eq!(done(won.into_iter().next().unwrap()).generation, user.generation.raised());
        assert_eq!((fixture.times(Action::PasswordReset).await, fixture.kinds()), (1, vec!["password_changed".to_owned()]));
    }

    fn a_link_expires_after_an_hour(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        issue(&fixture, &user, 1, 0).await;
        assert_eq!(reset(&fixture.db, 1, 3600).await, Err(NotRedeemed::InvalidToken));
        assert!(fixture.db.one_time_token(RESET, [1; 32], at(3600)).await.unwrap().is_none());
        let last = anonymous(at(3600) - Span::microseconds(1));
        assert!(fixture.db.one_time_token(RESET, [1; 32], last.now).await.unwrap().is_some());
        done(fixture.db.reset_password([1; 32], hash(9), last).await.unwrap().settled().await);
        assert!(fixture.db.one_time_token(RESET, [1; 32], at(5)).await.unwrap().is_none());
    }

    fn a_newer_link_voids_the_older_in_whichever_order_they_are_sent(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        assert!(issue(&fixture, &user, 1, 10).await && issue(&fixture, &user, 2, 20).await);
        assert!(!issue(&fixture, &user, 3, 15).await);
        // A second attempt to send the mail with the newest link.
        assert!(issue(&fixture, &user, 2, 20).await);
        for void in [1, 3] {
            assert_eq!(reset(&fixture.db, void, 30).await, Err(NotRedeemed::InvalidToken));
        }
        done(reset(&fixture.db, 2, 30).await);
    }

    fn of_links_sent_at_the_same_time_the_newest_is_left(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        let stores = [fixture.db.clone(), fixture.another().await];
        let issued = all((0..20_u8).map(|n| {
            let (db, id) = (stores[usize::from(n % 2)].clone(), user.id);
            let token = link(&user, n, i64::from(n) * 7 % 20);
            tokio::spawn(async move { (token.created_at, db.issue_token(token, id, None).await.unwrap()) })
        })).await;
        assert!(issued.contains(&(at(19), true)), "{issued:?}");
        assert_eq!(fixture.number("SELECT count(*) AS n FROM one_time_tokens"), 1);
        done(reset(&fixture.db, 17, 30).await);
    }

    fn only_a_reset_link_resets_a_password(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        let others = [TokenKind::EmailVerification, TokenKind::EmailChange, TokenKind::Report, TokenKind::Setup];
        for (digest, kind) in (1..).zip(others) {
            let token = one_time_tokens::New { email: Some(address("a@example.com")), ..one_time(kind, digest, at(0)) };
            assert!(fixture.db.issue_token(token, user.id, None).await.unwrap());
            assert_eq!(reset(&fixture.db, digest, 1).await, Err(NotRedeemed::InvalidToken), "{kind:?}");
        }
        issue(&fixture, &user, 8, 0).await;
        for presented in [8, 200] {
            let digest = [presented; 32];
            assert_eq!(fixture.db.verify_email(digest, LinkProof::LinkAlone, anonymous(at(1))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
            assert_eq!(fixture.db.change_email(digest, LinkProof::LinkAlone, anonymous(at(1))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
            assert_eq!(fixture.db.report(digest, anonymous(at(1))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
        }
        assert_eq!(reset(&fixture.db, 200, 1).await, Err(NotRedeemed::InvalidToken));
        assert_eq!(fixture.db.user(user.id).await.unwrap(), Some(user));
    }

    fn a_reset_ends_everything_from_before_it(fixture) {
        let (user, session) = fixture.signed_in("a@example.com").await;
        fixture.db.insert_api_key(api_key(user.id, 1, at(1)), 9, anonymous(at(1))).await.unwrap().settled().await.unwrap();
        let moved = mailed(one_time_tokens::New { email: Some(address("evil@example.com")), ..one_time(TokenKind::EmailChange, 7, at(1)) });
        fixture.db.ask_for_new_email(user.id, address("evil@example.com"), moved, anonymous(at(1))).await.unwrap().settled().await.unwrap();
        let token = one_time_tokens::New { email: Some(user.email.clone()), ..one_time(RESET, 1, at(2)) };
        fixture.db.issue_token(token, user.id, None).await.unwrap();
        let (outcome, effects) = fixture.db.reset_password([1; 32], hash(9), anonymous(at(3))).await.unwrap().recorded().await;
        let (after, revocations) = (outcome.unwrap().user, effects.revocations);
        assert_eq!((after.generation, after.email_verified_at), (user.generation.raised(), Some(at(3))));
        assert_eq!(revocations.iter().map(|r| r.what).collect::<Vec<_>>(), [Revoked::User(user.id, after.generation)]);
        let recorded = fixture.db.revocations_since(None).await.unwrap().revocations;
        assert!(recorded.iter().any(|(revocation, _)| *revocation == revocations[0]));
        assert_eq!(fixture.stored(&session).await.state, SessionState::Ended { at: at(3), why: EndReason::PasswordChanged });
        let kept = fixture.db.credentials_of(user.id).await.unwrap().unwrap();
        assert_eq!((kept.devices_from, kept.password_changed_at), (Some(at(3)), Some(at(3))));
        assert_eq!((kept.password_hash.unwrap().expose(), &kept.user), (hash(9).expose(), &after));
        // An intruder may have created API keys.
        assert_eq!(fixture.db.api_keys(user.id).await.unwrap(), []);
        assert_eq!(fixture.db.change_email([7; 32], LinkProof::LinkAlone, anonymous(at(4))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
        let noted = fixture.noted().await.pop().unwrap();
        assert_eq!((noted.action, noted.actor, noted.subject), (Action::PasswordReset, Actor::User(user.id), Some(user.id)));
        assert_eq!(fixture.times(Action::PasswordReset).await, 1);
        // The queued mail that would confirm the new address is not sent.
        assert_eq!(fixture.kinds(), ["api_key_created", "email_change_requested", "password_changed"]);
    }

    fn a_reset_link_works_for_the_address_it_was_mailed_to_and_for_no_other(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        let elsewhere = one_time_tokens::New { email: Some(address("old@example.com")), ..one_time(RESET, 1, at(1)) };
        let nowhere = one_time_tokens::New { email: None, ..one_time(RESET, 2, at(2)) };
        for token in [elsewhere, nowhere] {
            let digest = token.digest;
            fixture.db.issue_token(token, user.id, None).await.unwrap();
            assert_eq!(fixture.db.reset_password(digest, hash(9), anonymous(at(3))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
        }
        assert_eq!(fixture.db.user(user.id).await.unwrap().as_ref(), Some(&user));
        issue(&fixture, &user, 3, 4).await;
        assert_eq!(done(reset(&fixture.db, 3, 5).await).email_verified_at, Some(at(5)));
        issue(&fixture, &user, 4, 6).await;
        assert_eq!(done(reset(&fixture.db, 4, 7).await).email_verified_at, Some(at(5)));
    }

    /// A stranger who knows the password must not be able to void the owner's reset link by signing in.
    fn a_sign_in_voids_a_reset_link_if_it_is_from_a_known_device(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        for (known_device, first) in [(false, false), (false, true)] {
            issue(&fixture, &user, 1, 1).await;
            let sign_in = SignIn { known_device, first, ..known(session_of(user.id, user.generation, at(2))) };
            fixture.db.start_session(sign_in, anonymous(at(2))).await.unwrap().settled().await.unwrap();
            assert!(fixture.db.one_time_token(RESET, [1; 32], at(3)).await.unwrap().is_some());
        }
        fixture.db.start_session(known(session_of(user.id, user.generation, at(4))), anonymous(at(4))).await.unwrap().settled().await.unwrap();
        assert_eq!(reset(&fixture.db, 1, 5).await, Err(NotRedeemed::InvalidToken));
    }

    fn a_new_password_voids_the_mailed_links(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        assert_eq!(reset(&fixture.db, 1, 3).await, Err(NotRedeemed::InvalidToken));
        issue(&fixture, &user, 2, 4).await;
        let moved = one_time_tokens::New { email: Some(address("evil@example.com")), ..one_time(TokenKind::EmailChange, 3, at(4)) };
        fixture.db.issue_token(moved, user.id, None).await.unwrap();
        fixture.db.set_password(user.id, hash(1), None, anonymous(at(5))).await.unwrap().settled().await.unwrap();
        assert_eq!(reset(&fixture.db, 2, 6).await, Err(NotRedeemed::InvalidToken));
        assert_eq!(fixture.db.change_email([3; 32], LinkProof::LinkAlone, anonymous(at(6))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
        // A mail that was requested before and delayed is not sent.
        assert!(!issue(&fixture, &user, 4, 4).await);
        assert!(issue(&fixture, &user, 5, 6).await);
    }

    fn no_link_is_created_for_a_deleted_user(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        fixture.db.delete_user(user.id, vec![], anonymous(at(1))).await.unwrap().settled().await.unwrap();
        assert!(!issue(&fixture, &user, 1, 2).await);
    }

    fn a_reset_requested_by_address_is_logged_once_its_user_is_known(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        for expected in [1, 1] {
            fixture.db.issue_token(one_time(RESET, 1, at(1)), user.id, Some(anonymous(at(1)))).await.unwrap();
            assert_eq!(fixture.times(Action::PasswordResetRequested).await, expected);
        }
    }

    fn a_disabled_users_links_stay_void_and_newer_ones_wait(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        let kinds = [RESET, TokenKind::EmailVerification, TokenKind::EmailChange, TokenKind::Report];
        let mail = async |from: u8| for (digest, kind) in (from..).zip(kinds) {
            let token = one_time_tokens::New { email: Some(address("a@example.com")), ..one_time(kind, digest, at(0)) };
            fixture.db.issue_token(token, user.id, None).await.unwrap();
        };
        let to = async |status, seconds| {
            let change = users::Change { status: Some(status), ..users::Change::default() };
            fixture.db.change_user(user.id, change, vec![], anonymous(at(seconds))).await.unwrap().settled().await.unwrap();
        };
        mail(1).await;
        to(UserStatus::Disabled, 1).await;
        assert_eq!(fixture.number("SELECT count(*) AS n FROM one_time_tokens"), 0);
        mail(5).await;
        let before = (fixture.noted().await, fixture.mails());
        let outcomes = [
            reset(&fixture.db, 5, 2).await,
            fixture.db.verify_email([6; 32], LinkProof::LinkAlone, anonymous(at(2))).await.unwrap().settled().await,
            fixture.db.change_email([7; 32], LinkProof::LinkAlone, anonymous(at(2))).await.unwrap().settled().await,
            fixture.db.report([8; 32], anonymous(at(2))).await.unwrap().settled().await,
        ];
        assert!(outcomes.iter().all(|outcome| *outcome == Err(NotRedeemed::InvalidToken)), "{outcomes:?}");
        assert_eq!((fixture.noted().await, fixture.mails()), before);
        to(UserStatus::Active, 3).await;
        assert_eq!(reset(&fixture.db, 1, 4).await, Err(NotRedeemed::InvalidToken));
        done(reset(&fixture.db, 5, 4).await);
    }

    /// Each locks the user's row and the token's. In different orders, PostgreSQL would end one of them as a deadlock.
    fn concurrent_resets_and_sign_ins_wait_for_each_other_and_all_are_answered(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        for round in 0..15_u8 {
            let user = fixture.db.user(user.id).await.unwrap().unwrap();
            let now = i64::from(round) * 10;
            assert!(issue(&fixture, &user, round, now).await);
            let resets = (0..3).map(|_| {
                let db = fixture.db.clone();
                tokio::spawn(async move { drop(reset(&db, round, now + 1).await) })
            });
            let sign_ins = (0..3).map(|_| {
                let (db, session) = (fixture.db.clone(), session_of(user.id, user.generation, at(now + 1)));
                tokio::spawn(async move { drop(db.start_session(known(session), anonymous(at(now + 1))).await.unwrap().settled().await) })
            });
            all(resets.collect::<Vec<_>>().into_iter().chain(sign_ins)).await;
        }
    }
}
