//! `POST /setup`: the first administrator.

use serde_json::json;
use tests::{PASSWORD, TestApp, on_every_backend};

async fn setup_token(app: &TestApp) -> String {
    let issued = app
        .running()
        .service()
        .admin()
        .issue_setup_token(true, &app.operator())
        .await;
    let token = issued.unwrap().unwrap();
    auth_service_secret(&token)
}

fn auth_service_secret(token: &secrecy::SecretString) -> String {
    secrecy::ExposeSecret::expose_secret(token).to_owned()
}

on_every_backend! {
    async fn the_set_up_token_makes_one_administrator_also_for_two_at_once(backend) {
        let app = TestApp::start(backend).await;
        let token = setup_token(&app).await;
        let client = app.anonymous();
        let attempt = |name: &'static str| {
            let (client, token) = (client.clone(), token.clone());
            async move {
                let body = json!({ "token": token, "email": format!("{name}@example.com"), "password": PASSWORD });
                client.post("/setup", &body).await
            }
        };
        let (one, two) = tokio::join!(attempt("one"), attempt("two"));
        let mut both = [one, two];
        both.sort_by_key(|answer| answer.status);
        assert_eq!(both[0].status, 201, "{}", both[0].text);
        assert_eq!(both[0].json()["user"]["role"], "admin");
        assert!(both[1].status == 400 || both[1].status == 403, "{}", both[1].text);
        let late = attempt("late").await.expect(403);
        assert_eq!(late.code(), "setup_closed");
    }

    async fn a_wrong_expired_or_voided_token_is_refused(backend) {
        let app = TestApp::start(backend).await;
        let body = |token: &str| json!({ "token": token, "email": "root@example.com", "password": PASSWORD });
        let refused = app.anonymous().post("/setup", &body("guess")).await.expect(400);
        assert_eq!(refused.code(), "invalid_or_expired_token");
        let voided = setup_token(&app).await;
        let token = setup_token(&app).await;
        app.anonymous().post("/setup", &body(&voided)).await.expect(400);
        app.clock.advance(auth_domain::time::Span::minutes(15));
        app.anonymous().post("/setup", &body(&token)).await.expect(400);
        let fresh = setup_token(&app).await;
        app.anonymous().post("/setup", &body(&fresh)).await.expect(201);
    }

    async fn a_mistake_in_the_account_does_not_use_the_token_up(backend) {
        let app = TestApp::start(backend).await;
        let token = setup_token(&app).await;
        let weak = json!({ "token": token, "email": "root@example.com", "password": "admin123" });
        app.anonymous().post("/setup", &weak).await.expect(422);
        let body = json!({ "token": token, "email": "root@example.com", "password": PASSWORD });
        app.anonymous().post("/setup", &body).await.expect(201);
    }
}
