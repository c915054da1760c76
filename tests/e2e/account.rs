//! `DELETE /me`, `GET /me/export`, and the lock-out of an account.

use auth_domain::{credential::Credential, time::Span};
use serde_json::json;
use tests::{Builder, PASSWORD, TestApp, on_every_backend};

on_every_backend! {
    async fn an_account_is_deleted_with_its_password_and_leaves_nothing_that_works(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let key = ada.client.post("/api-keys", &json!({ "name": "backup" })).await.expect(201).field("key");
        let wrong = ada.client.delete_with("/me", &json!({ "password": "wrong" })).await.expect(403);
        assert_eq!(wrong.code(), "wrong_current_password");
        ada.client.delete("/me").await.expect(415);
        ada.client.get("/me").await.expect(200);
        ada.client.delete_with("/me", &json!({ "password": PASSWORD })).await.expect(204);
        ada.client.get("/me").await.expect(401);
        app.refresh(&ada.refresh).await.expect(401);
        app.anonymous().with_bearer(&key).get("/me").await.expect(401);
        let login = json!({ "email": "ada@example.com", "password": PASSWORD });
        app.anonymous().post("/login", &login).await.expect(401);
        app.mail_containing("ada@example.com", "deleted").await;
        // The email address is free again for another user.
        let again = app.user("ada").await;
        assert_ne!(again.id, ada.id);
        again.client.get("/me").await.expect(200);
        ada.client.get("/me").await.expect(401);
    }

    async fn an_export_holds_everything_that_is_stored_and_no_secret(backend) {
        let app = TestApp::start(backend).await;
        let (ada, eve) = (app.user("ada").await, app.user("eve").await);
        let other = app.login("ada@example.com").await;
        other.client.post_nothing("/logout").await.expect(200);
        let key = ada.client.post("/api-keys", &json!({ "name": "backup" })).await.expect(201).field("key");
        let answer = ada.client.get("/me/export").await.expect(200);
        let export = answer.json();
        assert_eq!(export["user"]["email"], "ada@example.com");
        assert_eq!(export["sessions"].as_array().unwrap().len(), 2);
        assert_eq!(export["api_keys"][0]["name"], "backup");
        let actions: Vec<&str> =
            export["audit"].as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).collect();
        for action in ["registered", "signed_in", "session_ended", "api_key_created"] {
            assert!(actions.contains(&action), "{action} {actions:?}");
        }
        for hidden in [&key, &ada.access, &ada.refresh, &eve.id, &"$argon2".to_owned(), &PASSWORD.to_owned()] {
            assert!(!answer.text.contains(hidden.as_str()), "{hidden}");
        }
        assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"account.json\""));
        app.anonymous().get("/me/export").await.expect(401);
    }

    /// The match has no wildcard: a new kind of credential does not compile until this test shows that the lock-out ends it.
    async fn a_lock_out_ends_every_kind_of_credential(backend) {
        let app = Builder::new(backend)
            .set("limits.enabled", "true")
            .set("limits.sign_in_per_address", "1000/1h")
            .start()
            .await;
        let (root, ada) = (app.admin("root").await, app.user("ada").await);
        let second = app.login("ada@example.com").await;
        let key = ada.client.post("/api-keys", &json!({ "name": "backup" })).await.expect(201).field("key");
        app.clock.advance(Span::seconds(1));
        app.anonymous().post("/password/forgot", &json!({ "email": "ada@example.com" })).await.expect(202);
        let reset = app.link_to("ada@example.com", "reset").await;
        let verify = app.link_to("ada@example.com", "verify-email").await;
        let report = app.link_to("ada@example.com", "not-me").await;
        let device = app
            .anonymous()
            .post("/login", &json!({ "email": "ada@example.com", "password": PASSWORD }))
            .await
            .header("x-device-token")
            .unwrap()
            .to_owned();
        let third = json!({ "new_email": "new@example.com", "current_password": PASSWORD });
        ada.client.post("/email/change", &third).await.expect(202);
        let moved = app.link_to("new@example.com", "verify-email").await;

        app.clock.advance(Span::seconds(1));
        root.client.post_nothing(&format!("/admin/users/{}/lock-out", ada.id)).await.expect(204);
        let anonymous = app.anonymous();
        for credential in Credential::ALL {
            match credential {
                Credential::CurrentAccessTokens | Credential::OtherAccessTokens => {
                    for user in [&ada, &second] {
                        assert_eq!(user.client.get("/me").await.expect(401).code(), "all_sessions_revoked");
                    }
                }
                Credential::CurrentSession | Credential::OtherSessions => {
                    for user in [&ada, &second] {
                        assert_eq!(app.refresh(&user.refresh).await.expect(401).code(), "token_revoked");
                    }
                }
                Credential::Password => {
                    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
                    anonymous.post("/login", &login).await.expect(401);
                }
                Credential::ApiKeys => {
                    anonymous.with_bearer(&key).get("/me").await.expect(401);
                }
                Credential::ResetLinks => {
                    let body = json!({ "token": reset, "new_password": "a quite new horse" });
                    anonymous.post("/password/reset", &body).await.expect(400);
                }
                Credential::VerificationLinks => {
                    anonymous.post("/email/verify", &json!({ "token": verify })).await.expect(400);
                }
                Credential::EmailChangeLinks => {
                    anonymous.post("/email/verify", &json!({ "token": moved })).await.expect(400);
                }
                Credential::ReportLinks => {
                    anonymous.post("/not-me", &json!({ "token": report })).await.expect(400);
                }
                Credential::CurrentDevice | Credential::OtherDevices => {
                    // The account is throttled for unknown devices, and this device is unknown by now.
                    let guess = |device: Option<&str>| {
                        let mut request = anonymous
                            .request(reqwest::Method::POST, "/login")
                            .json(&json!({ "email": "ada@example.com", "password": "wrong" }));
                        if let Some(device) = device {
                            request = request.header("x-device-token", device);
                        }
                        anonymous.send(request)
                    };
                    while guess(None).await.status != 429 {}
                    guess(Some(&device)).await.expect(429);
                }
            }
        }
        app.mail_containing("ada@example.com", "locked").await;
        let found = root.client.get("/admin/audit?action=user_locked_out").await.expect(200).json();
        assert_eq!(found["items"][0]["subject"].as_str(), Some(ada.id.as_str()));
        app.clock.advance(Span::seconds(1));
        anonymous.post("/password/forgot", &json!({ "email": "ada@example.com" })).await.expect(202);
        let token = app.link_to("ada@example.com", "reset").await;
        let body = json!({ "token": token, "new_password": "a quite new horse" });
        let reset_answer = anonymous.post("/password/reset", &body).await.expect(204);
        let login = json!({ "email": "ada@example.com", "password": "a quite new horse" });
        let known = reset_answer.header("x-device-token").unwrap();
        let request = anonymous
            .request(reqwest::Method::POST, "/login")
            .header("x-device-token", known)
            .json(&login);
        anonymous.send(request).await.expect(200);
    }
}
