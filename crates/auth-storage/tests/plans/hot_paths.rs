//! Runs once each operation of requests, of the read of revocations, and of the sweep.

use crate::{
    builders::{
        ALL, address, anonymous, at, hash, known, mailed, new_user, one_time, policy, session_of, t0, token,
        unique_bytes,
    },
    fixture::Fixture,
    settled::Settle as _,
};
use auth_domain::{
    address_link::LinkProof,
    api_key::{ApiKey, KeyName},
    audit::{Action, AuditEvent, ChainHead, Seal},
    idempotency::IdempotencyDigest,
    ids::{ApiKeyId, TokenId, UserId},
    one_time::TokenKind,
    revocation::TokenRef,
    role::Role,
    rotation::Presented,
    session::{EndReason, Origin},
    time::Span,
};
use auth_storage::{
    Pagination, Storage, activity, api_keys, audit, outbox, sessions, sweep,
    users::{self, HashUpgrade},
};
use std::sync::Arc;
use uuid::Uuid;

pub(crate) async fn run(fixture: &Fixture) {
    // Only connections opened from now on are captured; the fixture's own were opened before.
    let db = fixture.another().await;
    let new = new_user("hot@example.com", Role::USER);
    let first = session_of(new.id, auth_domain::user::Generation::FIRST, t0());
    let user = db
        .insert_user(new, Some(first.clone()), None, anonymous(t0()))
        .await
        .unwrap()
        .settled()
        .await
        .unwrap();
    db.credentials(&address("hot@example.com"))
        .await
        .unwrap()
        .unwrap();
    db.credentials_of(user.id).await.unwrap().unwrap();
    db.user_by_email(&address("hot@example.com"))
        .await
        .unwrap()
        .unwrap();
    db.user(user.id).await.unwrap().unwrap();

    // A sign-in that rewrites a hash and displaces another session.
    let session = session_of(user.id, user.generation, at(1));
    // On an unknown device, which sends a notice.
    let mut sign_in = known(session.clone());
    sign_in.session.origin = Origin::new(None, Some("another"));
    sign_in.known_device = false;
    sign_in.max_per_user = 1;
    sign_in.upgrade = Some(HashUpgrade {
        from: hash(0),
        to: hash(1),
    });
    db.start_session(sign_in, anonymous(at(1)))
        .await
        .unwrap()
        .settled()
        .await
        .unwrap();
    db.record_event(Action::SignInFailed, Some(user.id), vec![], anonymous(at(1)))
        .await
        .unwrap();

    let keyed = Presented {
        key: Some(IdempotencyDigest::new([1; 32])),
        ..token(0)
    };
    for (presented, seconds) in [(keyed, 2), (keyed, 3), (token(1), 4), (token(0), 5)] {
        // A Rotate, a Repeat, a Rotate, and a Reuse, which ends the session.
        let noted = presented.number == 1;
        db.rotate(session.id, presented, policy(), noted, anonymous(at(seconds)))
            .await
            .unwrap()
            .settled()
            .await;
    }
    db.session(session.id).await.unwrap().unwrap();
    let page = Pagination {
        after: Some(session.id.as_uuid()),
        limit: 50,
    };
    for filter in [
        sessions::Filter::Active,
        sessions::Filter::Ended,
        sessions::Filter::All,
    ] {
        db.sessions(user.id, filter, at(6), page).await.unwrap();
    }

    let another = fixture.sign_in(&user, at(7)).await;
    db.end_session(another.id, Some(user.id), EndReason::Logout, anonymous(at(8)))
        .await
        .unwrap()
        .settled()
        .await
        .unwrap();
    let change = users::Change {
        name: Some(None),
        ..users::Change::default()
    };
    db.change_user(user.id, change, vec![Role::ADMIN], anonymous(at(9)))
        .await
        .unwrap()
        .settled()
        .await
        .unwrap();
    let spare = fixture.sign_in(&user, at(10)).await;
    db.set_password(user.id, hash(2), Some(spare.id), anonymous(at(11)))
        .await
        .unwrap()
        .settled()
        .await
        .unwrap();
    db.end_other_sessions(user.id, spare.id, EndReason::EndedByUser, anonymous(at(11)))
        .await
        .unwrap()
        .settled()
        .await
        .unwrap();
    db.end_user_sessions(user.id, EndReason::LogoutAll, anonymous(at(12)))
        .await
        .unwrap()
        .settled()
        .await
        .unwrap();

    let jti = TokenId::from_parts(t0(), unique_bytes());
    db.revoke_token(jti, anonymous(at(13)))
        .await
        .unwrap()
        .settled()
        .await;
    let asked = TokenRef {
        token: jti,
        session: session.id,
        user: user.id,
        generation: user.generation,
    };
    assert!(db.facts(asked).await.unwrap().token);
    db.revocations_since(Some(db.ping().await.unwrap() - Span::seconds(30)))
        .await
        .unwrap();

    let counted = activity::HourCount {
        hour: t0(),
        kind: "refresh".to_owned(),
        count: 1,
    };
    db.add_activity(vec![counted]).await.unwrap();
    db.activity_since(t0()).await.unwrap();

    // A retention that keeps none of the seeded rows, so that there is something of each kind to remove.
    let bounds = sweep::Retention {
        keep_ended_sessions: Span::days(1),
        keep_mails: Span::days(1),
        keep_activity: Span::days(1),
        limit: 10,
    };
    db.sweep(t0() + Span::days(2), bounds).await.unwrap();
    db.sweep(t0() + Span::days(2), bounds).await.unwrap();
    reads(&db, user.id).await;
}

/// The rarer operations of requests, and those that the workers of the outbox and the sealer run each second. Their statements are
/// planned, and not kept prepared.
pub(crate) async fn run_rarer(fixture: &Fixture) {
    let db = fixture.another().await;
    let user = fixture.user("rare@example.com", Role::USER).await.id;
    links_and_mail(&db, user).await;
    keys_and_audit(&db, user).await;
}

async fn links_and_mail(db: &Storage, user: UserId) {
    db.ask_for_reset("rare@example.com".to_owned(), anonymous(at(20)))
        .await
        .unwrap()
        .settled()
        .await;
    assert!(db.mail_waits().await.unwrap());
    let lease = Uuid::from_u128(7);
    for mail in db.claim_mails(lease, Span::minutes(1), 50).await.unwrap() {
        let later = outbox::End::Later(Span::hours(1), "busy".to_owned());
        assert!(db.end_mail(mail.id, lease, later).await.unwrap());
    }
    let mut reset = one_time(TokenKind::PasswordReset, 1, at(21));
    reset.email = Some(address("rare@example.com"));
    db.issue_token(reset, user, None).await.unwrap();
    db.one_time_token(TokenKind::PasswordReset, [1; 32], at(22))
        .await
        .unwrap();
    db.reset_password([1; 32], hash(3), anonymous(at(22)))
        .await
        .unwrap()
        .settled()
        .await
        .unwrap();
    let mut verification = one_time(TokenKind::EmailVerification, 2, at(23));
    verification.email = Some(address("rare@example.com"));
    db.mail_verification(user, mailed(verification), anonymous(at(23)))
        .await
        .unwrap()
        .settled()
        .await
        .unwrap();
    let proof = LinkProof::NewPassword(hash(4));
    db.verify_email([2; 32], proof, anonymous(at(24)))
        .await
        .unwrap()
        .settled()
        .await
        .unwrap();
}

async fn keys_and_audit(db: &Storage, user: UserId) {
    let key = ApiKey {
        id: ApiKeyId::from_parts(t0(), unique_bytes()),
        owner: user,
        name: KeyName::parse("backup").unwrap(),
        permissions: vec![],
        created_at: at(25),
        expires_at: None,
        last_used_at: None,
    };
    let (id, digest) = (key.id, [9; 32]);
    db.insert_api_key(api_keys::New { key, digest }, 9, anonymous(at(25)))
        .await
        .unwrap()
        .settled()
        .await
        .unwrap();
    db.api_key_holder(digest).await.unwrap().unwrap();
    db.touch_api_key(id, at(26)).await.unwrap();
    db.api_keys(user).await.unwrap();
    db.revoke_api_key(user, id, anonymous(at(27)))
        .await
        .unwrap()
        .unwrap();
    db.unsealed_audit().await.unwrap();
    db.audit_state().await.unwrap();
    db.seal_audit(10, at(27), Arc::new(Fixed))
        .await
        .unwrap()
        .seal
        .unwrap();
    db.seal_of(1).await.unwrap();
    db.lock_out(user, anonymous(at(28)))
        .await
        .unwrap()
        .settled()
        .await
        .unwrap();
    reads(db, user).await;
}

/// A constant authentication code.
struct Fixed;

impl audit::Signer for Fixed {
    fn code(&self, _: &Seal, _: &[AuditEvent]) -> [u8; 32] {
        [7; 32]
    }

    fn mark(&self, head: &ChainHead) -> Vec<u8> {
        head.bytes().to_vec()
    }

    fn head(&self, mark: &[u8]) -> Option<ChainHead> {
        ChainHead::from_bytes(mark.try_into().ok()?)
    }
}

/// The lists. An unfiltered list walks the log from its end, so only the filters are checked.
async fn reads(db: &Storage, user: UserId) {
    let found = users::Filter {
        query: Some("hot@".to_owned()),
        ..users::Filter::default()
    };
    db.users(found, ALL).await.unwrap();
    let filters = [
        audit::Filter {
            since: Some(t0()),
            until: Some(at(60)),
            ..audit::Filter::default()
        },
        audit::Filter {
            user: Some(user),
            ..audit::Filter::default()
        },
        audit::Filter {
            subject: Some(user),
            ..audit::Filter::default()
        },
        audit::Filter {
            action: Some(Action::SignedIn),
            ..audit::Filter::default()
        },
    ];
    for filter in filters {
        db.audit(filter, ALL).await.unwrap();
    }
}
