//! `GET /sessions`, `GET /sessions/{id}`, `DELETE /sessions/{id}`.

use auth_service::{SessionError, TokenRefused};
use serde_json::Value;
use tests::{Builder, TestApp, on_every_backend};

fn items(list: &Value) -> Vec<Value> {
    list["items"].as_array().unwrap().clone()
}

on_every_backend! {
    async fn a_user_sees_their_own_sessions_newest_first(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        app.clock.advance(auth_domain::time::Span::seconds(5));
        let phone = app.login(&ada.email).await;
        app.user("bob").await;
        let list = phone.client.get("/sessions").await.expect(200).json();
        let all = items(&list);
        assert_eq!(all.len(), 2);
        assert_eq!((all[0]["current"].as_bool(), all[1]["current"].as_bool()), (Some(true), Some(false)));
        assert!(all[0]["created_at"].as_str() > all[1]["created_at"].as_str());
        assert_eq!(all[0]["ip"], "127.0.0.1");
        assert!(all[0]["ended_at"].is_null() && list["next_cursor"].is_null());
        assert!(!list.to_string().contains(&phone.refresh));
    }

    async fn a_list_comes_in_pages(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        for _ in 0..4 {
            app.login(&ada.email).await;
        }
        let mut seen = Vec::new();
        let mut path = "/sessions?limit=2".to_owned();
        loop {
            let page = ada.client.get(&path).await.expect(200).json();
            seen.extend(items(&page).into_iter().map(|item| item["id"].as_str().unwrap().to_owned()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/sessions?limit=2&cursor={cursor}");
        }
        let distinct: std::collections::HashSet<_> = seen.iter().collect();
        assert_eq!((seen.len(), distinct.len()), (5, 5));
        for wrong in ["limit=0", "limit=101", "limit=x", "cursor=%00", "cursor=abc", "status=dead"] {
            let answer = ada.client.get(&format!("/sessions?{wrong}")).await;
            assert!((400..500).contains(&answer.status), "{wrong}: {}", answer.text);
        }
    }

    async fn ending_a_session_ends_its_tokens(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let phone = app.login(&ada.email).await;
        let all = items(&ada.client.get("/sessions").await.expect(200).json());
        let other = all.iter().find(|item| item["current"] == false).unwrap()["id"].as_str().unwrap().to_owned();
        ada.client.delete(&format!("/sessions/{other}")).await.expect(204);
        assert_eq!(phone.client.get("/me").await.expect(401).code(), "token_revoked");
        assert_eq!(app.refresh(&phone.refresh).await.expect(401).code(), "token_revoked");
        let ended = ada.client.get(&format!("/sessions/{other}")).await.expect(200);
        assert_eq!(ended.field("end_reason"), "ended_by_user");
        assert_eq!(items(&ada.client.get("/sessions?status=active").await.json()).len(), 1);
        assert_eq!(items(&ada.client.get("/sessions?status=ended").await.json()).len(), 1);
        assert_eq!(items(&ada.client.get("/sessions?status=all").await.json()).len(), 2);
        ada.client.get("/me").await.expect(200);
    }

    async fn another_users_session_is_not_found_and_stays_active(backend) {
        let app = TestApp::start(backend).await;
        let (ada, eve) = (app.user("ada").await, app.user("eve").await);
        let id = items(&ada.client.get("/sessions").await.json())[0]["id"].as_str().unwrap().to_owned();
        let path = format!("/sessions/{id}");
        let foreign = eve.client.get(&path).await.expect(404);
        let unknown = eve.client.get("/sessions/018f3f5e-7c1a-7a30-8d2e-0123456789ab").await.expect(404);
        assert_eq!((foreign.code(), foreign.field("detail")), (unknown.code(), unknown.field("detail")));
        eve.client.delete(&path).await.expect(404);
        eve.client.get("/sessions/not-an-id").await.expect(404);
        ada.client.get("/me").await.expect(200);
    }

    async fn all_other_sessions_end_at_once_and_the_callers_continues_with_its_refresh_token(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let others = [app.login(&ada.email).await, app.login(&ada.email).await, app.login(&ada.email).await];
        let eve = app.user("eve").await;
        let (principal, caller) = app.acting(&ada.access).await;
        assert_eq!(app.service().end_other_sessions(&principal, &caller).await.unwrap().count, 3);
        for other in &others {
            assert_eq!(other.client.get("/me").await.expect(401).code(), "all_sessions_revoked");
            assert_eq!(app.refresh(&other.refresh).await.expect(401).code(), "token_revoked");
        }
        // One revocation covers all access tokens, the caller's own included. The caller's refresh token still works.
        assert_eq!(ada.client.get("/me").await.expect(401).code(), "all_sessions_revoked");
        let ada = app.signed_in(&ada.email, &app.refresh(&ada.refresh).await.expect(200));
        let list = ada.client.get("/sessions?status=all").await.expect(200).json();
        let reasons: Vec<_> = items(&list).iter().map(|item| item["end_reason"].as_str().map(str::to_owned)).collect();
        assert_eq!(reasons.iter().filter(|why| why.as_deref() == Some("ended_by_user")).count(), 3);
        assert_eq!(reasons.iter().filter(|why| why.is_none()).count(), 1);
        eve.client.get("/me").await.expect(200);
        let (principal, caller) = app.acting(&ada.access).await;
        assert_eq!(app.service().end_other_sessions(&principal, &caller).await.unwrap().count, 0);
    }

    /// A caller who is signed out while their request is in flight ends no session, and the answer says so.
    async fn a_caller_whose_session_ended_meanwhile_ends_no_session(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let (principal, caller) = app.acting(&ada.access).await;
        ada.client.post_nothing("/logout").await.expect(200);
        let phone = app.login(&ada.email).await;
        let refused = app.service().end_other_sessions(&principal, &caller).await.unwrap_err();
        assert!(matches!(refused, SessionError::Token(TokenRefused::Revoked)), "{refused:?}");
        let (on_phone, _) = app.acting(&phone.access).await;
        let refused = app.service().end_own_session(&principal, on_phone.session(), &caller).await.unwrap_err();
        assert!(matches!(refused, SessionError::Token(TokenRefused::Revoked)), "{refused:?}");
        let refused = app.service().logout_all(&principal, &caller).await.unwrap_err();
        assert!(matches!(refused, SessionError::Token(TokenRefused::Revoked)), "{refused:?}");
        app.service().logout(&principal, &caller).await.unwrap();
        phone.client.get("/me").await.expect(200);
        let (principal, caller) = app.acting(&phone.access).await;
        app.service().logout_all(&principal, &caller).await.unwrap();
        let tablet = app.login(&ada.email).await;
        let refused = app.service().end_other_sessions(&principal, &caller).await.unwrap_err();
        assert!(matches!(refused, SessionError::Token(TokenRefused::AllSessionsRevoked)), "{refused:?}");
        tablet.client.get("/me").await.expect(200);
    }

    async fn ending_the_others_counts_as_a_change_of_credentials(backend) {
        let app = Builder::new(backend).set("limits.enabled", "true").set("limits.per_user", "2/1h").start().await;
        let mut ada = app.user("ada").await;
        for _ in 0..2 {
            let (principal, caller) = app.acting(&ada.access).await;
            app.service().end_other_sessions(&principal, &caller).await.unwrap();
            ada = app.signed_in(&ada.email, &app.refresh(&ada.refresh).await.expect(200));
        }
        let (principal, caller) = app.acting(&ada.access).await;
        let refused = app.service().end_other_sessions(&principal, &caller).await.unwrap_err();
        assert!(matches!(refused, SessionError::RateLimited(_)), "{refused:?}");
        ada.client.get("/me").await.expect(200);
    }
}
