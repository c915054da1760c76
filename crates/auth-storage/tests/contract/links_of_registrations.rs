//! Links of registrations that wait for the verification of their address. The rule: they are the same for every address, and none
//! gives access to another user.

use crate::{
    builders::{anonymous, at, hash, mailed, new_user, typed},
    fixture::Fixture,
    links_of_addresses::{VERIFY, bound, done, password_of},
    settled::Settle as _,
};
use auth_domain::{address_link::LinkProof, audit::Action, role::Role, time::Timestamp, user::DisplayName};
use auth_storage::{
    links::NotRedeemed,
    one_time_tokens::{self, Pending},
    registrations::VerificationMail,
    users,
};

/// A registration that waits for the verification of its address.
fn waiting(email: &str, digest: u8, password: u8, now: Timestamp) -> (users::New, one_time_tokens::Mailed) {
    let new = users::New {
        password_hash: None,
        name: None,
        ..new_user(email, Role::USER)
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

/// The same, up to its mail, whose content is decided when it is sent.
async fn registered(
    fixture: &Fixture,
    new: users::New,
    link: one_time_tokens::Mailed,
    now: Timestamp,
) -> VerificationMail {
    fixture
        .db
        .register_pending(new.email.clone(), link.clone(), anonymous(now))
        .await
        .unwrap()
        .settled()
        .await;
    settled(fixture, new, &link, now).await
}

/// The worker's decision about a mail, at each attempt to send it.
async fn settled(
    fixture: &Fixture,
    new: users::New,
    link: &one_time_tokens::Mailed,
    now: Timestamp,
) -> VerificationMail {
    let token = one_time_tokens::New {
        pending: None,
        ..link.token.clone()
    };
    fixture
        .db
        .decide_verification_mail(token, new, anonymous(now))
        .await
        .unwrap()
}

on_both! {
    fn a_pending_registration_confirmed_with_a_new_password_keeps_nothing_of_the_registrant(fixture) {
        let (new, link) = waiting("a@example.com", 1, 5, at(1));
        registered(&fixture, new, link, at(1)).await;
        let owner = done(fixture.db.verify_email([1; 32], LinkProof::NewPassword(hash(7)), anonymous(at(2))).await.unwrap().settled().await);
        assert_eq!((password_of(&fixture, &owner).await.as_deref(), owner.name), (Some(hash(7).expose()), None));
    }

    fn a_registration_waits_until_its_address_is_verified(fixture) {
        let (new, link) = waiting("a@example.com", 1, 5, at(1));
        registered(&fixture, new.clone(), link, at(1)).await;
        let user = fixture.db.user(new.id).await.unwrap().unwrap();
        assert_eq!((password_of(&fixture, &user).await, fixture.kinds()), (None, vec!["email_verification".to_owned()]));
        // The link alone proves who owns the mailbox, and not who chose the password.
        for proof in [LinkProof::LinkAlone, LinkProof::Password(hash(6))] {
            assert_eq!(fixture.db.verify_email([1; 32], proof, anonymous(at(2))).await.unwrap().settled().await, Err(NotRedeemed::ProofNeeded));
        }
        let after = done(fixture.db.verify_email([1; 32], LinkProof::Password(hash(5)), anonymous(at(2))).await.unwrap().settled().await);
        assert_eq!((after.email_verified_at, after.name.unwrap().as_str()), (Some(at(2)), "Owner"));
        assert_eq!(password_of(&fixture, &user).await.as_deref(), Some(hash(5).expose()));
        assert_eq!((fixture.times(Action::Registered).await, fixture.times(Action::EmailVerified).await), (1, 1));
    }

    /// Nothing that the request writes may reveal whether an address is known (docs/rules.md §8).
    fn a_registration_writes_the_same_rows_for_a_new_and_for_every_known_address(fixture) {
        fixture.user("known@example.com", Role::USER).await;
        let verified = users::New { email_verified_at: Some(at(0)), ..new_user("verified@example.com", Role::USER) };
        fixture.db.insert_user(verified, None, None, anonymous(at(0))).await.unwrap().settled().await.unwrap();
        let (new, link) = waiting("waits@example.com", 9, 5, at(1));
        registered(&fixture, new, link, at(1)).await;
        let counted = async || {
            let tables = ["users", "one_time_tokens", "outbox", "audit_events"];
            tables.map(|table| fixture.number(&format!("SELECT count(*) AS n FROM {table}")))
        };
        for (digest, address) in (1..).zip(["new@example.com", "known@example.com", "verified@example.com", "waits@example.com"]) {
            let before = counted().await;
            let (_, link) = waiting(address, digest, 6, at(2));
            fixture.db.register_pending(crate::builders::address(address), link, anonymous(at(2))).await.unwrap().settled().await;
            let after = counted().await;
            let written: Vec<_> = before.iter().zip(after).map(|(before, after)| after - before).collect();
            assert_eq!(written, [0, 1, 1, 0], "{address}");
            let mail = fixture.mails().pop().unwrap();
            assert_eq!((mail.kind.as_str(), mail.who, mail.recipient.as_deref()), ("email_verification", None, Some(address)));
        }
    }

    fn a_registrations_mail_says_the_same_at_every_attempt(fixture) {
        let (new, link) = waiting("a@example.com", 1, 5, at(1));
        let said = registered(&fixture, new.clone(), link.clone(), at(1)).await;
        assert_eq!(said, VerificationMail::Confirm(new.id));
        let other = users::New { id: new_user("b@example.com", Role::USER).id, ..new.clone() };
        assert_eq!(settled(&fixture, other, &link, at(2)).await, said);
        assert_eq!(fixture.times(Action::Registered).await, 1);
    }

    fn a_link_requested_by_address_is_sent_to_an_unconfirmed_user_only(fixture) {
        let again = |digest, email: &str| mailed(bound(VERIFY, digest, email, at(3)));
        let unconfirmed = fixture.user("unconfirmed@example.com", Role::USER).await;
        let verified = users::New { email_verified_at: Some(at(0)), ..new_user("verified@example.com", Role::USER) };
        fixture.db.insert_user(verified, None, None, anonymous(at(0))).await.unwrap().settled().await.unwrap();
        for (digest, email, expected) in [
            (1, "UNCONFIRMED@example.com", VerificationMail::Confirm(unconfirmed.id)),
            (2, "verified@example.com", VerificationMail::Nothing),
            (3, "unknown@example.com", VerificationMail::Nothing),
        ] {
            let users = fixture.number("SELECT count(*) AS n FROM users");
            let asker = users::New { password_hash: None, ..new_user(email, Role::USER) };
            assert_eq!(settled(&fixture, asker, &again(digest, email), at(3)).await, expected, "{email}");
            assert_eq!(fixture.number("SELECT count(*) AS n FROM users"), users, "no user is made");
        }
        assert_eq!(done(fixture.db.verify_email([1; 32], typed(), anonymous(at(4))).await.unwrap().settled().await).id, unconfirmed.id);
        for digest in [2, 3] {
            assert_eq!(fixture.db.verify_email([digest; 32], typed(), anonymous(at(4))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
        }
    }

    fn a_pending_registration_moves_to_the_link_that_is_sent_again(fixture) {
        let (new, link) = waiting("a@example.com", 1, 5, at(1));
        registered(&fixture, new.clone(), link, at(1)).await;
        assert_eq!(fixture.db.waiting_password(&new.email).await.unwrap().unwrap().expose(), hash(5).expose());
        let again = mailed(bound(VERIFY, 2, "a@example.com", at(3)));
        assert_eq!(settled(&fixture, new.clone(), &again, at(3)).await, VerificationMail::Confirm(new.id));
        let user = done(fixture.db.verify_email([2; 32], LinkProof::Password(hash(5)), anonymous(at(4))).await.unwrap().settled().await);
        assert_eq!(password_of(&fixture, &user).await.as_deref(), Some(hash(5).expose()));
        assert!(fixture.db.waiting_password(&new.email).await.unwrap().is_none(), "it waits no longer");
    }

    /// Each link sets the password of the registration that requested it: the owner's link sets the owner's.
    fn of_two_pending_registrations_the_owner_of_the_mailbox_gets_the_address(fixture) {
        let (new, link) = waiting("a@example.com", 1, 5, at(1));
        registered(&fixture, new.clone(), link, at(1)).await;
        let (other, link) = waiting("A@example.com", 2, 6, at(2));
        registered(&fixture, other.clone(), link, at(2)).await;
        assert_eq!(fixture.db.user(other.id).await.unwrap(), None);
        let user = done(fixture.db.verify_email([2; 32], LinkProof::Password(hash(6)), anonymous(at(3))).await.unwrap().settled().await);
        assert_eq!((user.id, password_of(&fixture, &user).await.as_deref()), (new.id, Some(hash(6).expose())));
        assert_eq!(fixture.db.verify_email([1; 32], typed(), anonymous(at(4))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
        assert_eq!(password_of(&fixture, &user).await.as_deref(), Some(hash(6).expose()));
    }

    /// Whether an administrator, an import or a registration created the account: a later registration does not set its password.
    fn the_owner_of_an_account_gets_a_notice_of_the_attempt_and_keeps_their_password(fixture) {
        let invited = users::New { password_hash: None, ..new_user("invited@example.com", Role::USER) };
        let (imported, squatted) = (new_user("imported@example.com", Role::USER), new_user("squatted@example.com", Role::USER));
        let verified = users::New { email_verified_at: Some(at(0)), ..new_user("verified@example.com", Role::USER) };
        for (digest, new) in (1..).zip([invited, imported, squatted, verified]) {
            let address = new.email.as_str();
            fixture.db.insert_user(new.clone(), None, None, anonymous(at(0))).await.unwrap().settled().await.unwrap();
            let user = fixture.db.user(new.id).await.unwrap().unwrap();
            let kept = password_of(&fixture, &user).await;
            let (other, link) = waiting(address, digest, 6, at(2));
            let said = registered(&fixture, other.clone(), link.clone(), at(2)).await;
            assert_eq!(said, VerificationMail::AlreadyRegistered(user.id));
            let refusals = fixture.times(Action::RegistrationRefused).await;
            assert_eq!(settled(&fixture, other, &link, at(2)).await, said, "a second attempt at the mail");
            assert_eq!(fixture.times(Action::RegistrationRefused).await, refusals, "is noted once");
            assert_eq!(fixture.noted().await.pop().unwrap().action, Action::RegistrationRefused);
            assert_eq!(fixture.db.verify_email([digest; 32], typed(), anonymous(at(3))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
            assert_eq!((fixture.db.user(user.id).await.unwrap(), password_of(&fixture, &user).await), (Some(user), kept));
        }
    }

    fn a_pending_registration_does_nothing_once_the_account_has_a_password(fixture) {
        let (new, link) = waiting("a@example.com", 1, 5, at(1));
        registered(&fixture, new.clone(), link, at(1)).await;
        fixture.db.set_password(new.id, hash(7), None, anonymous(at(2))).await.unwrap().settled().await.unwrap();
        // Its mail was delayed until then.
        let late = waiting("a@example.com", 2, 6, at(1)).1.token;
        fixture.db.issue_token(late, new.id, None).await.unwrap();
        for digest in [1, 2] {
            assert_eq!(fixture.db.verify_email([digest; 32], typed(), anonymous(at(3))).await.unwrap().settled().await, Err(NotRedeemed::InvalidToken));
        }
        let user = fixture.db.user(new.id).await.unwrap().unwrap();
        assert_eq!((user.email_verified_at, password_of(&fixture, &user).await.as_deref()), (None, Some(hash(7).expose())));
    }
}
