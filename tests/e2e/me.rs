//! `GET /me` and `PATCH /me`.

use serde_json::json;
use tests::{TestApp, on_every_backend};

on_every_backend! {
    async fn a_name_can_be_set_and_taken_away(backend) {
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

    async fn nothing_but_the_name_can_be_changed(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        for field in ["role", "email", "status", "email_verified"] {
            let answer = ada.client.patch("/me", &json!({ "name": "A", field: "admin" })).await.expect(422);
            assert_eq!(answer.code(), "unknown_field");
        }
    }
}
