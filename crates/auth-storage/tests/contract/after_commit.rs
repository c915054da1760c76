//! The work after a commit. The rule: it is exactly what the write caused: every revocation that it recorded, and whether it queued a
//! mail that should leave at once. Mails requested by address alone wait for the worker's next round.

use crate::{
    builders::{
        address, admins, anonymous, api_key, at, hash, known, mailed, new_user, one_time, policy, session_of,
        t0, token, typed, unique_bytes,
    },
    fixture::Fixture,
    settled::Settle,
};
use auth_domain::{
    address_link::LinkProof,
    ids::TokenId,
    one_time::TokenKind,
    revocation::Revocation,
    role::Role,
    session::{EndReason, Session},
    user::{User, UserStatus},
};
use auth_storage::{StorageError, one_time_tokens, sessions::SignIn, users};
use diesel::{QueryableByName, sql_types::Text};
use std::collections::BTreeMap;

/// Settles a write, and compares the work after its commit with what it wrote. Returns whether it revoked, and whether it woke the
/// mail worker.
async fn compared<W: Settle>(
    fixture: &Fixture,
    write: impl Future<Output = Result<W, StorageError>>,
) -> (bool, bool) {
    let recorded = async || {
        let batch = fixture.db.revocations_since(None).await.unwrap();
        let known: BTreeMap<_, _> = batch
            .revocations
            .into_iter()
            .map(|(r, at)| (format!("{r:?}"), at))
            .collect();
        known
    };
    let to_users =
        || fixture.rows::<MailId>("SELECT CAST(id AS TEXT) AS id FROM outbox WHERE user_id IS NOT NULL");
    let (before, mails) = (recorded().await, to_users());
    let (_, done) = write.await.unwrap().recorded().await;
    let new: Vec<_> = recorded()
        .await
        .into_iter()
        .filter(|(r, at)| before.get(r) != Some(at))
        .map(|(r, _)| r)
        .collect();
    let mut announced: Vec<_> = done
        .revocations
        .iter()
        .map(|r: &Revocation| format!("{r:?}"))
        .collect();
    announced.sort();
    assert_eq!(announced, new);
    assert_eq!(done.mail, to_users().iter().any(|mail| !mails.contains(mail)));
    (!done.revocations.is_empty(), done.mail)
}

/// A row of the outbox.
#[derive(QueryableByName, PartialEq)]
struct MailId {
    #[diesel(sql_type = Text)]
    id: String,
}

const NOTHING: (bool, bool) = (false, false);
const REVOKES: (bool, bool) = (true, false);
const MAILS: (bool, bool) = (false, true);
const BOTH: (bool, bool) = (true, true);

fn bound(kind: TokenKind, digest: u8, to: &str) -> one_time_tokens::New {
    one_time_tokens::New {
        email: Some(address(to)),
        ..one_time(kind, digest, at(1))
    }
}

/// A user of this name, with a session and a link of a kind.
async fn with_link(fixture: &Fixture, name: &str, kind: TokenKind, digest: u8) -> (User, Session) {
    let email = format!("{name}@example.com");
    let (user, session) = fixture.signed_in(&email).await;
    fixture
        .db
        .issue_token(bound(kind, digest, &email), user.id, None)
        .await
        .unwrap();
    (user, session)
}

on_both! {
    fn account_changes_leave_exactly_the_work_that_they_caused(fixture) {
        let db = &fixture.db;
        let verification = |digest| mailed(bound(TokenKind::EmailVerification, digest, "new@example.com"));
        assert_eq!(compared(&fixture, db.insert_user(new_user("quiet@example.com", Role::USER), None, None, anonymous(at(1)))).await, NOTHING);
        let new = new_user("new@example.com", Role::USER);
        assert_eq!(compared(&fixture, db.insert_user(new, None, Some(verification(1)), anonymous(at(1)))).await, MAILS);
        let taken = new_user("new@example.com", Role::USER);
        assert_eq!(compared(&fixture, db.insert_user(taken, None, Some(verification(2)), anonymous(at(1)))).await, NOTHING);
        assert_eq!(compared(&fixture, db.invite_user(new_user("invited@example.com", Role::USER), anonymous(at(1)))).await, MAILS);
        let change = |n: u32, change| { let fixture = fixture.clone(); async move {
            let (user, _) = fixture.signed_in(&format!("changed{n}@example.com")).await;
            compared(&fixture, fixture.db.change_user(user.id, change, admins(), anonymous(at(2)))).await
        }};
        assert_eq!(change(1, users::Change { name: Some(None), ..users::Change::default() }).await, NOTHING);
        assert_eq!(change(2, users::Change { role: Some(Role::VIEWER), ..users::Change::default() }).await, REVOKES);
        assert_eq!(change(3, users::Change { status: Some(UserStatus::Disabled), ..users::Change::default() }).await, REVOKES);
        let (a, own) = fixture.signed_in("a@example.com").await;
        assert_eq!(compared(&fixture, db.set_password(a.id, hash(3), Some(own.id), anonymous(at(2)))).await, BOTH);
        let (b, _) = fixture.signed_in("b@example.com").await;
        assert_eq!(compared(&fixture, db.lock_out(b.id, anonymous(at(2)))).await, BOTH);
        let (c, _) = fixture.signed_in("c@example.com").await;
        assert_eq!(compared(&fixture, db.delete_user(c.id, admins(), anonymous(at(2)))).await, BOTH);
        assert_eq!(compared(&fixture, db.delete_user(c.id, admins(), anonymous(at(3)))).await, NOTHING);
        let (d, _) = fixture.signed_in("d@example.com").await;
        assert_eq!(compared(&fixture, db.insert_api_key(api_key(d.id, 1, at(2)), 1, anonymous(at(2)))).await, MAILS);
        assert_eq!(compared(&fixture, db.insert_api_key(api_key(d.id, 2, at(2)), 1, anonymous(at(2)))).await, NOTHING);
    }

    fn session_changes_leave_exactly_the_work_that_they_caused(fixture) {
        let db = &fixture.db;
        let (user, first) = fixture.signed_in("a@example.com").await;
        let next = |n| session_of(user.id, user.generation, at(n));
        assert_eq!(compared(&fixture, db.start_session(known(next(1)), anonymous(at(1)))).await, NOTHING);
        let mut elsewhere = SignIn { known_device: false, ..known(next(2)) };
        elsewhere.session.origin.user_agent = Some("another".to_owned());
        assert_eq!(compared(&fixture, db.start_session(elsewhere, anonymous(at(2)))).await, MAILS);
        let crowded = SignIn { max_per_user: 2, ..known(next(3)) };
        assert_eq!(compared(&fixture, db.start_session(crowded, anonymous(at(3)))).await, REVOKES);
        let ended = known(session_of(user.id, user.generation.raised(), at(4)));
        assert_eq!(compared(&fixture, db.start_session(ended, anonymous(at(4)))).await, NOTHING);
        let second = fixture.sign_in(&user, at(5)).await;
        for noted in [false, true] {
            let (_, session) = fixture.signed_in(&format!("{noted}@example.com")).await;
            let rotate = |number, seconds| db.rotate(session.id, token(number), policy(), noted, anonymous(at(seconds)));
            assert_eq!(compared(&fixture, rotate(0, 60)).await, NOTHING);
            assert_eq!(compared(&fixture, rotate(1, 120)).await, NOTHING);
            assert_eq!(compared(&fixture, rotate(0, 180)).await, BOTH);
            assert_eq!(compared(&fixture, rotate(0, 181)).await, NOTHING);
        }
        assert_eq!(compared(&fixture, db.end_session(second.id, None, EndReason::Logout, anonymous(at(6)))).await, REVOKES);
        assert_eq!(compared(&fixture, db.end_session(second.id, Some(fixture.user("b@example.com", Role::USER).await.id), EndReason::Logout, anonymous(at(6)))).await, NOTHING);
        assert_eq!(compared(&fixture, db.end_other_sessions(user.id, first.id, EndReason::EndedByUser, anonymous(at(7)))).await, REVOKES);
        assert_eq!(compared(&fixture, db.revoke_token(TokenId::from_parts(t0(), unique_bytes()), anonymous(at(8)))).await, REVOKES);
        let (other, _) = fixture.signed_in("c@example.com").await;
        assert_eq!(compared(&fixture, db.end_user_sessions(other.id, EndReason::LogoutAll, anonymous(at(9)))).await, REVOKES);
    }

    fn link_redemptions_leave_exactly_the_work_that_they_caused(fixture) {
        let db = &fixture.db;
        // By address alone, no worker is woken, whether the address is known or not.
        let (known, _) = fixture.signed_in("known@example.com").await;
        for to in ["known@example.com", "unknown@example.com"] {
            assert_eq!(compared(&fixture, db.ask_for_reset(to.to_owned(), anonymous(at(1)))).await, NOTHING);
            assert_eq!(compared(&fixture, db.ask_for_verification(to.to_owned(), anonymous(at(1)))).await, NOTHING);
            let link = mailed(one_time(TokenKind::EmailVerification, to.len() as u8, at(1)));
            assert_eq!(compared(&fixture, db.register_pending(address(to), link, anonymous(at(1)))).await, NOTHING);
        }
        assert_eq!(fixture.mails().len(), 6);
        assert_eq!(compared(&fixture, db.mail_reset(known.id, anonymous(at(2)))).await, MAILS);
        let link = mailed(bound(TokenKind::EmailVerification, 1, "known@example.com"));
        assert_eq!(compared(&fixture, db.mail_verification(known.id, link, anonymous(at(2)))).await, MAILS);
        let link = mailed(bound(TokenKind::EmailChange, 2, "moved@example.com"));
        assert_eq!(compared(&fixture, db.ask_for_new_email(known.id, address("moved@example.com"), link, anonymous(at(2)))).await, MAILS);
        assert_eq!(compared(&fixture, db.change_email([2; 32], LinkProof::LinkAlone, anonymous(at(3)))).await, NOTHING);
        assert_eq!(compared(&fixture, db.change_email([2; 32], typed(), anonymous(at(3)))).await, BOTH);
        with_link(&fixture, "reset", TokenKind::PasswordReset, 3).await;
        assert_eq!(compared(&fixture, db.reset_password([3; 32], hash(3), anonymous(at(4)))).await, BOTH);
        assert_eq!(compared(&fixture, db.reset_password([3; 32], hash(3), anonymous(at(5)))).await, NOTHING);
        with_link(&fixture, "verify", TokenKind::EmailVerification, 4).await;
        assert_eq!(compared(&fixture, db.verify_email([4; 32], typed(), anonymous(at(6)))).await, REVOKES);
        with_link(&fixture, "report", TokenKind::Report, 5).await;
        assert_eq!(compared(&fixture, db.report([5; 32], anonymous(at(7)))).await, BOTH);
    }
}
