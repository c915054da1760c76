//! `GET /verify`, for nginx and its like.

use tests::{TestApp, on_every_backend};

on_every_backend! {
    async fn a_good_token_names_its_user_in_headers_without_a_body(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let answer = ada.client.get("/verify").await.expect(204);
        assert!(answer.text.is_empty());
        assert_eq!(answer.header("x-auth-user"), Some(ada.id.as_str()));
        assert_eq!(answer.header("x-auth-email"), Some("ada@example.com"));
        assert_eq!(answer.header("x-auth-role"), Some("user"));
        assert!(answer.header("x-auth-session").is_some());
    }

    async fn a_role_may_be_demanded(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        ada.client.get("/verify?role=user").await.expect(204);
        assert_eq!(ada.client.get("/verify?role=admin").await.expect(403).code(), "forbidden");
    }

    async fn a_condition_that_is_misspelt_lets_no_one_in(backend) {
        let app = TestApp::start(backend).await;
        let (ada, root) = (app.user("ada").await, app.admin("root").await);
        for query in ["roles=admin", "Role=admin", "permission=users:write", "role=user&x=1", "role=%ff", "%ff=1"] {
            for user in [&ada, &root] {
                let answer = user.client.get(&format!("/verify?{query}")).await.expect(422);
                assert_eq!(answer.code(), "unknown_parameter", "{query}");
            }
        }
    }

    async fn without_a_token_there_is_a_challenge_and_no_error(backend) {
        let app = TestApp::start(backend).await;
        let answer = app.anonymous().get("/verify").await.expect(401);
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer") && !challenge.contains("error"), "{challenge}");
    }
}
