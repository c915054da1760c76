//! What a reauthentication is valid for.

use super::PresentedProof;
use crate::{
    Registered, Registration,
    for_tests::{PASSWORD, service},
    parts::{caller::Caller, principal::Principal},
    service::Service,
};
use auth_domain::{
    audit::{Action, Actor},
    session::{EndReason, Session},
};
use auth_storage::{Pagination, audit};
use secrecy::ExposeSecret;

const NEW: &str = "copper lantern 58 meadow";

async fn registered(service: &Service, email: &str, caller: &Caller) -> Principal {
    let account = Registration {
        email: email.to_owned(),
        password: PASSWORD.into(),
        name: None,
    };
    let Registered::SignIn(step) = service.register(caller, account).await.unwrap() else {
        panic!("no address has to be verified here");
    };
    let tokens = step.done().unwrap();
    service
        .authenticate(tokens.access_token.expose_secret(), caller.now)
        .await
        .unwrap()
}

async fn session_of(service: &Service, principal: &Principal) -> Session {
    let found = service.storage().session(principal.session()).await;
    found.unwrap().unwrap().0
}

fn password() -> PresentedProof {
    PresentedProof::Password(PASSWORD.into())
}

#[tokio::test]
async fn what_a_user_confirms_is_done_by_that_user_in_that_session_whatever_the_caller_says() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(&folder).await;
    let caller = Caller::operator(service.now().unwrap());
    let ada = registered(&service, "ada@example.com", &caller).await;
    let bob = registered(&service, "bob@example.com", &caller).await;
    let as_bob = caller.clone().signed_in(&bob);
    let reauthenticated = service.reauthenticate(&ada, &as_bob, password()).await.unwrap();
    service
        .change_password(reauthenticated, NEW.into())
        .await
        .unwrap();
    let changes = audit::Filter {
        action: Some(Action::PasswordChanged),
        ..audit::Filter::default()
    };
    let page = Pagination {
        after: None,
        limit: 10,
    };
    let changes = service.storage().audit(changes, page).await.unwrap();
    let changes: Vec<_> = changes.iter().map(|event| (event.actor, event.subject)).collect();
    assert_eq!(changes, [(Actor::User(ada.user()), Some(ada.user()))]);
    assert_eq!(session_of(&service, &ada).await.authentications, 2);
    assert_eq!(session_of(&service, &bob).await.authentications, 1);
    service.stop().await;
}

#[tokio::test]
async fn another_users_live_session_confirms_nothing_for_one_whose_own_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(&folder).await;
    let caller = Caller::operator(service.now().unwrap());
    let ada = registered(&service, "ada@example.com", &caller).await;
    let bob = registered(&service, "bob@example.com", &caller).await;
    let as_bob = caller.clone().signed_in(&bob);
    let reauthenticated = service.reauthenticate(&ada, &as_bob, password()).await.unwrap();
    let context = service.change_context(&caller).unwrap();
    let ended = service
        .storage()
        .end_session(ada.session(), None, EndReason::Logout, context);
    ended.await.unwrap().unwrap().settle(&service).await;
    assert!(
        service
            .change_password(reauthenticated, NEW.into())
            .await
            .is_err()
    );
    let login = service.login(&caller, "ada@example.com", PASSWORD.into()).await;
    assert!(login.is_ok());
    service.stop().await;
}
