//! The lock-out of a user: what is written besides the end of every credential. `fates` shows that no credential is left.

use crate::builders::{address, anonymous, api_key, at, hash, mailed, one_time};
use crate::settled::Settle as _;
use auth_domain::{
    audit::Action,
    one_time::TokenKind,
    revocation::Revoked,
    role::Role,
    session::{EndReason, SessionState},
    user::UserStatus,
};
use auth_storage::{one_time_tokens, users};

on_both! {
    fn a_lock_out_leaves_no_working_credential(fixture) {
        let (user, session) = fixture.signed_in("a@example.com").await;
        let (bystander, theirs) = fixture.signed_in("b@example.com").await;
        for (digest, owner) in [(1, &user), (2, &bystander)] {
            fixture.db.insert_api_key(api_key(owner.id, digest, at(1)), 9, anonymous(at(1))).await.unwrap().settled().await.unwrap();
        }
        for (digest, kind) in (10..).zip([TokenKind::PasswordReset, TokenKind::Report]) {
            fixture.db.issue_token(one_time(kind, digest, at(1)), user.id, None).await.unwrap();
        }
        let verification = one_time_tokens::New { email: Some(user.email.clone()), ..one_time(TokenKind::EmailVerification, 12, at(1)) };
        fixture.db.mail_verification(user.id, mailed(verification), anonymous(at(1))).await.unwrap().settled().await.unwrap();
        let moved = mailed(one_time_tokens::New { email: Some(address("new@example.com")), ..one_time(TokenKind::EmailChange, 13, at(1)) });
        fixture.db.ask_for_new_email(user.id, address("new@example.com"), moved, anonymous(at(2))).await.unwrap().settled().await.unwrap();
        fixture.db.mail_reset(user.id, anonymous(at(3))).await.unwrap().settled().await.unwrap();
        fixture.db.mail_reset(bystander.id, anonymous(at(4))).await.unwrap().settled().await.unwrap();

        let (outcome, done) = fixture.db.lock_out(user.id, anonymous(at(5))).await.unwrap().recorded().await;
        let users::Changed { user: after, sessions_ended } = outcome.unwrap();
        assert_eq!(fixture.db.user(user.id).await.unwrap().as_ref(), Some(&after));
        // The user recovers by a reset, so the account stays active.
        assert_eq!((after.status, sessions_ended), (UserStatus::Active, 1));
        // Notices are still sent. Mails with a link are not, nor is a reset that was requested by address before.
        let mine: Vec<_> = fixture.mails().into_iter().filter(|mail| mail.who == Some(user.id.to_string())).map(|mail| mail.kind).collect();
        assert_eq!(mine, ["api_key_created", "email_change_requested", "locked_out"]);
        assert!(!fixture.db.issue_token(one_time(TokenKind::PasswordReset, 14, at(4)), user.id, None).await.unwrap());
        assert_eq!(done.revocations.iter().map(|r| r.what).collect::<Vec<_>>(), [Revoked::User(user.id, after.generation)]);
        let ended = SessionState::Ended { at: at(5), why: EndReason::LockedOut };
        assert_eq!(fixture.stored(&session).await.state, ended);
        let noted = fixture.noted().await.pop().unwrap();
        assert_eq!((noted.action, noted.subject), (Action::UserLockedOut, Some(user.id)));

        // No other user is affected.
        assert_eq!(fixture.stored(&theirs).await, theirs);
        assert_eq!(fixture.db.api_keys(bystander.id).await.unwrap().len(), 1);
        assert!(fixture.mails().iter().any(|mail| mail.kind == "password_reset" && mail.who == Some(bystander.id.to_string())));
    }

    fn a_locked_out_user_recovers_by_a_reset(fixture) {
        let user = fixture.user("a@example.com", Role::USER).await;
        fixture.db.lock_out(user.id, anonymous(at(1))).await.unwrap().settled().await.unwrap();
        assert!(fixture.db.mail_reset(user.id, anonymous(at(2))).await.unwrap().settled().await.is_ok());
        let link = one_time_tokens::New { email: Some(user.email.clone()), ..one_time(TokenKind::PasswordReset, 1, at(2)) };
        assert!(fixture.db.issue_token(link, user.id, None).await.unwrap());
        fixture.db.reset_password([1; 32], hash(3), anonymous(at(3))).await.unwrap().settled().await.unwrap();
        let back = fixture.db.credentials_of(user.id).await.unwrap().unwrap();
        assert_eq!(back.password_hash.unwrap().expose(), hash(3).expose());
        fixture.sign_in(&back.user, at(4)).await;
    }
}
