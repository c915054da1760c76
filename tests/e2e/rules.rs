//! The rules that pages show in advance: for passwords, registration and limits. No route returns them.

use auth_service::{AuditFilter, Failure, LimitName, Pagination};
use serde_json::json;
use std::time::Duration;
use tests::{Builder, PASSWORD, TestApp, on_every_backend};

/// The codes of the faults of a password.
async fn faults(app: &TestApp, password: &str, email: Option<&str>, name: Option<&str>) -> Vec<&'static str> {
    let faults = app.service().password_violations(password.into(), email, name);
    faults.await.unwrap().iter().map(|fault| fault.code).collect()
}

/// How many rows the audit log has.
async fn noted(app: &TestApp) -> usize {
    let page = Pagination {
        after: None,
        limit: 10,
    };
    let noted = app.service().admin().audit(AuditFilter::default(), page);
    noted.await.unwrap().len()
}

/// Requests a hint about a good password. If it is refused: when to try again.
async fn hint(app: &TestApp) -> Result<(), Duration> {
    match app
        .service()
        .password_violations(PASSWORD.into(), None, None)
        .await
    {
        Ok(faults) => {
            assert_eq!(faults, []);
            Ok(())
        }
        Err(Failure::Overloaded { retry_after }) => Err(retry_after),
        Err(error) => panic!("{error}"),
    }
}

/// Waits until enough passwords are queued for the hashing threads.
async fn waiting(app: &TestApp, enough: impl Fn(usize) -> bool) {
    while !enough(app.service().gauges().hash_queue) {
        tokio::task::yield_now().await;
    }
}

on_every_backend! {
    async fn a_typed_password_is_checked_like_a_submitted_one(backend) {
        let app = TestApp::start(backend).await;
        let before = noted(&app).await;
        assert_eq!(faults(&app, PASSWORD, None, None).await, [""; 0]);
        assert_eq!(faults(&app, "", None, None).await, ["too_short", "guessable"]);
        assert_eq!(faults(&app, "password1", None, None).await, ["common"]);
        assert_eq!(faults(&app, &"x".repeat(2000), None, None).await, ["too_long"]);
        // The user's own name is the first guess of an attacker. A half-typed email address is no context.
        let name = "Zdravka Quillfeather";
        assert_eq!(faults(&app, name, Some("z@"), Some("\u{0}")).await, [""; 0]);
        assert_eq!(faults(&app, name, Some("z@"), Some(name)).await, ["contains_personal_data"]);
        let email = "zdravka.quillfeather@example.com";
        assert_eq!(faults(&app, email, None, None).await, [""; 0]);
        assert_eq!(faults(&app, email, Some(email), None).await, ["contains_personal_data"]);
        assert_eq!(noted(&app).await, before, "nothing is noted");
    }

    async fn password_hints_give_way_to_sign_ins(backend) {
        let costly = [
            ("password.memory_kib", "65536"),
            ("password.iterations", "8"),
            ("password.threads", "1"),
            ("password.deadline", "60s"),
        ];
        let builder = costly.into_iter().fold(Builder::new(backend), |builder, (key, value)| builder.set(key, value));
        let app = builder.start().await;
        let ada = app.user("ada").await;
        let client = app.anonymous();
        let guess = json!({ "email": ada.email, "password": "a wrong password" });
        let guesses = futures::future::join_all((0..4).map(|_| client.post("/login", &guess)));
        let typing = async {
            waiting(&app, |passwords| passwords > 0).await;
            // Sign-ins are queued; password hints are not.
            assert_eq!(hint(&app).await, Err(Duration::from_secs(1)));
            waiting(&app, |passwords| passwords == 0).await;
            // The last guess is being verified. One hint waits for it and the others are refused; a sign-in waits its turn.
            let hints = futures::future::join_all((0..64).map(|_| hint(&app)));
            let right = json!({ "email": ada.email, "password": PASSWORD });
            let (hints, signed_in) = futures::future::join(hints, client.post("/login", &right)).await;
            assert!(hints.iter().any(Result::is_ok) && hints.iter().any(Result::is_err));
            signed_in.expect(200);
        };
        let (guesses, ()) = futures::future::join(guesses, typing).await;
        assert!(guesses.iter().all(|guess| guess.status == 401), "every sign-in was answered");
        assert_eq!(hint(&app).await, Ok(()));
    }

    async fn the_rules_are_those_that_the_operator_set(backend) {
        let app = Builder::new(backend)
            .set("password.min_length", "12")
            .set("password.require_digit", "true")
            .set("registration.open", "false")
            .set("limits.enabled", "true")
            .set("limits.per_user", "7/1d")
            .start()
            .await;
        let service = app.service();
        assert_eq!((service.password_rules().min_length, service.password_rules().require_digit), (12, true));
        assert_eq!(faults(&app, "tin gull", None, None).await[..2], ["too_short", "missing_digit"]);
        let registration = service.registration_config();
        assert_eq!((registration.open, registration.require_verified_email), (false, false));
        let configured = service.configured_limits();
        assert!(configured.enabled && configured.limits.len() == LimitName::ALL.len());
        let per_user = configured.limits.iter().find(|limit| limit.name == LimitName::PerUser).unwrap();
        assert_eq!((per_user.burst, per_user.per), (7, Duration::from_secs(86_400)));
        assert!(!TestApp::start(backend).await.service().configured_limits().enabled);
    }
}
