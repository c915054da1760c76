//! `POST /logout` and `POST /logout-all`.

use serde_json::json;
use tests::{TestApp, on_every_backend};

on_every_backend! {
    async fn signing_out_ends_this_session_and_no_other(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let other = app.login(&ada.email).await;
        let answer = ada.client.post_nothing("/logout").await.expect(200);
        assert_eq!(answer.json(), json!({ "message": "Successfully logged out" }));
        let refused = ada.client.get("/me").await.expect(401);
        assert_eq!((refused.code().as_str(), refused.field("detail").as_str()), ("token_revoked", "Token has been revoked"));
        assert!(refused.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
        assert_eq!(app.refresh(&ada.refresh).await.expect(401).code(), "token_revoked");
        other.client.get("/me").await.expect(200);
    }

    async fn a_refresh_token_signs_its_session_out(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let body = json!({ "refresh_token": ada.refresh });
        app.anonymous().post("/logout", &body).await.expect(200);
        assert_eq!(ada.client.get("/me").await.expect(401).code(), "token_revoked");
        assert_eq!(app.anonymous().post("/logout", &body).await.expect(401).code(), "token_revoked");
        let access = json!({ "refresh_token": ada.access });
        assert_eq!(app.anonymous().post("/logout", &access).await.expect(401).code(), "invalid_token");
    }

    async fn signing_out_revokes_every_access_token_of_the_session(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let refreshed = app.signed_in(&ada.email, &app.refresh(&ada.refresh).await.expect(200));
        ada.client.get("/me").await.expect(200);
        refreshed.client.post_nothing("/logout").await.expect(200);
        assert_eq!(ada.client.get("/me").await.expect(401).code(), "token_revoked");
        assert_eq!(app.refresh(&refreshed.refresh).await.expect(401).code(), "token_revoked");
    }

    async fn signing_out_everywhere_revokes_exactly_the_tokens_issued_before(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let phone = app.login(&ada.email).await;
        let bystander = app.user("bob").await;
        let answer = ada.client.post_nothing("/logout-all").await.expect(200);
        let expected = json!({ "message": "Successfully logged out from all sessions", "sessions_revoked": 2 });
        assert_eq!(answer.json(), expected);
        for old in [&ada, &phone] {
            let refused = old.client.get("/me").await.expect(401);
            assert_eq!(refused.code(), "all_sessions_revoked");
            assert_eq!(refused.field("detail"), "All user sessions have been revoked");
            assert_eq!(app.refresh(&old.refresh).await.expect(401).code(), "token_revoked");
        }
        // The clock has not moved.
        let again = app.login(&ada.email).await;
        again.client.get("/me").await.expect(200);
        app.refresh(&again.refresh).await.expect(200);
        bystander.client.get("/me").await.expect(200);
    }

    async fn a_revoked_token_stays_refused_through_expiry_and_leeway(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        ada.client.post_nothing("/logout").await.expect(200);
        for seconds in [3599, 1, 3, 1, 1, 1] {
            app.clock.advance(auth_domain::time::Span::seconds(seconds));
            ada.client.get("/me").await.expect(401);
        }
    }

    async fn what_was_revoked_stays_revoked_after_a_restart(backend) {
        let app = TestApp::start(backend).await;
        let (ada, bob) = (app.user("ada").await, app.user("bob").await);
        ada.client.post_nothing("/logout").await.expect(200);
        bob.client.post_nothing("/logout-all").await.expect(200);
        let app = app.restarted().await;
        let refused = app.anonymous().with_bearer(&ada.access).get("/me").await.expect(401);
        assert_eq!(refused.code(), "token_revoked");
        let refused = app.anonymous().with_bearer(&bob.access).get("/me").await.expect(401);
        assert_eq!(refused.code(), "all_sessions_revoked");
        assert_eq!(app.refresh(&ada.refresh).await.expect(401).code(), "token_revoked");
    }
}
