//! Each operation that requests, the read of revocations, and the sweep make, once.

use crate::{
    people::{address, at, chance, hash, person, policy, session_of, t0, terms, token},
    world::World,
};
use auth_domain::{
    idempotency::IdempotencyDigest, ids::TokenId, revocation::TokenRef, role::Role, rotation::Presented,
    session::EndReason, time::Span,
};
use auth_storage::{HashUpgrade, InsertedUser, Page, SessionFilter, SweepTerms, UserChange};

const GRACE: Span = Span::seconds(6);

pub(crate) async fn run(world: &World) {
    // Connections that are made now are listened to; the world's own were made before.
    let db = world.another().await;
    let new = person("hot@example.com", Role::USER);
    let first = session_of(new.id, auth_domain::user::Generation::FIRST, t0());
    let InsertedUser::Created(user) = db.insert_user(new, Some(first.clone())).await.unwrap() else {
        panic!("taken");
    };
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
    let upgrade = HashUpgrade {
        from: hash(0),
        to: hash(1),
    };
    db.start_session(session.clone(), 1, Some(upgrade), terms(at(1)))
        .await
        .unwrap();

    let keyed = Presented {
        key: Some(IdempotencyDigest::new([1; 32])),
        ..token(0)
    };
    for (presented, seconds) in [(keyed, 2), (keyed, 3), (token(1), 4), (token(0), 5)] {
        // A Rotate, a Repeat, a Rotate, and a Reuse, which ends the session.
        db.rotate(session.id, presented, at(seconds), policy(), GRACE)
            .await
            .unwrap();
    }
    db.session(session.id).await.unwrap().unwrap();
    let page = Page {
        after: Some(session.id.as_uuid()),
        limit: 50,
    };
    for filter in [SessionFilter::Active, SessionFilter::Ended, SessionFilter::All] {
        db.sessions(user.id, filter, at(6), page).await.unwrap();
    }

    let another = world.sign_in(&user, at(7)).await;
    db.end_session(another.id, Some(user.id), EndReason::Logout, terms(at(8)))
        .await
        .unwrap();
    let change = UserChange {
        name: Some(None),
        ..UserChange::default()
    };
    db.change_user(user.id, change, vec![Role::ADMIN], terms(at(9)))
        .await
        .unwrap();
    let spare = world.sign_in(&user, at(10)).await;
    db.set_password(user.id, hash(2), Some(spare.id), terms(at(11)))
        .await
        .unwrap();
    db.end_user_sessions(user.id, EndReason::LogoutAll, terms(at(12)))
        .await
        .unwrap();

    let jti = TokenId::from_parts(t0(), chance());
    db.revoke_token(jti, terms(at(13))).await.unwrap();
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

    // Keeps nothing of what the seed made, for a while; each kind has something to remove.
    let terms = SweepTerms {
        keep_ended_sessions: Span::days(1),
        limit: 10,
    };
    db.sweep(t0() + Span::days(2), terms).await.unwrap();
    db.sweep(t0() + Span::days(2), terms).await.unwrap();
}
