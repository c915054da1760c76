//! Links that verify, change and restore an email address. The rule: each is bound to its address, and none gives access to a stranger
//! who used the address first.

use crate::{
    builders::{address, anonymous, api_key, at, hash, in_session, mailed, one_time, typed},
    fixture::{Fixture, all},
    settled::{Done, Settle as _},
};
use auth_domain::{
    address_link::LinkProof,
    audit::Action,
    one_time::TokenKind,
    revocation::Revoked,
    role::Role,
    session::{EndReason, SessionState},
    time::Timestamp,
    user::User,
};
use auth_storage::{
    links::{NotRedeemed, Redeemed},
    one_time_tokens,
};

pub(crate) const VERIFY: TokenKind = TokenKind::EmailVerification;

pub(crate) fn bound(kind: TokenKind, digest: u8, to: &str, now: Timestamp) -> one_time_tokens::New {
    one_time_tokens::New {
        email: Some(address(to)),
        ..one_time(kind, digest, now)
    }
}

pub(crate) async fn password_of(fixture: &Fixture, user: &User) -> Option<String> {
    let kept = fixture.db.credentials_of(user.id).await.unwrap().unwrap();
    kept.password_hash.map(|hash| hash.expose().to_owned())
}

pub(crate) fn done(outcome: Result<Redeemed, NotRedeemed>) -> User {
    outcome.unwrap().user
}

on_both! {
    fn a_link_verifies_the_address_it_was_mailed_to_and_no_other(fixture) {
        let (user, own) = fixture.signed_in("a@example.com").await;
        for (digest, to) in [(1, "a@example.com"), (2, "A@Example.com"), (3, "b@example.com")] {
            fixture.db.mail_verification(user.id, mailed(bound(VERIFY, digest, to, at(1))), anonymous(at(1))).await.unwrap().settled().await.unwrap();
        }
        assert_eq!(fixture.db.verify_email([3; 32], typed(), in_session(&user, &own, at(2))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
        let after = done(fixture.db.verify_email([2; 32], LinkProof::LinkAlone, in_session(&user, &own, at(3))).await.unwrap().settled().await);
        assert_eq!((after.email_verified_at, fixture.stored(&own).await.generation), (Some(at(3)), after.generation));
        // The other links are used up together with it.
        assert_eq!(fixture.db.verify_email([1; 32], typed(), anonymous(at(4))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
        assert_eq!(fixture.times(Action::EmailVerified).await, 1);
        // A later link to an address that is verified already ends nothing.
        fixture.db.mail_verification(user.id, mailed(bound(VERIFY, 4, "a@example.com", at(5))), anonymous(at(5))).await.unwrap().settled().await.unwrap();
        let (again, effects) = fixture.db.verify_email([4; 32], LinkProof::LinkAlone, anonymous(at(6))).await.unwrap().recorded().await;
        assert_eq!((again, effects), (Ok(Redeemed { user: after, event: None }), Done::default()));
    }

    /// A stranger registers another user's address and waits for its owner to confirm it (CVE-2026-53516).
    fn a_first_confirmation_needs_more_than_the_link_and_a_new_password_leaves_the_registrant_nothing(fixture) {
        let (maker, session) = fixture.signed_in("a@example.com").await;
        fixture.db.insert_api_key(api_key(maker.id, 1, at(1)), 9, anonymous(at(1))).await.unwrap().settled().await.unwrap();
        fixture.db.mail_verification(maker.id, mailed(bound(VERIFY, 1, "a@example.com", at(1))), anonymous(at(1))).await.unwrap().settled().await.unwrap();
        let moved = mailed(bound(TokenKind::EmailChange, 2, "stranger@example.com", at(1)));
        fixture.db.ask_for_new_email(maker.id, address("stranger@example.com"), moved, anonymous(at(1))).await.unwrap().settled().await.unwrap();
        let before = (fixture.noted().await, fixture.kinds(), fixture.db.user(maker.id).await.unwrap());
        // A session of another user, or a password other than the stored one, is no proof either.
        let (other, theirs) = fixture.signed_in("b@example.com").await;
        let noted = fixture.noted().await;
        for (proof, context) in [
            (LinkProof::LinkAlone, anonymous(at(2))),
            (LinkProof::LinkAlone, in_session(&other, &theirs, at(2))),
            (LinkProof::Password(hash(4)), anonymous(at(2))),
        ] {
            assert_eq!(fixture.db.verify_email([1; 32], proof, context).await.unwrap().settled().await, Err(NotRedeemed::ProofNeeded));
        }
        assert_eq!((fixture.noted().await, fixture.kinds(), fixture.db.user(maker.id).await.unwrap()), (noted, before.1, before.2));

        let owner = done(fixture.db.verify_email([1; 32], LinkProof::NewPassword(hash(7)), anonymous(at(3))).await.unwrap().settled().await);
        assert_eq!((owner.id, owner.email_verified_at), (maker.id, Some(at(3))));
        assert_eq!(password_of(&fixture, &owner).await.as_deref(), Some(hash(7).expose()));
        assert!(matches!(fixture.stored(&session).await.state, SessionState::Ended { .. }));
        assert_eq!(fixture.db.api_keys(maker.id).await.unwrap(), []);
        assert_eq!(fixture.db.change_email([2; 32], typed(), anonymous(at(4))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
        assert_eq!(fixture.noted().await.pop().unwrap().details["by"], "new_password");
    }

    /// The owner of the new address may know nothing of the account.
    fn a_change_of_address_takes_a_session_or_the_password_beside_the_link(fixture) {
        let (user, own) = fixture.signed_in("stranger@example.com").await;
        fixture.db.issue_token(bound(TokenKind::EmailChange, 1, "victim@example.com", at(1)), user.id, None).await.unwrap();
        for proof in [LinkProof::LinkAlone, LinkProof::NewPassword(hash(7)), LinkProof::Password(hash(4))] {
            assert_eq!(fixture.db.change_email([1; 32], proof, anonymous(at(2))).await.unwrap().settled().await, Err(NotRedeemed::ProofNeeded));
        }
        assert_eq!(fixture.db.user(user.id).await.unwrap().unwrap().email, user.email);
        done(fixture.db.change_email([1; 32], LinkProof::LinkAlone, in_session(&user, &own, at(3))).await.unwrap().settled().await);
    }

    fn a_change_to_a_taken_address_writes_the_same_rows_as_one_to_a_free_address(fixture) {
        fixture.user("taken@example.com", Role::USER).await;
        for (digest, to) in [(1, "taken@example.com"), (2, "free@example.com")] {
            let user = fixture.user(&format!("user{digest}@example.com"), Role::USER).await;
            let counted = || {
                let tables = ["users", "one_time_tokens", "outbox", "audit_events"];
                tables.map(|table| fixture.number(&format!("SELECT count(*) AS n FROM {table}")))
            };
            let before = counted();
            let link = mailed(bound(TokenKind::EmailChange, digest, to, at(1)));
            assert!(fixture.db.ask_for_new_email(user.id, address(to), link, anonymous(at(1))).await.unwrap().settled().await.is_ok());
            let written: Vec<_> = before.iter().zip(counted()).map(|(before, after)| after - before).collect();
            assert_eq!(written, [0, 1, 2, 1], "{to}");
        }
    }

    fn a_confirmed_address_is_in_force_and_the_old_one_gets_a_notice(fixture) {
        let (user, session) = fixture.signed_in("old@example.com").await;
        for (kind, digest) in [(VERIFY, 2), (TokenKind::PasswordReset, 3)] {
            fixture.db.issue_token(bound(kind, digest, "old@example.com", at(1)), user.id, None).await.unwrap();
        }
        let link = mailed(bound(TokenKind::EmailChange, 1, "new@example.com", at(1)));
        fixture.db.ask_for_new_email(user.id, address("new@example.com"), link, anonymous(at(1))).await.unwrap().settled().await.unwrap();
        assert_eq!(fixture.db.user(user.id).await.unwrap().unwrap().email, user.email);
        let (outcome, effects) = fixture.db.change_email([1; 32], typed(), anonymous(at(2))).await.unwrap().recorded().await;
        let (after, revocations) = (outcome.unwrap().user, effects.revocations);
        assert_eq!((after.email.as_str(), after.email_verified_at, after.generation), ("new@example.com", Some(at(2)), user.generation.raised()));
        assert_eq!(revocations[0].what, Revoked::User(user.id, after.generation));
        assert_eq!(fixture.stored(&session).await.state, SessionState::Ended { at: at(2), why: EndReason::EmailChanged });
        assert_eq!(fixture.db.user_by_email(&address("old@example.com")).await.unwrap(), None);
        assert_eq!(fixture.db.user_by_email(&address("new@example.com")).await.unwrap(), Some(after));
        let notice = fixture.mails().pop().unwrap();
        assert_eq!((notice.kind.as_str(), notice.recipient.as_deref()), ("email_changed", Some("old@example.com")));
        assert_eq!(fixture.noted().await.pop().unwrap().action, Action::EmailChanged);
        assert_eq!(fixture.db.verify_email([2; 32], typed(), anonymous(at(3))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
        assert_eq!(fixture.db.reset_password([3; 32], hash(1), anonymous(at(3))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
    }

    fn an_address_taken_meanwhile_leaves_the_link_unused(fixture) {
        let (user, session) = fixture.signed_in("a@example.com").await;
        fixture.db.issue_token(bound(TokenKind::EmailChange, 1, "b@example.com", at(1)), user.id, None).await.unwrap();
        let other = fixture.user("B@example.com", Role::USER).await;
        let before = (fixture.noted().await, fixture.mails());
        assert_eq!(fixture.db.change_email([1; 32], typed(), anonymous(at(2))).await.unwrap().settled().await, Err(NotRedeemed::EmailTaken));
        assert_eq!((fixture.noted().await, fixture.mails()), before);
        assert_eq!((fixture.db.user(user.id).await.unwrap().unwrap().generation, fixture.stored(&session).await), (user.generation, session));
        fixture.db.delete_user(other.id, vec![], anonymous(at(3))).await.unwrap().settled().await.unwrap();
        done(fixture.db.change_email([1; 32], typed(), anonymous(at(4))).await.unwrap().settled().await);
    }

    fn of_concurrent_moves_to_one_address_one_succeeds(fixture) {
        for round in 0..5_u8 {
            let email = format!("same{round}@example.com");
            let mut rivals = Vec::new();
            for n in 0..6_u8 {
                let user = fixture.user(&format!("u{round}.{n}@example.com"), Role::USER).await;
                let digest = round * 6 + n;
                fixture.db.issue_token(bound(TokenKind::EmailChange, digest, &email, at(1)), user.id, None).await.unwrap();
                let db = fixture.db.clone();
                rivals.push(tokio::spawn(async move { db.change_email([digest; 32], typed(), anonymous(at(2))).await.unwrap().settled().await }));
            }
            let outcomes = all(rivals).await;
            let won = outcomes.iter().filter(|o| o.is_ok()).count();
            assert_eq!((won, outcomes.iter().filter(|o| **o == Err(NotRedeemed::EmailTaken)).count()), (1, 5), "{outcomes:?}");
        }
    }

    fn a_report_brings_the_old_address_back_and_ends_everything(fixture) {
        let user = fixture.user("owner@example.com", Role::USER).await;
        fixture.db.issue_token(bound(TokenKind::EmailChange, 1, "evil@example.com", at(1)), user.id, None).await.unwrap();
        let moved = done(fixture.db.change_email([1; 32], typed(), anonymous(at(2))).await.unwrap().settled().await);
        let session = fixture.sign_in(&moved, at(3)).await;
        fixture.db.insert_api_key(api_key(user.id, 1, at(3)), 9, anonymous(at(3))).await.unwrap().settled().await.unwrap();
        fixture.db.issue_token(bound(TokenKind::Report, 2, "owner@example.com", at(2)), user.id, None).await.unwrap();
        let (outcome, effects) = fixture.db.report([2; 32], anonymous(at(4))).await.unwrap().recorded().await;
        let (after, revocations) = (outcome.unwrap().user, effects.revocations);
        assert_eq!(fixture.db.user(user.id).await.unwrap().as_ref(), Some(&after));
        assert_eq!((after.email.as_str(), after.email_verified_at), ("owner@example.com", Some(at(4))));
        assert!(after.generation > moved.generation);
        assert_eq!(revocations[0].what, Revoked::User(user.id, after.generation));
        assert_eq!(fixture.stored(&session).await.state, SessionState::Ended { at: at(4), why: EndReason::Reported });
        assert_eq!((password_of(&fixture, &user).await, fixture.db.api_keys(user.id).await.unwrap()), (None, vec![]));
        let last = fixture.mails().pop().unwrap();
        assert_eq!((last.kind.as_str(), last.recipient), ("reported", None));
        let noted = fixture.noted().await;
        let actions: Vec<_> = noted.iter().rev().take(2).map(|event| event.action).collect();
        assert_eq!(actions, [Action::Reported, Action::EmailChanged]);
        assert_eq!(fixture.db.report([2; 32], anonymous(at(5))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
    }

    /// Otherwise a thief could keep the account by registering its earlier address.
    fn a_report_ends_everything_even_if_the_old_address_is_another_users_by_now(fixture) {
        let user = fixture.user("owner@example.com", Role::USER).await;
        fixture.db.issue_token(bound(TokenKind::EmailChange, 1, "evil@example.com", at(1)), user.id, None).await.unwrap();
        let moved = done(fixture.db.change_email([1; 32], typed(), anonymous(at(2))).await.unwrap().settled().await);
        fixture.user("owner@example.com", Role::USER).await;
        let session = fixture.sign_in(&moved, at(3)).await;
        fixture.db.issue_token(bound(TokenKind::Report, 2, "owner@example.com", at(2)), user.id, None).await.unwrap();
        let after = done(fixture.db.report([2; 32], anonymous(at(4))).await.unwrap().settled().await);
        assert_eq!(after.email.as_str(), "evil@example.com");
        assert_eq!(fixture.stored(&session).await.state, SessionState::Ended { at: at(4), why: EndReason::Reported });
        assert_eq!(password_of(&fixture, &user).await, None);
        let last = fixture.mails().pop().unwrap();
        assert_eq!((last.kind.as_str(), last.recipient.as_deref()), ("reported", Some("owner@example.com")));
        assert_eq!(fixture.noted().await.pop().unwrap().details["restored"], "false");
    }

    /// A thief who changed the address twice must not be able to void the owner's report link, nor to use one of their own after it.
    fn of_the_links_of_several_notices_the_earliest_stays_valid(fixture) {
        let user = fixture.user("owner@example.com", Role::USER).await;
        let mut now = 1;
        for (digest, to) in [(1, "evil@example.com"), (2, "worse@example.com")] {
            let from = fixture.db.user(user.id).await.unwrap().unwrap().email;
            fixture.db.issue_token(bound(TokenKind::EmailChange, digest, to, at(now)), user.id, None).await.unwrap();
            done(fixture.db.change_email([digest; 32], typed(), anonymous(at(now + 1))).await.unwrap().settled().await);
            let report = one_time_tokens::New { email: Some(from), ..one_time(TokenKind::Report, digest + 10, at(now + 2)) };
            assert!(fixture.db.issue_token(report, user.id, None).await.unwrap());
            now += 3;
        }
        // The thief reports the second change with the link that was sent to the first of their addresses.
        assert_eq!(done(fixture.db.report([12; 32], anonymous(at(now))).await.unwrap().settled().await).email.as_str(), "evil@example.com");
        // The owner's link is older, and ends the thief's.
        assert_eq!(done(fixture.db.report([11; 32], anonymous(at(now + 1))).await.unwrap().settled().await).email, user.email);
        for used in [11, 12] {
            assert_eq!(fixture.db.report([used; 32], anonymous(at(now + 2))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
        }
        assert_eq!(fixture.number("SELECT count(*) AS n FROM one_time_tokens"), 0);
    }
}
