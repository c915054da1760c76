//! The causes of mails. The rule: a mail is queued in the transaction of its cause, and only to the user whom it concerns.

use crate::{
    builders::{
        Mail, address, admins, anonymous, at, hash, known, mailed, new_user, one_time, policy, session_of,
        token, typed,
    },
    settled::Settle as _,
};
use auth_domain::{
    one_time::TokenKind,
    role::Role,
    session::{Origin, Session},
    user::{Generation, User},
};
use auth_storage::{one_time_tokens, sessions::SignIn, users};

/// A mail to a user's stored address, or to another one.
fn mail(kind: &str, user: &User, recipient: Option<&str>, facts: &str) -> Mail {
    Mail {
        kind: kind.to_owned(),
        who: Some(user.id.to_string()),
        recipient: recipient.map(str::to_owned),
        facts: facts.to_owned(),
    }
}

const PLAIN: &str = r#"{"ip":"192.0.2.7"}"#;

fn on_device(user: &User, agent: Option<&str>, ip: &str, seconds: i64) -> Session {
    let mut session = session_of(user.id, user.generation, at(seconds));
    session.origin = Origin::new(ip.parse().ok(), agent);
    session
}

on_both! {
    fn a_registration_mails_the_link_that_verifies_its_address(fixture) {
        let new = new_user("a@example.com", Role::USER);
        let verification = mailed(one_time(TokenKind::EmailVerification, 1, at(1)));
        let session = session_of(new.id, Generation::FIRST, at(1));
        fixture.db.insert_user(new.clone(), Some(session), Some(verification), anonymous(at(1))).await.unwrap().settled().await.unwrap();
        let user = fixture.db.user(new.id).await.unwrap().unwrap();
        assert_eq!(fixture.mails(), [mail("email_verification", &user, None, PLAIN)]);
        assert!(fixture.db.one_time_token(TokenKind::EmailVerification, [1; 32], at(2)).await.unwrap().is_some());
        // After a second request the first link still works, so whichever mail arrives is useful.
        let again = mailed(one_time(TokenKind::EmailVerification, 2, at(2)));
        assert!(fixture.db.mail_verification(user.id, again, anonymous(at(2))).await.unwrap().settled().await.is_ok());
        assert_eq!(fixture.kinds().len(), 2);
        for digest in [1, 2] {
            assert!(fixture.db.one_time_token(TokenKind::EmailVerification, [digest; 32], at(3)).await.unwrap().is_some());
        }
    }

    fn a_reset_by_address_writes_the_same_row_for_known_and_unknown_ones(fixture) {
        fixture.user("a@example.com", Role::USER).await;
        for (n, address) in [(1, "a@example.com"), (2, "nobody@example.com")] {
            fixture.db.ask_for_reset(address.to_owned(), anonymous(at(n))).await.unwrap().settled().await;
        }
        let row = |recipient: &str| Mail { kind: "password_reset".into(), who: None, recipient: Some(recipient.into()), facts: PLAIN.into() };
        assert_eq!(fixture.mails(), [row("a@example.com"), row("nobody@example.com")]);
        // The user is not known yet, so nothing is logged before the worker finds out.
        assert_eq!(fixture.times(auth_domain::audit::Action::PasswordResetRequested).await, 0);
    }

    fn events_that_concern_the_owner_send_a_notice(fixture) {
        let (user, session) = fixture.signed_in("a@example.com").await;
        fixture.db.set_password(user.id, hash(1), Some(session.id), anonymous(at(1))).await.unwrap().settled().await.unwrap();
        for (number, seconds) in [(0, 60), (1, 120), (0, 180)] {
            fixture.db.rotate(session.id, token(number), policy(), false, anonymous(at(seconds))).await.unwrap().settled().await;
        }
        fixture.db.mail_reset(user.id, anonymous(at(181))).await.unwrap().settled().await.unwrap();
        let moved = mailed(one_time(TokenKind::EmailChange, 1, at(182)));
        fixture.db.ask_for_new_email(user.id, address("b@example.com"), moved, anonymous(at(182))).await.unwrap().settled().await.unwrap();
        fixture.db.delete_user(user.id, admins(), anonymous(at(183))).await.unwrap().settled().await.unwrap();
        let mut mails = fixture.mails();
        // The two mails of one change differ in nothing but their ids.
        mails.sort_by_key(|mail| (mail.kind == "account_deleted", mail.kind.clone()));
        assert_eq!(mails, [
            mail("email_change_confirm", &user, Some("b@example.com"), PLAIN),
            mail("email_change_requested", &user, None, PLAIN),
            mail("password_changed", &user, None, PLAIN),
            mail("password_reset", &user, None, PLAIN),
            mail("refresh_token_reuse", &user, None, r#"{"ip":"192.0.2.7","user_agent":"curl/8"}"#),
            mail("account_deleted", &user, Some("a@example.com"), PLAIN),
        ]);
    }

    /// docs/rules.md §5: a stranger who registers with another user's address chooses the address that they request to change to.
    fn a_notice_names_the_new_address_only_if_the_old_one_is_confirmed(fixture) {
        for (email, confirmed, expected) in [("a@example.com", false, None), ("c@example.com", true, Some("new@example.com"))] {
            let user = users::New { email_verified_at: confirmed.then(|| at(0)), ..new_user(email, Role::USER) };
            fixture.db.insert_user(user.clone(), None, None, anonymous(at(0))).await.unwrap().settled().await.unwrap();
            let new = address("new@example.com");
            let moved = mailed(one_time(TokenKind::EmailChange, 1, at(3)));
            let moved = one_time_tokens::Mailed { token: one_time_tokens::New { email: Some(new.clone()), ..moved.token }, ..moved };
            fixture.db.ask_for_new_email(user.id, new, moved, anonymous(at(3))).await.unwrap().settled().await.unwrap();
            fixture.db.change_email([1; 32], typed(), anonymous(at(4))).await.unwrap().settled().await.unwrap();
            for kind in ["email_change_requested", "email_changed"] {
                let of_user = |mail: &&Mail| mail.kind == kind && mail.who == Some(user.id.to_string());
                let mails = fixture.mails();
                let facts: serde_json::Value = serde_json::from_str(&mails.iter().find(of_user).unwrap().facts).unwrap();
                assert_eq!(facts.get("new_email").and_then(|new| new.as_str()), expected, "{kind} to {email}");
            }
            fixture.db.delete_user(user.id, admins(), anonymous(at(5))).await.unwrap().settled().await.unwrap();
        }
    }

    fn a_new_device_sends_a_notice_and_the_first_or_a_known_one_does_not(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        let sign_in = async |agent, ip, known_device, seconds| {
            let first = seconds == 1;
            let sign_in = SignIn { known_device, first, ..known(on_device(&user, agent, ip, seconds)) };
            fixture.db.start_session(sign_in, anonymous(at(seconds))).await.unwrap().settled().await.unwrap();
            fixture.kinds().len()
        };
        let (here, there) = ("192.0.2.1", "198.51.100.1");
        // The first sign-in of all, the same device again, and one with the cookie of a known device.
        assert_eq!(sign_in(Some("firefox"), here, false, 1).await, 0);
        assert_eq!(sign_in(Some("firefox"), here, false, 2).await, 0);
        assert_eq!(sign_in(Some("safari"), there, true, 3).await, 0);
        assert_eq!(sign_in(Some("curl"), here, false, 4).await, 1);
        assert_eq!(fixture.mails()[0], mail("new_device", &user, None, r#"{"ip":"192.0.2.7","user_agent":"curl"}"#));
        // The name of a browser identifies no device.
        assert_eq!(sign_in(Some("firefox"), there, false, 5).await, 2);
        assert_eq!(sign_in(None, here, false, 6).await, 3);
        assert_eq!(sign_in(None, here, false, 7).await, 3);
    }
}
