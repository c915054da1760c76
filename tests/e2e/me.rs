//! `GET /me` and `PATCH /me`.

use serde_json::json;
use tests::{TestApp, on_every_backend};

on_every_backend! {
    async fn a_name_can_be_set_and_removed(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        assert_eq!(ada.client.patch("/me", &json!({ "name": " Ada L. " })).await.expect(200).field("name"), "Ada L.");
        assert_eq!(ada.client.get("/me").await.expect(200).field("name"), "Ada L.");
        let cleared = ada.client.patch("/me", &json!({ "name": null })).await.expect(200);
        assert!(cleared.json()["name"].is_null());
    }

    async fn a_name_that_could_deceive_is_refused(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        for name in ["", "a\u{202e}b", "a\nb", "a\0b", &"x".repeat(101)] {
            ada.client.patch("/me", &json!({ "name": name })).await.expect(422);
        }
        ada.client.patch("/me", &json!({ "name": "<script>alert(1)</script>'--" })).await.expect(200);
    }

    /// Two names that look the same are the same, on every route that takes a name.
    async fn no_name_has_an_invisible_character(backend) {
        let app = TestApp::start(backend).await;
        let (ada, root) = (app.user("ada").await, app.admin("root").await);
        let path = format!("/admin/users/{}", ada.id);
        for hidden in ["A\u{200b}da", "Ada\u{2060}", "A\u{ad}da", "Ada\u{3164}", "Ada\u{e0041}", "A\u{200d}da", "Ada\u{fe0f}", "Ada\u{200c}"] {
            let answers = [
                ada.client.patch("/me", &json!({ "name": hidden })).await,
                ada.client.post("/api-keys", &json!({ "name": hidden })).await,
                app.anonymous().post("/register", &json!({ "email": "eve@example.com", "password": tests::PASSWORD, "name": hidden })).await,
                root.client.patch(&path, &json!({ "name": hidden })).await,
                root.client.post("/admin/users", &json!({ "email": "bob@example.com", "name": hidden })).await,
            ];
            for answer in answers {
                assert_eq!(answer.expect(422).code(), "invalid_name", "{hidden:?}");
            }
        }
        for needed in ["علی\u{200c}رضا", "👩\u{200d}💻", "ශ්\u{200d}රී", "Ada ❤\u{fe0f}"] {
            assert_eq!(ada.client.patch("/me", &json!({ "name": needed })).await.expect(200).field("name"), needed);
        }
    }

    async fn nothing_but_the_name_can_be_changed(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        for field in ["role", "email", "status", "email_verified"] {
            let answer = ada.client.patch("/me", &json!({ "name": "A", field: "admin" })).await.expect(422);
            assert_eq!(answer.code(), "unknown_field");
        }
    }
}
