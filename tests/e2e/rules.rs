//! What a page tells before somebody asks for anything: the rules for passwords, registration and limits. No route has it.

use auth_service::{AuditFilter, Error, PageRequest};
use std::time::Duration;
use tests::{Builder, PASSWORD, TestApp, on_every_backend};

/// The codes of what is wrong with a password.
async fn faults(app: &TestApp, password: &str, email: Option<&str>, name: Option<&str>) -> Vec<&'static str> {
    let faults = app.service().password_faults(password.into(), email, name);
    faults.await.unwrap().iter().map(|fault| fault.code).collect()
}

/// How many rows the audit log has.
async fn noted(app: &TestApp) -> usize {
    let page = PageRequest {
        after: None,
        limit: 10,
    };
    let noted = app.service().admin().audit(AuditFilter::default(), page);
    noted.await.unwrap().len()
}

on_every_backend! {
    async fn a_password_that_is_typed_is_judged_as_one_that_is_sent(backend) {
        let app = TestApp::start(backend).await;
        let before = noted(&app).await;
        assert_eq!(faults(&app, PASSWORD, None, None).await, [""; 0]);
        assert_eq!(faults(&app, "", None, None).await, ["too_short", "guessable"]);
        assert_eq!(faults(&app, "password1", None, None).await, ["common"]);
        assert_eq!(faults(&app, &"x".repeat(2000), None, None).await, ["too_long"]);
        // Somebody's own name is the first guess; what is half typed is no context.
        let name = "Zdravka Quillfeather";
        assert_eq!(faults(&app, name, Some("z@"), Some("\u{0}")).await, [""; 0]);
        assert_eq!(faults(&app, name, Some("z@"), Some(name)).await, ["contains_personal_data"]);
        let email = "zdravka.quillfeather@example.com";
        assert_eq!(faults(&app, email, None, None).await, [""; 0]);
        assert_eq!(faults(&app, email, Some(email), None).await, ["contains_personal_data"]);
        assert_eq!(noted(&app).await, before, "nothing is noted");
    }

    async fn whoever_types_waits_in_the_bounded_queue_of_the_hashes(backend) {
        let app = Builder::new(backend).set("password.queue", "1").start().await;
        let typed = |n: usize| app.service().password_faults(format!("{PASSWORD} {n}").into(), None, None);
        let all = futures::future::join_all((0..64).map(typed)).await;
        assert!(all.iter().any(|faults| matches!(faults, Ok(faults) if faults.is_empty())));
        assert!(all.iter().any(|faults| matches!(faults, Err(Error::Overloaded { .. }))));
        assert!(all.iter().all(|faults| matches!(faults, Ok(_) | Err(Error::Overloaded { .. }))));
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
        assert!(configured.enabled && configured.limits.len() == 8);
        let per_user = configured.limits.iter().find(|limit| limit.name == "per_user").unwrap();
        assert_eq!((per_user.burst, per_user.per), (7, Duration::from_secs(86_400)));
        assert!(!TestApp::start(backend).await.service().configured_limits().enabled);
    }
}
