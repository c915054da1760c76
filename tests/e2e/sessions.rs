//! `GET /sessions`, `GET /sessions/{id}`, `DELETE /sessions/{id}`.

use serde_json::Value;
use tests::{TestApp, on_every_backend};

fn items(list: &Value) -> Vec<Value> {
    list["items"].as_array().unwrap().clone()
}

on_every_backend! {
    async fn a_user_sees_its_own_sessions_newest_first(backend) {
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

    async fn another_users_session_is_not_found_and_lives_on(backend) {
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
}
