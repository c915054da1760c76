//! `/account` and the pages below it.

use super::leads_to;
use auth_domain::time::Span;
use tests::{PASSWORD, TestApp, on_every_backend};

const NEW: &str = "violet kettle 41 harbour";

/// The ids of the sessions that a page lists with a button.
fn sessions_of(page: &str) -> Vec<String> {
    let found = page.split("action=\"/account/sessions/").skip(1);
    found
        .filter_map(|rest| rest.split_once("/end\"").map(|(id, _)| id.to_owned()))
        .filter(|id| id.len() == 36)
        .collect()
}

on_every_backend! {
    async fn devices_are_listed_and_ended(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        app.clock.advance(Span::seconds(1));
        let mut phone = app.browser_of("ada@example.com").await;
        app.clock.advance(Span::seconds(1));
        let mut desk = app.browser_of("ada@example.com").await;
        let page = desk.open("/account/sessions").await.expect(200);
        assert_eq!(page.text.matches("this device").count(), 1, "{}", page.text);
        let listed = sessions_of(&page.text);
        assert_eq!(listed.len(), 3, "{}", page.text);
        // Newest first: the desk's own, the phone's, the registration's.
        let end = format!("/account/sessions/{}/end", listed[1]);
        assert_eq!(leads_to(&desk.send(&end, &[]).await), "/account/sessions?done=session_ended");
        assert!(leads_to(&phone.open("/account").await).ends_with("&ended=1"));
        let ended = desk.open("/account/sessions?status=ended").await.expect(200);
        assert!(ended.text.contains("ended from another session"), "{}", ended.text);
        // Ending the browser's own session is a sign-out.
        desk.open("/account/sessions").await.expect(200);
        let own = format!("/account/sessions/{}/end", listed[0]);
        assert_eq!(leads_to(&desk.send(&own, &[]).await), "/login?done=signed_out");
        assert!(!desk.cookies.contains_key("kw_refresh"));
    }

    async fn all_other_sessions_end_at_once_and_this_one_continues(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let mut phone = app.browser_of("ada@example.com").await;
        let mut desk = app.browser_of("ada@example.com").await;
        desk.open("/account/sessions").await.expect(200);
        assert_eq!(leads_to(&desk.send("/account/sessions/end-others", &[]).await), "/account/sessions?done=others_ended");
        let page = desk.open("/account/sessions?done=others_ended").await.expect(200);
        assert!(page.text.contains("All your other sessions have ended."), "{}", page.text);
        assert_eq!(sessions_of(&page.text).len(), 1);
        assert!(leads_to(&phone.open("/account").await).starts_with("/login"));
        ada.client.get("/me").await.expect(401);
    }

    async fn another_users_session_and_key_are_not_found(backend) {
        let app = TestApp::start(backend).await;
        let eve = app.user("eve").await;
        app.user("ada").await;
        let session = eve.client.get("/sessions").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
        let made = eve.client.post("/api-keys", &serde_json::json!({ "name": "hers" })).await.expect(201).json();
        let key = made["api_key"]["id"].as_str().unwrap();
        let mut ada = app.browser_of("ada@example.com").await;
        for path in [format!("/account/sessions/{session}/end"), "/account/sessions/7/end".into(), format!("/account/keys/{key}/revoke")] {
            ada.open("/account").await.expect(200);
            let missing = ada.send(&path, &[]).await.expect(404);
            assert!(missing.text.contains("<h1>Not found</h1>"), "{}", missing.text);
        }
        eve.client.get("/me").await.expect(200);
        app.anonymous().with_bearer(made["key"].as_str().unwrap()).get("/me").await.expect(200);
    }

    async fn a_password_and_an_address_are_changed_with_the_current_password(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        let mut browser = app.browser_of("ada@example.com").await;
        let wrong = [("current_password", NEW), ("new_password", NEW)];
        let refused = browser.submit("/account/security", "/account/password", &wrong).await.expect(403);
        assert!(refused.text.contains("id=\"current_password-fault\""), "{}", refused.text);
        let weak = [("current_password", PASSWORD), ("new_password", "ada")];
        let refused = browser.send("/account/password", &weak).await.expect(422);
        assert!(refused.text.contains("id=\"new_password-fault\""), "{}", refused.text);
        let bad = [("new_email", "nowhere"), ("email_password", PASSWORD)];
        let refused = browser.send("/account/email", &bad).await.expect(422);
        assert!(refused.text.contains("id=\"new_email-fault\"") && refused.text.contains("value=\"nowhere\""), "{}", refused.text);
        let wrong = [("new_email", "lovelace@example.com"), ("email_password", NEW)];
        let refused = browser.send("/account/email", &wrong).await.expect(403);
        assert!(refused.text.contains("id=\"email_password-fault\""), "{}", refused.text);
        let good = [("new_email", "lovelace@example.com"), ("email_password", PASSWORD)];
        assert_eq!(leads_to(&browser.send("/account/email", &good).await), "/account/security?done=email_change_sent");
        let link = app.link_to("lovelace@example.com", "verify-email").await;
        let page = format!("/verify-email?token={link}");
        browser.submit(&page, "/verify-email", &[("token", &link)]).await.expect(303);
        browser.sign_in("lovelace@example.com", PASSWORD).await.expect(303);
        let account = browser.open("/account").await.expect(200);
        assert!(account.text.contains("lovelace@example.com"), "{}", account.text);
    }

    async fn an_address_is_confirmed_from_the_profile(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        let mut browser = app.browser_of("ada@example.com").await;
        browser.open("/account").await.expect(200);
        let before = app.mails_to("ada@example.com").await.len();
        assert_eq!(leads_to(&browser.send("/account/verification", &[]).await), "/account?done=verification_sent");
        assert_eq!(app.mails_to("ada@example.com").await.len(), before + 1);
        let link = app.link_to("ada@example.com", "verify-email").await;
        let page = format!("/verify-email?token={link}");
        let done = browser.submit(&page, "/verify-email", &[("token", &link)]).await;
        assert_eq!(leads_to(&done), "/account?done=email_verified");
        let account = browser.open("/account").await.expect(200);
        assert!(!account.text.contains("/account/verification"), "{}", account.text);
    }

    async fn a_key_is_shown_once_and_revoked(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        let mut browser = app.browser_of("ada@example.com").await;
        let made = browser.submit("/account/keys", "/account/keys", &[("name", "backup"), ("days", "30")]).await.expect(201);
        let key = made.text.split_once("data-copy=\"Copy\">").unwrap().1.split('<').next().unwrap().to_owned();
        let client = app.anonymous().with_bearer(&key);
        client.get("/me").await.expect(200);
        let page = browser.open("/account/keys").await.expect(200);
        assert!(page.text.contains("backup") && !page.text.contains(&key), "{}", page.text);
        let id = page.text.split_once("action=\"/account/keys/").unwrap().1.split('/').next().unwrap().to_owned();
        browser.send(&format!("/account/keys/{id}/revoke"), &[]).await.expect(303);
        client.get("/me").await.expect(401);
        for bad in [[("name", "x"), ("days", "9999")], [("name", "x"), ("days", "")], [("name", ""), ("days", "30")]] {
            browser.submit("/account/keys", "/account/keys", &bad).await.expect(422);
        }
        let held = [("name", "x"), ("days", "0"), ("permissions", "users:write")];
        let refused = browser.submit("/account/keys", "/account/keys", &held).await.expect(403);
        assert!(refused.text.contains("role=\"alert\""), "a user grants only what they hold: {}", refused.text);
        let made = browser.submit("/account/keys", "/account/keys", &[("name", "month"), ("days", "30")]).await.expect(201);
        let month = made.text.split_once("data-copy=\"Copy\">").unwrap().1.split('<').next().unwrap().to_owned();
        let made = browser.submit("/account/keys", "/account/keys", &[("name", "ever"), ("days", "0")]).await.expect(201);
        let ever = made.text.split_once("data-copy=\"Copy\">").unwrap().1.split('<').next().unwrap().to_owned();
        app.clock.advance(Span::days(31));
        app.anonymous().with_bearer(&month).get("/me").await.expect(401);
        app.anonymous().with_bearer(&ever).get("/me").await.expect(200);
    }

    async fn recent_activity_is_in_plain_words_and_names_no_other_user(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let root = app.admin("root").await;
        app.browser().sign_in("ada@example.com", "violet kettle").await.expect(401);
        let body = serde_json::json!({ "name": "Countess" });
        root.client.patch(&format!("/admin/users/{}", ada.id), &body).await.expect(200);
        let mut browser = app.browser_of("ada@example.com").await;
        let page = browser.open("/account/events").await.expect(200);
        for expected in ["Failed sign-in", "Account registered", "Account changed", "by an administrator"] {
            assert!(page.text.contains(expected), "{expected}: {}", page.text);
        }
        assert!(!page.text.contains(&root.id) && !page.text.contains("root@"), "{}", page.text);
        // What a user did to others is not in their own activity.
        root.client.post_nothing(&format!("/admin/users/{}/lock-out", ada.id)).await.expect(204);
        let mut admin = app.browser_of(&root.email).await;
        let own = admin.open("/account/events").await.expect(200);
        assert!(own.text.contains("Signed in") && !own.text.contains("Locked out"), "{}", own.text);
    }

    async fn an_account_can_be_exported_and_deleted(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        let mut browser = app.browser_of("ada@example.com").await;
        let file = browser.submit("/account/data", "/account/export", &[]).await.expect(200);
        assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"account.json\""));
        assert_eq!(file.json()["user"]["email"], "ada@example.com");
        let refused = browser.submit("/account/data", "/account/delete", &[("current_password", NEW), ("sure", "yes")]).await.expect(403);
        assert!(refused.text.contains("id=\"current_password-fault\""), "{}", refused.text);
        browser.submit("/account/data", "/account/delete", &[("current_password", PASSWORD)]).await.expect(422);
        browser.open("/account/data").await.expect(200);
        let gone = browser.send("/account/delete", &[("current_password", PASSWORD), ("sure", "yes")]).await;
        assert_eq!(leads_to(&gone), "/login?done=account_deleted");
        assert!(!browser.cookies.contains_key("kw_refresh"));
        browser.sign_in("ada@example.com", PASSWORD).await.expect(401);
    }

    async fn a_name_is_shown_as_text_and_never_as_markup(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let root = app.admin("root").await;
        let mut admin = app.browser_of(&root.email).await;
        let mut browser = app.browser_of("ada@example.com").await;
        for name in ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'-alert(1)-'", "{{7*7}}", "&lt;b&gt;"] {
            browser.submit("/account", "/account", &[("name", name)]).await.expect(303);
            assert_eq!(ada.client.get("/me").await.json()["name"], name, "stored as typed");
            let places = ["/account".to_owned(), "/admin/users".to_owned(), format!("/admin/users/{}", ada.id)];
            for place in &places {
                let shown = if place == "/account" { browser.open(place).await } else { admin.open(place).await };
                let text = shown.expect(200).text;
                assert!(!text.contains("<script>alert") && !text.contains("<img src=x"), "{place}: {text}");
                let escaped = name.replace('&', "&#38;").replace('<', "&#60;").replace('>', "&#62;").replace('"', "&#34;").replace('\'', "&#39;");
                assert!(text.contains(&escaped), "{place}: {name}: {text}");
            }
        }
        let long = browser.submit("/account", "/account", &[("name", &"x".repeat(101))]).await.expect(422);
        assert!(long.text.contains("id=\"name-fault\"") && long.text.contains(&"x".repeat(101)), "{}", long.text);
    }
}
