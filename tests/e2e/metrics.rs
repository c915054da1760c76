//! `GET /metrics`, on the operators' listener. The rule: each use case is counted once, through every interface.

use auth_domain::time::Span;
use serde_json::json;
use tests::{Builder, Client, TestApp, on_every_backend};

/// The counters of use cases that are not zero, sorted by name.
async fn counted(app: &TestApp) -> Vec<String> {
    let operators = app.running().admin_addr().unwrap();
    let metrics = Client::new(&format!("http://{operators}"))
        .get("/metrics")
        .await
        .expect(200);
    let of_use_cases = [
        "keyward_sign_ins_total",
        "keyward_refreshes_total",
        "keyward_revocations_total",
    ];
    let lines = metrics
        .text
        .lines()
        .filter(|line| of_use_cases.iter().any(|name| line.starts_with(name)));
    lines.map(|line| line.replace("keyward_", "")).collect()
}

on_every_backend! {
    async fn each_use_case_is_counted_once_through_every_interface(backend) {
        let app = Builder::new(backend)
            .set("server.admin_bind", "127.0.0.1:0")
            .set("oauth.password_grant", "true")
            .start()
            .await;
        assert_eq!(counted(&app).await, [""; 0]);

        // Two sign-ins by the API, two in browsers, one at the token endpoint; and a wrong password.
        let ada = app.user("ada").await;
        let again = app.login(&ada.email).await;
        let mut desk = app.browser_of(&ada.email).await;
        let mut phone = app.browser_of(&ada.email).await;
        let grant = [("grant_type", "password"), ("username", &ada.email), ("password", tests::PASSWORD)];
        app.anonymous().form("/token", &grant).await.expect(200);
        let wrong = json!({ "email": ada.email, "password": "wrong" });
        app.anonymous().post("/login", &wrong).await.expect(401);

        // A refresh, a reuse of its token, and a refresh that a page does by itself.
        app.refresh(&again.refresh).await.expect(200);
        app.clock.advance(Span::minutes(1));
        app.refresh(&again.refresh).await.expect(401);
        phone.cookies.remove("kw_access");
        phone.open("/account").await.expect(200);

        // A sign-out in one browser, the end of all other sessions in the other, and of all sessions by the API. No session is left.
        desk.open("/account").await.expect(200);
        desk.send("/logout", &[]).await.expect(303);
        phone.open("/account/sessions").await.expect(200);
        phone.send("/account/sessions/end-others", &[]).await.expect(303);
        let last = app.login(&ada.email).await;
        last.client.post_nothing("/logout-all").await.expect(200);
        last.client.post_nothing("/logout").await.expect(401);

        assert_eq!(
            counted(&app).await,
            [
                r#"refreshes_total{outcome="ok"} 1"#,
                r#"refreshes_total{outcome="token_already_used"} 1"#,
                r#"revocations_total{by="logout"} 1"#,
                r#"revocations_total{by="logout_all"} 2"#,
                r#"sign_ins_total{outcome="invalid_credentials"} 1"#,
                r#"sign_ins_total{outcome="ok"} 6"#,
            ]
        );
    }
}
