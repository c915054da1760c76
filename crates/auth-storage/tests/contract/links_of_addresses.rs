//! Links that show, move and restore an address: each bound to it, and none of them a way in for whoever came first.

use crate::{
    people::{address, api_key, at, hash, in_session, mailed, one_time, person, terms, typed},
    settled::{Done, Settle as _},
    world::{World, all},
};
use auth_domain::{
    address_link::LinkProof,
    audit::Action,
    one_time::TokenKind,
    revocation::Revoked,
    role::Role,
    session::{EndReason, SessionState},
    time::Timestamp,
    user::{DisplayName, User},
};
use auth_storage::{
    links::{NotRedeemed, Redeemed},
    one_time_tokens,
    registrations::{Pending, Settled},
    users,
};

const VERIFY: TokenKind = TokenKind::EmailVerification;

fn bound(kind: TokenKind, digest: u8, to: &str, now: Timestamp) -> one_time_tokens::New {
    one_time_tokens::New {
        email: Some(address(to)),
        ..one_time(kind, digest, now)
    }
}

/// A registration that waits for its address.
fn waiting(email: &str, digest: u8, password: u8, now: Timestamp) -> (users::New, one_time_tokens::Mailed) {
    let new = users::New {
        password_hash: None,
        name: None,
        ..person(email, Role::USER)
    };
    let pending = Pending {
        password_hash: hash(password),
        name: DisplayName::parse("Owner").ok(),
    };
    let token = one_time_tokens::New {
        pending: Some(pending),
        ..bound(VERIFY, digest, email, now)
    };
    (new, mailed(token))
}

/// The same, as far as its mail, which finds out what it is to say.
async fn registered(
    world: &World,
    new: users::New,
    link: one_time_tokens::Mailed,
    now: Timestamp,
) -> Settled {
    world
        .db
        .register_pending(new.email.clone(), link.clone(), terms(now))
        .await
        .unwrap()
        .settled()
        .await;
    settled(world, new, &link, now).await
}

/// What the worker finds out about a mail, each time it tries to send it.
async fn settled(world: &World, new: users::New, link: &one_time_tokens::Mailed, now: Timestamp) -> Settled {
    let token = one_time_tokens::New {
        pending: None,
        ..link.token.clone()
    };
    world
        .db
        .settle_verification(token, new, terms(now))
        .await
        .unwrap()
}

async fn password_of(world: &World, user: &User) -> Option<String> {
    let kept = world.db.credentials_of(user.id).await.unwrap().unwrap();
    kept.password_hash.map(|hash| hash.expose().to_owned())
}

fn done(outcome: Result<Redeemed, NotRedeemed>) -> User {
    outcome.unwrap().user
}

on_both! {
    fn a_link_verifies_the_address_it_was_mailed_to_and_no_other(world) {
        let (user, own) = world.signed_in("a@example.com").await;
        for (digest, to) in [(1, "a@example.com"), (2, "A@Example.com"), (3, "b@example.com")] {
            world.db.mail_verification(user.id, mailed(bound(VERIFY, digest, to, at(1))), terms(at(1))).await.unwrap().settled().await.unwrap();
        }
        assert_eq!(world.db.verify_email([3; 32], typed(), in_session(&user, &own, at(2))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
        let after = done(world.db.verify_email([2; 32], LinkProof::LinkAlone, in_session(&user, &own, at(3))).await.unwrap().settled().await);
        assert_eq!((after.email_verified_at, world.stored(&own).await.generation), (Some(at(3)), after.generation));
        // The others are used up together with it.
        assert_eq!(world.db.verify_email([1; 32], typed(), terms(at(4))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
        assert_eq!(world.times(Action::EmailVerified).await, 1);
        // Of an address that is confirmed already, one that was mailed later ends nothing.
        world.db.mail_verification(user.id, mailed(bound(VERIFY, 4, "a@example.com", at(5))), terms(at(5))).await.unwrap().settled().await.unwrap();
        let (again, told) = world.db.verify_email([4; 32], LinkProof::LinkAlone, terms(at(6))).await.unwrap().recorded().await;
        assert_eq!((again, told), (Ok(Redeemed { user: after, event: None }), Done::default()));
    }

    /// Somebody registers another person's address and waits for its owner to come (CVE-2026-53516).
    fn a_first_confirmation_by_the_link_alone_does_nothing_and_a_new_password_leaves_the_maker_nothing(world) {
        let (maker, session) = world.signed_in("a@example.com").await;
        world.db.insert_api_key(api_key(maker.id, 1, at(1)), 9, terms(at(1))).await.unwrap().settled().await.unwrap();
        world.db.mail_verification(maker.id, mailed(bound(VERIFY, 1, "a@example.com", at(1))), terms(at(1))).await.unwrap().settled().await.unwrap();
        let moved = mailed(bound(TokenKind::EmailChange, 2, "stranger@example.com", at(1)));
        world.db.ask_for_new_email(maker.id, address("stranger@example.com"), moved, terms(at(1))).await.unwrap().settled().await.unwrap();
        let before = (world.noted().await, world.kinds(), world.db.user(maker.id).await.unwrap());
        // Nor does a session of another user, nor a password that is not the stored one any more.
        let (other, theirs) = world.signed_in("b@example.com").await;
        let noted = world.noted().await;
        for (proof, terms) in [
            (LinkProof::LinkAlone, terms(at(2))),
            (LinkProof::LinkAlone, in_session(&other, &theirs, at(2))),
            (LinkProof::Password(hash(4)), terms(at(2))),
        ] {
            assert_eq!(world.db.verify_email([1; 32], proof, terms).await.unwrap().settled().await, Err(NotRedeemed::ProofNeeded));
        }
        assert_eq!((world.noted().await, world.kinds(), world.db.user(maker.id).await.unwrap()), (noted, before.1, before.2));

        let owner = done(world.db.verify_email([1; 32], LinkProof::NewPassword(hash(7)), terms(at(3))).await.unwrap().settled().await);
        assert_eq!((owner.id, owner.email_verified_at), (maker.id, Some(at(3))));
        assert_eq!(password_of(&world, &owner).await.as_deref(), Some(hash(7).expose()));
        assert!(matches!(world.stored(&session).await.state, SessionState::Ended { .. }));
        assert_eq!(world.db.api_keys(maker.id).await.unwrap(), []);
        assert_eq!(world.db.change_email([2; 32], typed(), terms(at(4))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
        assert_eq!(world.noted().await.pop().unwrap().details["by"], "new_password");
    }

    /// The owner of the new address may know nothing of the account.
    fn a_change_of_address_takes_a_session_or_the_password_beside_the_link(world) {
        let (user, own) = world.signed_in("stranger@example.com").await;
        world.db.issue_token(bound(TokenKind::EmailChange, 1, "victim@example.com", at(1)), user.id, None).await.unwrap();
        for proof in [LinkProof::LinkAlone, LinkProof::NewPassword(hash(7)), LinkProof::Password(hash(4))] {
            assert_eq!(world.db.change_email([1; 32], proof, terms(at(2))).await.unwrap().settled().await, Err(NotRedeemed::ProofNeeded));
        }
        assert_eq!(world.db.user(user.id).await.unwrap().unwrap().email, user.email);
        done(world.db.change_email([1; 32], LinkProof::LinkAlone, in_session(&user, &own, at(3))).await.unwrap().settled().await);
    }

    fn a_registration_that_waits_can_be_confirmed_with_a_new_password_and_then_has_nothing_of_its_maker(world) {
        let (new, link) = waiting("a@example.com", 1, 5, at(1));
        registered(&world, new, link, at(1)).await;
        let owner = done(world.db.verify_email([1; 32], LinkProof::NewPassword(hash(7)), terms(at(2))).await.unwrap().settled().await);
        assert_eq!((password_of(&world, &owner).await.as_deref(), owner.name), (Some(hash(7).expose()), None));
    }

    fn a_registration_waits_until_its_address_is_verified(world) {
        let (new, link) = waiting("a@example.com", 1, 5, at(1));
        registered(&world, new.clone(), link, at(1)).await;
        let user = world.db.user(new.id).await.unwrap().unwrap();
        assert_eq!((password_of(&world, &user).await, world.kinds()), (None, vec!["email_verification".to_owned()]));
        // The link alone says whose the mailbox is, and not who chose the password.
        for proof in [LinkProof::LinkAlone, LinkProof::Password(hash(6))] {
            assert_eq!(world.db.verify_email([1; 32], proof, terms(at(2))).await.unwrap().settled().await, Err(NotRedeemed::ProofNeeded));
        }
        let after = done(world.db.verify_email([1; 32], LinkProof::Password(hash(5)), terms(at(2))).await.unwrap().settled().await);
        assert_eq!((after.email_verified_at, after.name.unwrap().as_str()), (Some(at(2)), "Owner"));
        assert_eq!(password_of(&world, &user).await.as_deref(), Some(hash(5).expose()));
        assert_eq!((world.times(Action::Registered).await, world.times(Action::EmailVerified).await), (1, 1));
    }

    /// Whether an address is known must show in nothing that the request does (docs/rules.md §8).
    fn a_registration_writes_the_same_rows_for_a_new_and_for_every_known_address(world) {
        world.user("known@example.com", Role::USER).await;
        let verified = users::New { email_verified_at: Some(at(0)), ..person("verified@example.com", Role::USER) };
        world.db.insert_user(verified, None, None, terms(at(0))).await.unwrap().settled().await.unwrap();
        let (new, link) = waiting("waits@example.com", 9, 5, at(1));
        registered(&world, new, link, at(1)).await;
        let counted = async || {
            let tables = ["users", "one_time_tokens", "outbox", "audit_events"];
            tables.map(|table| world.number(&format!("SELECT count(*) AS n FROM {table}")))
        };
        for (digest, address) in (1..).zip(["new@example.com", "known@example.com", "verified@example.com", "waits@example.com"]) {
            let before = counted().await;
            let (_, link) = waiting(address, digest, 6, at(2));
            world.db.register_pending(crate::people::address(address), link, terms(at(2))).await.unwrap().settled().await;
            let after = counted().await;
            let written: Vec<_> = before.iter().zip(after).map(|(before, after)| after - before).collect();
            assert_eq!(written, [0, 1, 1, 0], "{address}");
            let mail = world.mails().pop().unwrap();
            assert_eq!((mail.kind.as_str(), mail.who, mail.recipient.as_deref()), ("email_verification", None, Some(address)));
        }
    }

    fn a_change_to_a_taken_address_writes_the_same_rows_as_one_to_a_free_address(world) {
        world.user("taken@example.com", Role::USER).await;
        for (digest, to) in [(1, "taken@example.com"), (2, "free@example.com")] {
            let user = world.user(&format!("user{digest}@example.com"), Role::USER).await;
            let counted = || {
                let tables = ["users", "one_time_tokens", "outbox", "audit_events"];
                tables.map(|table| world.number(&format!("SELECT count(*) AS n FROM {table}")))
            };
            let before = counted();
            let link = mailed(bound(TokenKind::EmailChange, digest, to, at(1)));
            assert!(world.db.ask_for_new_email(user.id, address(to), link, terms(at(1))).await.unwrap().settled().await.is_ok());
            let written: Vec<_> = before.iter().zip(counted()).map(|(before, after)| after - before).collect();
            assert_eq!(written, [0, 1, 2, 1], "{to}");
        }
    }

    fn a_registrations_mail_says_the_same_at_every_attempt(world) {
        let (new, link) = waiting("a@example.com", 1, 5, at(1));
        let said = registered(&world, new.clone(), link.clone(), at(1)).await;
        assert_eq!(said, Settled::Confirm(new.id));
        let other = users::New { id: person("b@example.com", Role::USER).id, ..new.clone() };
        assert_eq!(settled(&world, other, &link, at(2)).await, said);
        assert_eq!(world.times(Action::Registered).await, 1);
    }

    fn a_link_that_is_asked_for_by_address_goes_to_an_unconfirmed_user_alone(world) {
        let again = |digest, email: &str| mailed(bound(VERIFY, digest, email, at(3)));
        let unconfirmed = world.user("unconfirmed@example.com", Role::USER).await;
        let verified = users::New { email_verified_at: Some(at(0)), ..person("verified@example.com", Role::USER) };
        world.db.insert_user(verified, None, None, terms(at(0))).await.unwrap().settled().await.unwrap();
        for (digest, email, expected) in [
            (1, "UNCONFIRMED@example.com", Settled::Confirm(unconfirmed.id)),
            (2, "verified@example.com", Settled::Nothing),
            (3, "unknown@example.com", Settled::Nothing),
        ] {
            let users = world.number("SELECT count(*) AS n FROM users");
            let asker = users::New { password_hash: None, ..person(email, Role::USER) };
            assert_eq!(settled(&world, asker, &again(digest, email), at(3)).await, expected, "{email}");
            assert_eq!(world.number("SELECT count(*) AS n FROM users"), users, "no user is made");
        }
        assert_eq!(done(world.db.verify_email([1; 32], typed(), terms(at(4))).await.unwrap().settled().await).id, unconfirmed.id);
        for digest in [2, 3] {
            assert_eq!(world.db.verify_email([digest; 32], typed(), terms(at(4))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
        }
    }

    fn a_registration_that_waits_goes_with_the_link_that_is_sent_again(world) {
        let (new, link) = waiting("a@example.com", 1, 5, at(1));
        registered(&world, new.clone(), link, at(1)).await;
        assert_eq!(world.db.waiting_password(&new.email).await.unwrap().unwrap().expose(), hash(5).expose());
        let again = mailed(bound(VERIFY, 2, "a@example.com", at(3)));
        assert_eq!(settled(&world, new.clone(), &again, at(3)).await, Settled::Confirm(new.id));
        let user = done(world.db.verify_email([2; 32], LinkProof::Password(hash(5)), terms(at(4))).await.unwrap().settled().await);
        assert_eq!(password_of(&world, &user).await.as_deref(), Some(hash(5).expose()));
        assert!(world.db.waiting_password(&new.email).await.unwrap().is_none(), "it waits no longer");
    }

    /// Each mail carries the password of whoever asked for it: the owner's link sets the owner's.
    fn of_two_who_wait_for_one_address_the_one_who_reads_its_mail_gets_it(world) {
        let (new, link) = waiting("a@example.com", 1, 5, at(1));
        registered(&world, new.clone(), link, at(1)).await;
        let (other, link) = waiting("A@example.com", 2, 6, at(2));
        registered(&world, other.clone(), link, at(2)).await;
        assert_eq!(world.db.user(other.id).await.unwrap(), None);
        let user = done(world.db.verify_email([2; 32], LinkProof::Password(hash(6)), terms(at(3))).await.unwrap().settled().await);
        assert_eq!((user.id, password_of(&world, &user).await.as_deref()), (new.id, Some(hash(6).expose())));
        assert_eq!(world.db.verify_email([1; 32], typed(), terms(at(4))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
        assert_eq!(password_of(&world, &user).await.as_deref(), Some(hash(6).expose()));
    }

    /// By an administrator, by an import, by a registration that did not wait: nobody else's password is put on it.
    fn whoever_has_an_account_is_told_of_the_attempt_and_it_gets_no_other_password(world) {
        let invited = users::New { password_hash: None, ..person("invited@example.com", Role::USER) };
        let (imported, squatted) = (person("imported@example.com", Role::USER), person("squatted@example.com", Role::USER));
        let verified = users::New { email_verified_at: Some(at(0)), ..person("verified@example.com", Role::USER) };
        for (digest, new) in (1..).zip([invited, imported, squatted, verified]) {
            let address = new.email.as_str();
            world.db.insert_user(new.clone(), None, None, terms(at(0))).await.unwrap().settled().await.unwrap();
            let user = world.db.user(new.id).await.unwrap().unwrap();
            let kept = password_of(&world, &user).await;
            let (other, link) = waiting(address, digest, 6, at(2));
            let said = registered(&world, other.clone(), link.clone(), at(2)).await;
            assert_eq!(said, Settled::AlreadyRegistered(user.id));
            let refusals = world.times(Action::RegistrationRefused).await;
            assert_eq!(settled(&world, other, &link, at(2)).await, said, "a second attempt at the mail");
            assert_eq!(world.times(Action::RegistrationRefused).await, refusals, "is noted once");
            assert_eq!(world.noted().await.pop().unwrap().action, Action::RegistrationRefused);
            assert_eq!(world.db.verify_email([digest; 32], typed(), terms(at(3))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
            assert_eq!((world.db.user(user.id).await.unwrap(), password_of(&world, &user).await), (Some(user), kept));
        }
    }

    fn a_registration_that_waits_does_nothing_once_the_account_has_a_password(world) {
        let (new, link) = waiting("a@example.com", 1, 5, at(1));
        registered(&world, new.clone(), link, at(1)).await;
        world.db.set_password(new.id, hash(7), None, terms(at(2))).await.unwrap().settled().await.unwrap();
        // Its mail was held up until then.
        let late = waiting("a@example.com", 2, 6, at(1)).1.token;
        world.db.issue_token(late, new.id, None).await.unwrap();
        for digest in [1, 2] {
            assert_eq!(world.db.verify_email([digest; 32], typed(), terms(at(3))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
        }
        let user = world.db.user(new.id).await.unwrap().unwrap();
        assert_eq!((user.email_verified_at, password_of(&world, &user).await.as_deref()), (None, Some(hash(7).expose())));
    }

    fn a_confirmed_address_is_in_force_and_the_old_one_is_told(world) {
        let (user, session) = world.signed_in("old@example.com").await;
        for (kind, digest) in [(VERIFY, 2), (TokenKind::PasswordReset, 3)] {
            world.db.issue_token(bound(kind, digest, "old@example.com", at(1)), user.id, None).await.unwrap();
        }
        let link = mailed(bound(TokenKind::EmailChange, 1, "new@example.com", at(1)));
        world.db.ask_for_new_email(user.id, address("new@example.com"), link, terms(at(1))).await.unwrap().settled().await.unwrap();
        assert_eq!(world.db.user(user.id).await.unwrap().unwrap().email, user.email);
        let (outcome, told) = world.db.change_email([1; 32], typed(), terms(at(2))).await.unwrap().recorded().await;
        let (after, revocations) = (outcome.unwrap().user, told.revocations);
        assert_eq!((after.email.as_str(), after.email_verified_at, after.generation), ("new@example.com", Some(at(2)), user.generation.raised()));
        assert_eq!(revocations[0].what, Revoked::User(user.id, after.generation));
        assert_eq!(world.stored(&session).await.state, SessionState::Ended { at: at(2), why: EndReason::EmailChanged });
        assert_eq!(world.db.user_by_email(&address("old@example.com")).await.unwrap(), None);
        assert_eq!(world.db.user_by_email(&address("new@example.com")).await.unwrap(), Some(after));
        let notice = world.mails().pop().unwrap();
        assert_eq!((notice.kind.as_str(), notice.recipient.as_deref()), ("email_changed", Some("old@example.com")));
        assert_eq!(world.noted().await.pop().unwrap().action, Action::EmailChanged);
        assert_eq!(world.db.verify_email([2; 32], typed(), terms(at(3))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
        assert_eq!(world.db.reset_password([3; 32], hash(1), terms(at(3))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
    }

    fn an_address_that_is_taken_by_then_leaves_the_link_unused(world) {
        let (user, session) = world.signed_in("a@example.com").await;
        world.db.issue_token(bound(TokenKind::EmailChange, 1, "b@example.com", at(1)), user.id, None).await.unwrap();
        let other = world.user("B@example.com", Role::USER).await;
        let before = (world.noted().await, world.mails());
        assert_eq!(world.db.change_email([1; 32], typed(), terms(at(2))).await.unwrap().settled().await, Err(NotRedeemed::EmailTaken));
        assert_eq!((world.noted().await, world.mails()), before);
        assert_eq!((world.db.user(user.id).await.unwrap().unwrap().generation, world.stored(&session).await), (user.generation, session));
        world.db.delete_user(other.id, vec![], terms(at(3))).await.unwrap().settled().await.unwrap();
        done(world.db.change_email([1; 32], typed(), terms(at(4))).await.unwrap().settled().await);
    }

    fn of_many_who_move_to_one_address_one_does(world) {
        for round in 0..5_u8 {
            let email = format!("same{round}@example.com");
            let mut rivals = Vec::new();
            for n in 0..6_u8 {
                let user = world.user(&format!("u{round}.{n}@example.com"), Role::USER).await;
                let digest = round * 6 + n;
                world.db.issue_token(bound(TokenKind::EmailChange, digest, &email, at(1)), user.id, None).await.unwrap();
                let db = world.db.clone();
                rivals.push(tokio::spawn(async move { db.change_email([digest; 32], typed(), terms(at(2))).await.unwrap().settled().await }));
            }
            let outcomes = all(rivals).await;
            let won = outcomes.iter().filter(|o| o.is_ok()).count();
            assert_eq!((won, outcomes.iter().filter(|o| **o == Err(NotRedeemed::EmailTaken)).count()), (1, 5), "{outcomes:?}");
        }
    }

    fn a_report_brings_the_old_address_back_and_ends_everything(world) {
        let user = world.user("owner@example.com", Role::USER).await;
        world.db.issue_token(bound(TokenKind::EmailChange, 1, "evil@example.com", at(1)), user.id, None).await.unwrap();
        let moved = done(world.db.change_email([1; 32], typed(), terms(at(2))).await.unwrap().settled().await);
        let session = world.sign_in(&moved, at(3)).await;
        world.db.insert_api_key(api_key(user.id, 1, at(3)), 9, terms(at(3))).await.unwrap().settled().await.unwrap();
        world.db.issue_token(bound(TokenKind::Report, 2, "owner@example.com", at(2)), user.id, None).await.unwrap();
        let (outcome, told) = world.db.report([2; 32], terms(at(4))).await.unwrap().recorded().await;
        let (after, revocations) = (outcome.unwrap().user, told.revocations);
        assert_eq!(world.db.user(user.id).await.unwrap().as_ref(), Some(&after));
        assert_eq!((after.email.as_str(), after.email_verified_at), ("owner@example.com", Some(at(4))));
        assert!(after.generation > moved.generation);
        assert_eq!(revocations[0].what, Revoked::User(user.id, after.generation));
        assert_eq!(world.stored(&session).await.state, SessionState::Ended { at: at(4), why: EndReason::Reported });
        assert_eq!((password_of(&world, &user).await, world.db.api_keys(user.id).await.unwrap()), (None, vec![]));
        let last = world.mails().pop().unwrap();
        assert_eq!((last.kind.as_str(), last.recipient), ("reported", None));
        let noted = world.noted().await;
        let actions: Vec<_> = noted.iter().rev().take(2).map(|event| event.action).collect();
        assert_eq!(actions, [Action::Reported, Action::EmailChanged]);
        assert_eq!(world.db.report([2; 32], terms(at(5))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
    }

    /// Whoever took the account over could else keep it by registering the address that it had.
    fn a_report_ends_everything_even_if_the_old_address_is_another_users_by_now(world) {
        let user = world.user("owner@example.com", Role::USER).await;
        world.db.issue_token(bound(TokenKind::EmailChange, 1, "evil@example.com", at(1)), user.id, None).await.unwrap();
        let moved = done(world.db.change_email([1; 32], typed(), terms(at(2))).await.unwrap().settled().await);
        world.user("owner@example.com", Role::USER).await;
        let session = world.sign_in(&moved, at(3)).await;
        world.db.issue_token(bound(TokenKind::Report, 2, "owner@example.com", at(2)), user.id, None).await.unwrap();
        let after = done(world.db.report([2; 32], terms(at(4))).await.unwrap().settled().await);
        assert_eq!(after.email.as_str(), "evil@example.com");
        assert_eq!(world.stored(&session).await.state, SessionState::Ended { at: at(4), why: EndReason::Reported });
        assert_eq!(password_of(&world, &user).await, None);
        let last = world.mails().pop().unwrap();
        assert_eq!((last.kind.as_str(), last.recipient.as_deref()), ("reported", Some("owner@example.com")));
        assert_eq!(world.noted().await.pop().unwrap().details["restored"], "false");
    }

    /// A thief who changed the address twice must not be able to take the owner's way back, nor to use one of their own after it.
    fn of_the_links_of_several_notices_the_earliest_is_left_to_the_last(world) {
        let user = world.user("owner@example.com", Role::USER).await;
        let mut now = 1;
        for (digest, to) in [(1, "evil@example.com"), (2, "worse@example.com")] {
            let from = world.db.user(user.id).await.unwrap().unwrap().email;
            world.db.issue_token(bound(TokenKind::EmailChange, digest, to, at(now)), user.id, None).await.unwrap();
            done(world.db.change_email([digest; 32], typed(), terms(at(now + 1))).await.unwrap().settled().await);
            let report = one_time_tokens::New { email: Some(from), ..one_time(TokenKind::Report, digest + 10, at(now + 2)) };
            assert!(world.db.issue_token(report, user.id, None).await.unwrap());
            now += 3;
        }
        // The thief reports the second change with the link that went to the first of their addresses.
        assert_eq!(done(world.db.report([12; 32], terms(at(now))).await.unwrap().settled().await).email.as_str(), "evil@example.com");
        // The owner's is from before it, and ends what is the thief's.
        assert_eq!(done(world.db.report([11; 32], terms(at(now + 1))).await.unwrap().settled().await).email, user.email);
        for used in [11, 12] {
            assert_eq!(world.db.report([used; 32], terms(at(now + 2))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
        }
        assert_eq!(world.number("SELECT count(*) AS n FROM one_time_tokens"), 0);
    }
}
