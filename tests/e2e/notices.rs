//! What an owner is told by mail, without having asked.

use auth_domain::time::Span;
use reqwest::Method;
use serde_json::json;
use tests::{Answer, Mail, PASSWORD, TestApp, on_every_backend};

async fn sign_in(app: &TestApp, agent: &str, device: Option<&str>) -> Answer {
    let anonymous = app.anonymous();
    let mut request = anonymous
        .request(Method::POST, "/login")
        .header("user-agent", agent)
        .json(&json!({ "email": "ada@example.com", "password": PASSWORD }));
    if let Some(device) = device {
        request = request.header("x-device-token", device);
    }
    anonymous.send(request).await.expect(200)
}

async fn of_new_devices(app: &TestApp) -> Vec<Mail> {
    let mails = app.mails_to("ada@example.com").await;
    mails
        .into_iter()
        .filter(|mail| mail.subject.contains("new device"))
        .collect()
}

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

on_every_backend! {
    async fn a_sign_in_from_an_unknown_device_is_told_and_one_from_a_known_one_is_not(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        assert_eq!(of_new_devices(&app).await.len(), 0, "a registration is no news");
        let signed_in = sign_in(&app, FIREFOX, None).await;
        let told = of_new_devices(&app).await;
        assert_eq!(told.len(), 1);
        for word in ["Firefox on Linux", "127.0.0.1", "/not-me?token="] {
            assert!(told[0].text.contains(word), "{word}: {}", told[0].text);
        }
        sign_in(&app, FIREFOX, None).await;
        sign_in(&app, "curl/8", signed_in.header("x-device-token")).await;
        assert_eq!(of_new_devices(&app).await.len(), 1);
        sign_in(&app, "wget/1", None).await;
        assert_eq!(of_new_devices(&app).await.len(), 2);
        let report = app.link_to("ada@example.com", "not-me").await;
        app.anonymous().post("/not-me", &json!({ "token": report })).await.expect(204);
        ada.client.get("/me").await.expect(401);
        app.mail_saying("ada@example.com", "not your doing").await;
    }

    async fn a_reused_refresh_token_is_told_once(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let next = app.refresh(&ada.refresh).await.expect(200).field("refresh_token");
        app.refresh(&next).await.expect(200);
        app.clock.advance(Span::minutes(2));
        for _ in 0..3 {
            app.refresh(&ada.refresh).await.expect(401);
        }
        let mails = app.mails_to("ada@example.com").await;
        let told: Vec<&Mail> = mails.iter().filter(|mail| mail.subject.contains("signed out")).collect();
        assert_eq!(told.len(), 1, "{mails:#?}");
        assert!(told[0].text.contains("/not-me?token="));
    }

    async fn a_report_link_lapses_after_a_week(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        let report = app.link_to("ada@example.com", "not-me").await;
        app.clock.advance(Span::days(7));
        app.anonymous().post("/not-me", &json!({ "token": report })).await.expect(400);
        app.login("ada@example.com").await;
    }
}
