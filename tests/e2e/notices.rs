//! Notices: the mails that an owner gets without requesting them.

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
    async fn a_sign_in_from_an_unknown_device_sends_a_notice_and_one_from_a_known_device_does_not(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        assert_eq!(of_new_devices(&app).await.len(), 0, "a registration is no news");
        let signed_in = sign_in(&app, FIREFOX, None).await;
        let notices = of_new_devices(&app).await;
        assert_eq!(notices.len(), 1);
        for word in ["Firefox on Linux", "127.0.0.1", "/not-me?token="] {
            assert!(notices[0].text.contains(word), "{word}: {}", notices[0].text);
        }
        sign_in(&app, FIREFOX, None).await;
        sign_in(&app, "curl/8", signed_in.header("x-device-token")).await;
        assert_eq!(of_new_devices(&app).await.len(), 1);
        sign_in(&app, "wget/1", None).await;
        assert_eq!(of_new_devices(&app).await.len(), 2);
        let report = app.link_to("ada@example.com", "not-me").await;
        app.anonymous().post("/not-me", &json!({ "token": report })).await.expect(204);
        ada.client.get("/me").await.expect(401);
        app.mail_containing("ada@example.com", "You reported activity").await;
    }

    /// docs/rules.md §5: a stranger who registers with another user's address chooses the name, the client's user agent, and the address
    /// to change to. None of these texts is mailed to the owner of the address.
    async fn a_mail_to_an_unconfirmed_address_contains_no_text_chosen_by_a_stranger(backend) {
        let app = TestApp::start(backend).await;
        let name = "Call 1 555 123 4567 now";
        let body = json!({ "email": "ada@example.com", "password": PASSWORD, "name": name });
        let stranger = app.signed_in("ada@example.com", &app.anonymous().post("/register", &body).await.expect(201));
        sign_in(&app, "Call-1-555-123-4567/1.0", None).await;
        let change = json!({ "new_email": "call-1-555-123-4567@example.org", "current_password": PASSWORD });
        stranger.client.post("/email/change", &change).await.expect(202);
        app.anonymous().post("/password/forgot", &json!({ "email": "ada@example.com" })).await.expect(202);
        let mails = app.mails_to("ada@example.com").await;
        for word in ["Confirm your", "new device", "A new email address", "Choose a new"] {
            assert!(mails.iter().any(|mail| mail.subject.contains(word)), "{word}: {mails:#?}");
        }
        // The address to change to is not confirmed either.
        for mail in mails.iter().chain(&app.mails_to("call-1-555-123-4567@example.org").await) {
            for part in [&mail.subject, &mail.text, &mail.html] {
                assert!(!part.contains("555 123") && !part.contains("555-123"), "{mail:#?}");
            }
            assert!(mail.text.starts_with("Hello,\n"), "{}", mail.text);
        }

        // Once the owner has confirmed the address, mails greet by name again.
        let confirmed = app.link_to("ada@example.com", "verify-email").await;
        stranger.client.post("/email/verify", &json!({ "token": confirmed })).await.expect(204);
        app.anonymous().post("/password/forgot", &json!({ "email": "ada@example.com" })).await.expect(202);
        let greeted = app.mail_containing("ada@example.com", "/reset?token=").await;
        assert!(greeted.text.starts_with(&format!("Hello {name},\n")), "{}", greeted.text);
    }

    /// docs/rules.md §7: an event that ends other sessions makes their devices unknown.
    async fn a_password_change_makes_other_devices_unknown_and_its_own_stays_known(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let other = sign_in(&app, FIREFOX, None).await;
        app.clock.advance(Span::seconds(1));
        let body = json!({ "current_password": PASSWORD, "new_password": PASSWORD });
        let changed = ada.client.post("/password/change", &body).await.expect(204);
        let before = of_new_devices(&app).await.len();
        sign_in(&app, "wget/1", changed.header("x-device-token")).await;
        assert_eq!(of_new_devices(&app).await.len(), before, "the device that made the change");
        sign_in(&app, "wget/2", other.header("x-device-token")).await;
        assert_eq!(of_new_devices(&app).await.len(), before + 1, "another one");
    }

    async fn signing_out_everywhere_makes_every_device_unknown(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let other = sign_in(&app, FIREFOX, None).await;
        app.clock.advance(Span::seconds(1));
        ada.client.post_nothing("/logout-all").await.expect(200);
        let before = of_new_devices(&app).await.len();
        sign_in(&app, "wget/1", other.header("x-device-token")).await;
        assert_eq!(of_new_devices(&app).await.len(), before + 1);
    }

    async fn a_reused_refresh_token_sends_one_notice(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let next = app.refresh(&ada.refresh).await.expect(200).field("refresh_token");
        app.refresh(&next).await.expect(200);
        app.clock.advance(Span::minutes(2));
        for _ in 0..3 {
            app.refresh(&ada.refresh).await.expect(401);
        }
        let mails = app.mails_to("ada@example.com").await;
        let notices: Vec<&Mail> = mails.iter().filter(|mail| mail.subject.contains("signed out")).collect();
        assert_eq!(notices.len(), 1, "{mails:#?}");
        assert!(notices[0].text.contains("/not-me?token="));
    }

    async fn a_report_link_expires_after_a_week(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        let report = app.link_to("ada@example.com", "not-me").await;
        app.clock.advance(Span::days(7));
        app.anonymous().post("/not-me", &json!({ "token": report })).await.expect(400);
        app.login("ada@example.com").await;
    }
}
