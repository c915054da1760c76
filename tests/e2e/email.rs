//! `POST /email/verification`, `/email/verify`, `/email/change`, and registration where addresses are verified first.

use crate::login::comparable;
use auth_domain::{time::Span, user::UserStatus};
use auth_service::NewUser;
use serde_json::json;
use tests::{Answer, Backend, Builder, PASSWORD, TestApp, on_every_backend};

/// Confirms an email address with the password of the account.
async fn verify(app: &TestApp, token: &str) -> Answer {
    let body = json!({ "token": token, "current_password": PASSWORD });
    app.anonymous().post("/email/verify", &body).await
}

async fn register(app: &TestApp, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    app.anonymous().post("/register", &body).await
}

async fn login(app: &TestApp, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    app.anonymous().post("/login", &body).await
}

async fn verified_first(backend: Backend) -> TestApp {
    Builder::new(backend)
        .set("registration.require_verified_email", "true")
        .start()
        .await
}

on_every_backend! {
    async fn the_link_of_a_registration_verifies_its_address_once(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        assert_eq!(ada.client.get("/me").await.json()["email_verified"], false);
        let token = app.link_to("ada@example.com", "verify-email").await;
        ada.client.post("/email/verify", &json!({ "token": token })).await.expect(204);
        // The session that confirmed it continues with its refresh token.
        assert_eq!(ada.client.get("/me").await.expect(401).code(), "all_sessions_revoked");
        let ada = app.signed_in(&ada.email, &app.refresh(&ada.refresh).await.expect(200));
        assert_eq!(ada.client.get("/me").await.expect(200).json()["email_verified"], true);
        assert_eq!(verify(&app, &token).await.expect(400).code(), "invalid_or_expired_token");
        let before = app.mails_to("ada@example.com").await.len();
        ada.client.post_nothing("/email/verification").await.expect(202);
        assert_eq!(app.mails_to("ada@example.com").await.len(), before, "there is nothing to verify any more");
    }

    async fn the_link_can_be_requested_again_and_expires_after_a_day(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let first = app.link_to("ada@example.com", "verify-email").await;
        app.clock.advance(Span::minutes(30));
        ada.client.post_nothing("/email/verification").await.expect(202);
        let second = app.link_to("ada@example.com", "verify-email").await;
        assert_ne!(first, second);
        app.clock.advance(Span::hours(24) - Span::minutes(30));
        verify(&app, &first).await.expect(400);
        verify(&app, &second).await.expect(204);
    }

    async fn where_addresses_are_verified_first_no_tokens_are_issued_before(backend) {
        let app = verified_first(backend).await;
        let answer = register(&app, "ada@example.com", PASSWORD).await.expect(202);
        assert!(!answer.text.contains("token"));
        let token = app.link_to("ada@example.com", "verify-email").await;
        login(&app, "ada@example.com", PASSWORD).await.expect(403);
        verify(&app, &token).await.expect(204);
        let signed_in = login(&app, "ada@example.com", PASSWORD).await.expect(200);
        assert_eq!(signed_in.json()["user"]["email_verified"], true);
    }

    /// docs/rules.md §4.
    async fn only_the_right_password_reveals_that_the_address_has_to_be_confirmed(backend) {
        let app = verified_first(backend).await;
        register(&app, "ada@example.com", PASSWORD).await.expect(202);
        app.mails_to("ada@example.com").await;
        for name in ["imported", "disabled"] {
            let account = NewUser {
                email: format!("{name}@example.com"),
                password: Some(PASSWORD.to_owned().into()),
                name: None,
                role: "user".to_owned(),
                email_verified: false,
            };
            let made = app.service().admin().create_user(account, &app.operator()).await.unwrap().settle(app.service()).await;
            if name == "disabled" {
                let change = auth_storage::users::Change { status: Some(UserStatus::Disabled), ..auth_storage::users::Change::default() };
                app.service().admin().change_user(made.id, change, &app.operator()).await.unwrap().settle(app.service()).await;
            }
        }
        let unknown = login(&app, "unknown@example.com", PASSWORD).await.expect(401);
        for email in ["ada@example.com", "imported@example.com"] {
            let unconfirmed = login(&app, email, PASSWORD).await.expect(403);
            assert_eq!(unconfirmed.code(), "email_not_verified");
            let wrong = login(&app, email, "the wrong horse altogether").await.expect(401);
            assert_eq!(comparable(&wrong), comparable(&unknown), "{email}");
            let grant = [("grant_type", "password"), ("username", email), ("password", PASSWORD)];
            let refused = app.anonymous().form("/token", &grant).await.expect(400).json();
            assert_eq!(refused["error"], "invalid_grant");
            assert!(refused["error_description"].as_str().unwrap().contains("Confirm your email address"), "{refused}");
        }
        let disabled = login(&app, "disabled@example.com", PASSWORD).await.expect(401);
        assert_eq!(comparable(&disabled), comparable(&unknown));
    }

    async fn where_no_address_has_to_be_confirmed_an_unconfirmed_user_signs_in(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        login(&app, "ada@example.com", PASSWORD).await.expect(200);
    }

    async fn the_link_is_sent_again_without_a_session_and_the_answer_reveals_nothing(backend) {
        let app = verified_first(backend).await;
        register(&app, "ada@example.com", PASSWORD).await.expect(202);
        let first = app.link_to("ada@example.com", "verify-email").await;
        let ask = async |email: &str| app.anonymous().post("/email/verification", &json!({ "email": email })).await.expect(202);
        let answers = [ask(" Ada@example.com ").await, ask("unknown@example.com").await, ask("no address").await];
        assert!(answers.iter().all(|answer| comparable(answer) == comparable(&answers[0])));
        let second = app.link_to("ada@example.com", "verify-email").await;
        assert_ne!(first, second);
        assert!(app.mails_to("unknown@example.com").await.is_empty());
        verify(&app, &second).await.expect(204);
        login(&app, "ada@example.com", PASSWORD).await.expect(200);
        let before = app.mails_to("ada@example.com").await.len();
        ask("ada@example.com").await;
        assert_eq!(app.mails_to("ada@example.com").await.len(), before, "a confirmed address gets none");
        let without = app.anonymous().post_nothing("/email/verification").await.expect(401);
        assert_eq!(without.code(), "missing_token");
    }

    async fn links_that_are_sent_again_stay_within_the_limits_of_mail(backend) {
        let app = Builder::new(backend)
            .set("limits.enabled", "true")
            .set("registration.require_verified_email", "true")
            .set("limits.mail_per_address", "100/1h")
            .start()
            .await;
        register(&app, "ada@example.com", PASSWORD).await.expect(202);
        for _ in 0..10 {
            app.anonymous().post("/email/verification", &json!({ "email": "ada@example.com" })).await.expect(202);
        }
        let mails = app.mails_to("ada@example.com").await.len();
        assert!((1..=5).contains(&mails), "{mails} mails");
    }

    async fn a_registration_never_reveals_whether_an_address_is_known(backend) {
        let app = verified_first(backend).await;
        let new = register(&app, "ada@example.com", PASSWORD).await.expect(202);
        let token = app.link_to("ada@example.com", "verify-email").await;
        verify(&app, &token).await.expect(204);
        let known = register(&app, "ADA@example.com", "somebody else's horse").await.expect(202);
        assert_eq!(new.text, known.text);
        assert_eq!(new.headers.len(), known.headers.len());
        let notice = app.mail_containing("ada@example.com", "already").await;
        assert!(!notice.text.contains("/verify-email"), "the owner gets a notice that confirms nothing: {}", notice.text);
        login(&app, "ada@example.com", PASSWORD).await.expect(200);
        login(&app, "ada@example.com", "somebody else's horse").await.expect(401);
    }

    /// An attacker who registered with the owner's address first gets no access to the account.
    async fn an_attackers_registration_ends_when_the_owner_verifies(backend) {
        let app = verified_first(backend).await;
        register(&app, "ada@example.com", "the attacker's own horse").await.expect(202);
        // The attacker's mail is sent first, so that the newest mail is the owner's.
        app.mails_to("ada@example.com").await;
        app.clock.advance(Span::seconds(1));
        register(&app, "ada@example.com", PASSWORD).await.expect(202);
        let owners = app.link_to("ada@example.com", "verify-email").await;
        verify(&app, &owners).await.expect(204);
        login(&app, "ada@example.com", "the attacker's own horse").await.expect(401);
        login(&app, "ada@example.com", PASSWORD).await.expect(200);
        let mails = app.mails_to("ada@example.com").await;
        for mail in mails.iter().filter(|mail| mail.text.contains("/verify-email?")) {
            verify(&app, &mail.token("verify-email")).await.expect(400);
        }
        login(&app, "ada@example.com", PASSWORD).await.expect(200);
    }

    async fn a_new_address_is_confirmed_by_itself_and_announced_to_the_old_one(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let own = app.link_to("ada@example.com", "verify-email").await;
        ada.client.post("/email/verify", &json!({ "token": own })).await.expect(204);
        let ada = app.signed_in(&ada.email, &app.refresh(&ada.refresh).await.expect(200));
        let change = |new: &str, password: &str| json!({ "new_email": new, "current_password": password });
        let wrong = ada.client.post("/email/change", &change("new@example.com", "wrong")).await.expect(403);
        assert_eq!(wrong.code(), "wrong_current_password");
        let malformed = ada.client.post("/email/change", &change("no address", PASSWORD)).await.expect(422);
        assert_eq!((malformed.code().as_str(), malformed.json()["errors"][0]["field"].as_str()), ("invalid_email", Some("new_email")));

        ada.client.post("/email/change", &change("new@example.com", PASSWORD)).await.expect(202);
        assert_eq!(ada.client.get("/me").await.json()["email"], "ada@example.com", "not yet");
        let announced = app.mail_containing("ada@example.com", "asked").await;
        assert!(announced.text.contains("new@example.com") && announced.text.contains("/not-me?token="), "{}", announced.text);
        let token = app.link_to("new@example.com", "verify-email").await;
        verify(&app, &token).await.expect(204);
        assert_eq!(ada.client.get("/me").await.expect(401).code(), "all_sessions_revoked");
        app.refresh(&ada.refresh).await.expect(401);
        login(&app, "ada@example.com", PASSWORD).await.expect(401);
        let signed_in = login(&app, "new@example.com", PASSWORD).await.expect(200);
        assert_eq!(signed_in.json()["user"]["email_verified"], true);
        let notice = app.mail_containing("ada@example.com", "no longer go").await;
        assert!(!notice.token("not-me").is_empty());
        verify(&app, &token).await.expect(400);
    }

    async fn the_old_address_takes_a_stolen_account_back(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let change = json!({ "new_email": "thief@example.com", "current_password": PASSWORD });
        ada.client.post("/email/change", &change).await.expect(202);
        verify(&app, &app.link_to("thief@example.com", "verify-email").await).await.expect(204);
        let thief = login(&app, "thief@example.com", PASSWORD).await.expect(200);
        let thief = app.signed_in("thief@example.com", &thief);

        let report = app.link_to("ada@example.com", "not-me").await;
        app.anonymous().post("/not-me", &json!({ "token": report })).await.expect(204);
        thief.client.get("/me").await.expect(401);
        login(&app, "thief@example.com", PASSWORD).await.expect(401);
        app.clock.advance(Span::seconds(1));
        app.anonymous().post("/password/forgot", &json!({ "email": "ada@example.com" })).await.expect(202);
        let token = app.link_to("ada@example.com", "reset").await;
        let body = json!({ "token": token, "new_password": "a quite new horse" });
        app.anonymous().post("/password/reset", &body).await.expect(204);
        login(&app, "ada@example.com", "a quite new horse").await.expect(200);
    }

    async fn an_address_that_another_user_has_is_not_taken_over(backend) {
        let app = TestApp::start(backend).await;
        let (ada, _eve) = (app.user("ada").await, app.user("eve").await);
        let change = json!({ "new_email": "EVE@example.com", "current_password": PASSWORD });
        ada.client.post("/email/change", &change).await.expect(202);
        let mails = app.mails_to("EVE@example.com").await;
        let token = mails.last().unwrap().token("verify-email");
        assert_eq!(verify(&app, &token).await.expect(409).code(), "email_taken");
        ada.client.get("/me").await.expect(200);
        login(&app, "eve@example.com", PASSWORD).await.expect(200);
    }
}
