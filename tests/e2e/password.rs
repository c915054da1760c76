//! `POST /password/forgot`, `/password/reset`, `/password/change`, and `POST /not-me`.

use auth_domain::time::Span;
use serde_json::json;
use tests::{Answer, Builder, PASSWORD, TestApp, on_every_backend};

const NEW_PASSWORD: &str = "another horse, another staple";

async fn forgot(app: &TestApp, email: &str) -> Answer {
    let body = json!({ "email": email });
    app.anonymous().post("/password/forgot", &body).await
}

async fn reset(app: &TestApp, token: &str, password: &str) -> Answer {
    let body = json!({ "token": token, "new_password": password });
    app.anonymous().post("/password/reset", &body).await
}

async fn login(app: &TestApp, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    app.anonymous().post("/login", &body).await
}

/// The token of a reset link that was mailed to a user.
async fn token_for(app: &TestApp, email: &str) -> String {
    forgot(app, email).await.expect(202);
    app.link_to(email, "reset").await
}

on_every_backend! {
    async fn a_mailed_link_sets_a_new_password_and_ends_every_session(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let other = app.login("ada@example.com").await;
        let token = token_for(&app, "ada@example.com").await;
        ada.client.get("/me").await.expect(200);

        let answer = reset(&app, &token, NEW_PASSWORD).await.expect(204);
        assert!(answer.text.is_empty(), "no sign-in comes of a reset");
        for user in [&ada, &other] {
            assert_eq!(user.client.get("/me").await.expect(401).code(), "all_sessions_revoked");
            assert_eq!(app.refresh(&user.refresh).await.expect(401).code(), "token_revoked");
        }
        login(&app, "ada@example.com", PASSWORD).await.expect(401);
        login(&app, "ada@example.com", NEW_PASSWORD).await.expect(200);
        let mails = app.mails_to("ada@example.com").await;
        assert!(mails.iter().any(|mail| mail.subject.contains("password") && mail.text.contains("/not-me?token=")));
        assert!(!mails.iter().any(|mail| mail.text.contains(NEW_PASSWORD)));
    }

    async fn a_reset_link_works_once_however_many_use_it_at_the_same_time(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        let token = token_for(&app, "ada@example.com").await;
        let tries = (0..20).map(|n| {
            let password = format!("{NEW_PASSWORD} {n}");
            let (token, app) = (token.clone(), &app);
            async move { reset(app, &token, &password).await }
        });
        let answers = futures::future::join_all(tries).await;
        let won = answers.iter().filter(|answer| answer.status == 204).count();
        assert_eq!(won, 1);
        for answer in answers.iter().filter(|answer| answer.status != 204) {
            assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_or_expired_token"));
        }
        assert_eq!(reset(&app, &token, NEW_PASSWORD).await.expect(400).code(), "invalid_or_expired_token");
    }

    async fn a_reset_link_holds_for_an_hour_and_no_longer(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        app.clock.advance(Span::hours(2));
        let token = token_for(&app, "ada@example.com").await;
        app.clock.advance(Span::minutes(60) - Span::seconds(1));
        // A password that is refused leaves the link as it was.
        let weak = reset(&app, &token, "password").await.expect(422);
        assert_eq!(weak.code(), "weak_password");
        assert_eq!(weak.json()["errors"][0]["field"], "new_password", "the field as the body calls it");
        app.clock.advance(Span::seconds(1));
        assert_eq!(reset(&app, &token, NEW_PASSWORD).await.expect(400).code(), "invalid_or_expired_token");
        login(&app, "ada@example.com", PASSWORD).await.expect(200);
    }

    async fn a_new_request_a_sign_in_and_a_change_void_the_link_before(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        app.clock.advance(Span::seconds(1));
        let first = token_for(&app, "ada@example.com").await;
        app.clock.advance(Span::seconds(1));
        let second = token_for(&app, "ada@example.com").await;
        assert_ne!(first, second);
        reset(&app, &first, NEW_PASSWORD).await.expect(400);
        let signed_in = login(&app, "ada@example.com", PASSWORD).await.expect(200);
        let from_a_known_device = app
            .anonymous()
            .request(reqwest::Method::POST, "/login")
            .header("x-device-token", signed_in.header("x-device-token").unwrap())
            .json(&json!({ "email": "ada@example.com", "password": PASSWORD }));
        app.anonymous().send(from_a_known_device).await.expect(200);
        reset(&app, &second, NEW_PASSWORD).await.expect(400);

        app.clock.advance(Span::seconds(1));
        let third = token_for(&app, "ada@example.com").await;
        let body = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
        ada.client.post("/password/change", &body).await.expect(204);
        reset(&app, &third, "a third horse, a third staple").await.expect(400);
    }

    async fn a_request_for_a_link_is_answered_alike_for_every_address_and_mails_only_account_owners(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        app.mails_to("ada@example.com").await;
        let long = "x".repeat(300);
        let odd = ["nobody@example.com", "ada", "@", "", "ada@example.com,eve@example.com", "ADA@EXAMPLE.COM", &long];
        let known = forgot(&app, "ada@example.com").await.expect(202);
        for email in odd {
            let answer = forgot(&app, email).await.expect(202);
            assert_eq!(answer.text, known.text, "{email}");
            let headers = |answer: &Answer| {
                let mut all: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
                all.sort();
                all
            };
            assert_eq!(headers(&answer), headers(&known), "{email}");
        }
        let mails = app.mails_to("ada@example.com").await;
        let links: Vec<_> = mails.iter().filter(|mail| mail.text.contains("/reset?token=")).collect();
        assert!(!links.is_empty());
        for other in ["nobody@example.com", "eve@example.com", "ADA@EXAMPLE.COM"] {
            assert!(app.mails_to(other).await.is_empty(), "{other}");
        }
        ada.client.get("/me").await.expect(200);
    }

    async fn a_link_points_to_the_configured_address_whatever_a_request_says(backend) {
        let app = Builder::new(backend).set("server.public_url", "https://id.example.org").start().await;
        app.user("ada").await;
        let anonymous = app.anonymous();
        let request = anonymous
            .request(reqwest::Method::POST, "/password/forgot")
            .header("x-forwarded-host", "evil.example")
            .header("forwarded", "host=evil.example")
            .header("x-original-url", "https://evil.example/")
            .json(&json!({ "email": "ada@example.com" }));
        anonymous.send(request).await.expect(202);
        let mail = app.mail_containing("ada@example.com", "https://id.example.org/reset?token=").await;
        assert!(!mail.text.contains("evil") && !mail.html.contains("evil"));
    }

    async fn a_token_is_bound_to_its_user_and_to_what_it_is_for(backend) {
        let app = TestApp::start(backend).await;
        let (ada, eve) = (app.user("ada").await, app.user("eve").await);
        let verify = app.link_to("ada@example.com", "verify-email").await;
        let token = token_for(&app, "ada@example.com").await;
        for (path, wrong) in [("/password/reset", &verify), ("/password/reset", &ada.access)] {
            let body = json!({ "token": wrong, "new_password": NEW_PASSWORD });
            app.anonymous().post(path, &body).await.expect(400);
        }
        app.anonymous().post("/email/verify", &json!({ "token": token })).await.expect(400);
        app.anonymous().post("/not-me", &json!({ "token": token })).await.expect(400);
        let body = json!({ "token": token, "new_password": NEW_PASSWORD, "email": eve.email });
        assert_eq!(app.anonymous().post("/password/reset", &body).await.expect(422).code(), "unknown_field");
        reset(&app, &token, NEW_PASSWORD).await.expect(204);
        login(&app, "eve@example.com", PASSWORD).await.expect(200);
    }

    async fn a_disabled_user_gets_no_link(backend) {
        let app = TestApp::start(backend).await;
        let (ada, root) = (app.user("ada").await, app.admin("root").await);
        let token = token_for(&app, "ada@example.com").await;
        let path = format!("/admin/users/{}", ada.id);
        root.client.patch(&path, &json!({ "status": "disabled" })).await.expect(200);
        reset(&app, &token, NEW_PASSWORD).await.expect(400);
        let before = app.mails_to("ada@example.com").await.len();
        forgot(&app, "ada@example.com").await.expect(202);
        assert_eq!(app.mails_to("ada@example.com").await.len(), before);
    }

    async fn a_change_asks_for_the_current_password_and_spares_its_own_session(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let other = app.login("ada@example.com").await;
        let change = |current: &str, new: &str| json!({ "current_password": current, "new_password": new });
        let wrong = ada.client.post("/password/change", &change("wrong", NEW_PASSWORD)).await.expect(403);
        assert_eq!(wrong.code(), "wrong_current_password");
        let weak = ada.client.post("/password/change", &change(PASSWORD, "short")).await.expect(422);
        assert_eq!(weak.code(), "weak_password");
        assert_eq!(weak.json()["errors"][0]["field"], "new_password");
        app.anonymous().post("/password/change", &change(PASSWORD, NEW_PASSWORD)).await.expect(401);

        ada.client.post("/password/change", &change(PASSWORD, NEW_PASSWORD)).await.expect(204);
        assert_eq!(app.refresh(&other.refresh).await.expect(401).code(), "token_revoked");
        ada.client.get("/me").await.expect(401);
        let answer = app.refresh(&ada.refresh).await.expect(200);
        app.signed_in(&ada.email, &answer).client.get("/me").await.expect(200);
        login(&app, "ada@example.com", PASSWORD).await.expect(401);
        login(&app, "ada@example.com", NEW_PASSWORD).await.expect(200);
    }

    async fn reporting_this_was_not_me_ends_everything_and_a_reset_restores_access(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let key = ada.client.post("/api-keys", &json!({ "name": "backup" })).await.expect(201).field("key");
        let body = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
        ada.client.post("/password/change", &body).await.expect(204);
        let report = app.link_to("ada@example.com", "not-me").await;
        let signed_in = app.refresh(&ada.refresh).await.expect(200);
        let ada = app.signed_in(&ada.email, &signed_in);

        app.anonymous().post("/not-me", &json!({ "token": report })).await.expect(204);
        assert_eq!(ada.client.get("/me").await.expect(401).code(), "all_sessions_revoked");
        app.refresh(&ada.refresh).await.expect(401);
        app.anonymous().with_bearer(&key).get("/me").await.expect(401);
        login(&app, "ada@example.com", NEW_PASSWORD).await.expect(401);
        app.anonymous().post("/not-me", &json!({ "token": report })).await.expect(400);
        app.clock.advance(Span::seconds(1));
        let token = token_for(&app, "ada@example.com").await;
        reset(&app, &token, "a third horse, a third staple").await.expect(204);
        login(&app, "ada@example.com", "a third horse, a third staple").await.expect(200);
    }
}
