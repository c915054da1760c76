//! `GET /admin/keys`, `POST /admin/keys/rotate`, `GET /admin/stats`.

use auth_domain::time::Span;
use serde_json::json;
use tests::{Builder, TestApp, on_every_backend};

on_every_backend! {
    async fn signing_keys_are_seen_and_rotated(backend) {
        let app = TestApp::start(backend).await;
        let root = app.admin("root").await;
        let states = async |root: &tests::User| {
            let list = root.client.get("/admin/keys").await.expect(200).json();
            let items = list["items"].as_array().unwrap().iter();
            let mut states: Vec<_> = items.map(|key| key["state"].as_str().unwrap().to_owned()).collect();
            states.sort();
            states
        };
        assert_eq!(states(&root).await, ["active", "next"]);
        assert_eq!(root.client.post_nothing("/admin/keys/rotate").await.expect(409).code(), "key_too_young");
        app.clock.advance(Span::minutes(30));
        root.client.post_nothing("/admin/keys/rotate").await.expect(200);
        assert_eq!(states(&root).await, ["active", "next", "retiring"]);
        root.client.get("/me").await.expect(200);
        root.client.post("/admin/keys/rotate", &json!({ "compromised": true })).await.expect(200);
        root.client.get("/me").await.expect(200);
        root.client.post("/admin/keys/rotate", &json!({ "compromised": 1 })).await.expect(422);
    }

    async fn with_a_shared_secret_there_is_no_key_to_rotate(backend) {
        let app = Builder::new(backend)
            .set("tokens.algorithm", "HS256")
            .set("tokens.secret", "a shared secret of more than 32 bytes")
            .start()
            .await;
        let root = app.admin("root").await;
        assert_eq!(root.client.get("/admin/keys").await.expect(200).json(), json!({ "items": [] }));
        assert_eq!(root.client.post_nothing("/admin/keys/rotate").await.expect(409).code(), "no_keys_to_rotate");
    }

    async fn the_figures_count_users_sessions_and_mails(backend) {
        let app = TestApp::start(backend).await;
        let root = app.admin("root").await;
        app.user("ada").await;
        let stats = root.client.get("/admin/stats").await.expect(200).json();
        assert_eq!((stats["users"].as_u64(), stats["active_users"].as_u64()), (Some(2), Some(2)));
        assert_eq!(stats["live_sessions"], 2);
        app.user("bob").await;
        assert_eq!(root.client.get("/admin/stats").await.expect(200).json(), stats, "kept for half a minute");
        app.clock.advance(Span::seconds(31));
        assert_eq!(root.client.get("/admin/stats").await.expect(200).json()["users"], 3);
    }
}
