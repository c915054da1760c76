//! Tests of a sign-in with sufficient proofs, and of one without.

use super::{Claimant, SignInStep};
use crate::{
    for_tests::{PASSWORD, service},
    parts::caller::Caller,
    sign_in::{
        error::SignInError,
        register::{Registered, Registration},
        setup::Setup,
    },
};
use auth_domain::{
    authentication::{Assurance, Method, Proof, Proofs, Requirements},
    ids::UserId,
    session::Session,
    time::Span,
    user::{Generation, User},
};

/// Fails the test, because no session may begin.
async fn not_reached(session: Session) -> Result<User, SignInError> {
    panic!("a session begins: {session:?}")
}

#[tokio::test]
async fn a_sign_in_without_sufficient_proofs_begins_no_session_and_says_what_is_required() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(&folder).await;
    let caller = Caller::operator(service.now().unwrap());
    let claimant = |proofs: Proofs| Claimant {
        user: UserId::from_parts(caller.now, [1; 10]),
        generation: Generation::FIRST,
        proofs,
    };
    let nothing = claimant(Proofs::default());
    let refused = service.complete(&caller, nothing, not_reached).await;
    assert!(
        matches!(refused, Err(SignInError::InvalidCredentials)),
        "{refused:?}"
    );
    let expired = Proof {
        method: Method::Password,
        at: caller.now - Requirements::SIGN_IN_WINDOW - Span::microseconds(1),
    };
    let step = service
        .complete(&caller, claimant(expired.into()), not_reached)
        .await;
    match step.unwrap() {
        SignInStep::Continue(challenge) => assert_eq!(challenge.methods, [Method::Password]),
        done => panic!("{done:?}"),
    }
    service.stop().await;
}

#[tokio::test]
async fn each_way_to_sign_in_begins_a_session_that_says_how_and_when_the_user_was_authenticated() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(&folder).await;
    let caller = Caller::operator(service.now().unwrap());
    let account = |email: &str| Registration {
        email: email.to_owned(),
        password: PASSWORD.into(),
        name: None,
    };
    let Registered::SignIn(registered) = service
        .register(&caller, account("ada@example.com"))
        .await
        .unwrap()
    else {
        panic!("no address has to be verified here");
    };
    let signed_in = service.login(&caller, "ada@example.com", PASSWORD.into()).await;
    let token = service.admin().issue_setup_token(true, &caller).await.unwrap();
    let setup = Setup {
        token: token.unwrap(),
        account: account("boss@example.com"),
    };
    let set_up = service.setup(&caller, setup).await;
    for step in [registered, signed_in.unwrap(), set_up.unwrap()] {
        let tokens = step.done().unwrap();
        let (session, _) = service.storage().session(tokens.session).await.unwrap().unwrap();
        assert_eq!(session.assurance, Assurance::by_password(caller.now));
        assert_eq!((session.created_at, session.authentications), (caller.now, 1));
    }
    service.stop().await;
}
