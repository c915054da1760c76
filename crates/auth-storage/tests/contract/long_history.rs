//! A user with a long history, and the requests of a user's day. The rule: one user's history slows down no other request; `skew`
//! counts rows, and `tests/plans` reads plans.

use crate::{
    builders::{anonymous, at, hash, known, mailed, one_time, policy, session_of, token},
    fixture::Fixture,
    settled::Settle as _,
};
use auth_domain::{
    address_link::LinkProof,
    one_time::TokenKind,
    session::{EndReason, Origin},
    user::User,
};
use auth_storage::{Pagination, Storage, audit, sessions};

/// A first page.
const FIRST: Pagination = Pagination {
    after: None,
    limit: 50,
};

/// Gives a user 100,000 ended sessions, 100,000 audit events, 10,000 mails and 10,000 links.
pub(crate) fn add_long_history(fixture: &Fixture, user: &User) {
    let (numbers, id, owner, instant, later, blob) = if fixture.is_sqlite() {
        (
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000)",
            "printf('00000000-0000-7000-8001-%012x', n)",
            format!("'{}'", user.id),
            "n",
            "4000000000000000",
            "CAST(zeroblob(24) || printf('%08x', n) AS BLOB)",
        )
    } else {
        (
            "WITH numbers AS (SELECT generate_series(1, 100000) AS n)",
            "('00000000-0000-7000-8001-' || lpad(to_hex(n), 12, '0'))::uuid",
            format!("'{}'::uuid", user.id),
            "to_timestamp(n)",
            "to_timestamp(4000000000)",
            "decode('ff' || lpad(to_hex(n), 62, '0'), 'hex')",
        )
    };
    fixture.execute(&format!(
        "INSERT INTO sessions (id, user_id, generation, created_at, rotation, rotated_at, refresh_expires_at, access_until, ended_at,
            end_reason, ip, user_agent)
         {numbers} SELECT {id}, {owner}, 0, {instant}, 0, {instant}, {later}, {instant}, {instant}, 'logout', '2001:db8::7', 'a script'
         FROM numbers;
         INSERT INTO audit_events (id, at, actor, actor_id, action, subject, details, batch)
         {numbers} SELECT {id}, {instant}, 'user', {owner}, 'signed_in', {owner}, '{{}}', 1 FROM numbers;
         INSERT INTO outbox (id, kind, user_id, facts, created_at, due_at, outcome, done_at)
         {numbers} SELECT {id}, 'new_device', {owner}, '{{}}', {instant}, {instant}, 'sent', {instant} FROM numbers WHERE n <= 10000;
         INSERT INTO one_time_tokens (id, kind, user_id, digest, created_at, expires_at)
         {numbers} SELECT {id}, 'report', {owner}, {blob}, {instant}, {later} FROM numbers WHERE n <= 10000;
         ANALYZE;"
    ));
}

/// The requests of a user, and those of administrators about them.
pub(crate) async fn a_day_of_requests(db: &Storage, user: &User, first_link: u8) {
    let id = user.id;
    let mut sign_in = known(session_of(id, user.generation, at(1)));
    let session = sign_in.session.id;
    sign_in.known_device = false;
    sign_in.session.origin = Origin::new("192.0.2.1".parse().ok(), Some("a new one"));
    db.start_session(sign_in, anonymous(at(1)))
        .await
        .unwrap()
        .settled()
        .await
        .unwrap();
    db.start_session(known(session_of(id, user.generation, at(2))), anonymous(at(2)))
        .await
        .unwrap()
        .settled()
        .await
        .unwrap();
    db.rotate(session, token(0), policy(), true, anonymous(at(60)))
        .await
        .unwrap()
        .settled()
        .await
        .unwrap();
    for filter in [
        sessions::Filter::Active,
        sessions::Filter::Ended,
        sessions::Filter::All,
    ] {
        db.sessions(id, filter, at(61), FIRST).await.unwrap();
    }
    for filter in [
        audit::Filter {
            user: Some(id),
            ..audit::Filter::default()
        },
        audit::Filter {
            subject: Some(id),
            ..audit::Filter::default()
        },
    ] {
        db.audit(filter, FIRST).await.unwrap();
    }
    let ended = db
        .end_session(session, Some(id), EndReason::Logout, anonymous(at(64)))
        .await
        .unwrap()
        .settled()
        .await;
    assert!(ended.is_ok_and(|ended| ended.newly));
    let mut link = one_time(TokenKind::EmailVerification, first_link, at(62));
    link.email = Some(user.email.clone());
    db.mail_verification(id, mailed(link), anonymous(at(62)))
        .await
        .unwrap()
        .settled()
        .await
        .unwrap();
    let proof = LinkProof::NewPassword(hash(1));
    db.verify_email([first_link; 32], proof, anonymous(at(63)))
        .await
        .unwrap()
        .settled()
        .await
        .unwrap();
    db.set_password(id, hash(1), None, anonymous(at(65)))
        .await
        .unwrap()
        .settled()
        .await
        .unwrap();
    db.end_user_sessions(id, EndReason::LogoutAll, anonymous(at(66)))
        .await
        .unwrap()
        .settled()
        .await
        .unwrap();
}
