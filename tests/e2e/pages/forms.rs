//! Cross-site request forgery. The rule: a form that another site or another user's page made changes nothing.

use auth_domain::time::Span;
use reqwest::Method;
use tests::{Backend, Browser, Builder, PASSWORD, TestApp, on_every_backend};

/// The stored name, which the forms of these tests try to change.
async fn name(app: &TestApp) -> Option<String> {
    let me = app
        .login("ada@example.com")
        .await
        .client
        .get("/me")
        .await
        .expect(200);
    me.json()["name"].as_str().map(ToOwned::to_owned)
}

/// Sends a form with these headers and this token.
async fn post(browser: &Browser, token: &str, headers: &[(&str, &str)]) -> tests::Answer {
    let request = browser
        .request(Method::POST, "/account")
        .form(&[("form", token), ("name", "Eve")]);
    let request = headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value));
    browser.clone().take(request).await
}

on_every_backend! {
    async fn a_form_of_another_site_changes_nothing(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        let mut browser = app.browser_of("ada@example.com").await;
        browser.open("/account").await.expect(200);
        let (token, own) = (browser.form_token(), app.origin());
        for headers in [
            vec![("origin", "https://evil.example")],
            vec![("origin", "null")],
            vec![("origin", "http://localhost:1")],
            vec![("origin", own.as_str()), ("sec-fetch-site", "cross-site")],
            vec![("origin", own.as_str()), ("sec-fetch-site", "same-site")],
            vec![("sec-fetch-site", "cross-site")],
        ] {
            let refused = post(&browser, &token, &headers).await.expect(403);
            assert!(refused.text.contains("<h1>Request from another site</h1>"), "{headers:?} {}", refused.text);
        }
        assert_eq!(name(&app).await, None);
        post(&browser, &token, &[("origin", own.as_str()), ("sec-fetch-site", "same-origin")]).await.expect(303);
        assert_eq!(name(&app).await.as_deref(), Some("Eve"));
    }

    async fn a_form_is_valid_only_for_its_session_and_its_time(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        app.user("eve").await;
        let mut stranger = app.browser();
        stranger.open("/login").await.expect(200);
        let mut eve = app.browser_of("eve@example.com").await;
        eve.open("/account").await.expect(200);
        let mut before = app.browser();
        before.open("/login").await.expect(200);
        let from_before = before.form_token();
        before.send("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await.expect(303);
        let browser = before;
        let own = app.origin();
        for token in ["", "x", &from_before, &stranger.form_token(), &eve.form_token()] {
            let refused = post(&browser, token, &[("origin", &own)]).await.expect(403);
            assert!(refused.text.contains("<h1>Form expired</h1>") && refused.text.contains("href=\"/account\""), "{}", refused.text);
        }
        let mut late = browser.clone();
        late.open("/account").await.expect(200);
        let token = late.form_token();
        app.clock.advance(Span::hours(12));
        post(&late, &token, &[("origin", &own)]).await.expect(403);
        assert_eq!(name(&app).await, None);
        // Current browsers always send the origin of a form. Without one, its token decides.
        late.open("/account").await.expect(200);
        post(&late, &late.form_token(), &[]).await.expect(303);
    }

    async fn no_user_is_signed_in_by_another_users_form(backend) {
        let app = TestApp::start(backend).await;
        app.user("eve").await;
        // Eve's own form and token, sent by another user's browser.
        let mut eve = app.browser();
        eve.open("/login").await.expect(200);
        let mut ada = app.browser();
        ada.open("/login").await.expect(200);
        ada.page.clone_from(&eve.page);
        ada.send("/login", &[("email", "eve@example.com"), ("password", PASSWORD)]).await.expect(403);
        assert!(!ada.cookies.contains_key("kw_refresh"));
    }

    async fn a_body_that_is_no_form_is_refused_with_a_page(backend) {
        let app = TestApp::start(backend).await;
        let browser = app.browser();
        let post = || browser.request(Method::POST, "/login");
        let json = browser.clone().take(post().header("content-type", "application/json").body("{}")).await.expect(415);
        assert!(json.text.contains("<h1>Unsupported media type</h1>"), "{}", json.text);
        let form = |body: Vec<u8>| post().header("content-type", "application/x-www-form-urlencoded").body(body);
        browser.clone().take(form(b"email=%ff".to_vec())).await.expect(400);
        browser.clone().take(form("a=b&".repeat(65).into_bytes())).await.expect(400);
        browser.clone().take(form(vec![b'a'; 16_385])).await.expect(413);
        browser.clone().take(post().header("content-type", "multipart/form-data; boundary=x").body("--x--")).await.expect(415);
    }

    async fn over_tls_every_cookie_has_the_host_prefix_and_is_unreadable_for_scripts(backend) {
        let app = Builder::new(backend).set("server.public_url", "https://auth.example.com").start().await;
        app.user("ada").await;
        let mut browser = app.browser();
        browser.form_origin = "https://auth.example.com".to_owned();
        browser.open("/login").await.expect(200);
        let answer = browser.send("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await.expect(303);
        let set: Vec<_> = answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap().to_owned()).collect();
        assert_eq!(set.len(), 4, "{set:?}");
        for line in &set {
            assert!(line.starts_with("__Host-kw_") && !line.contains("Domain"), "{line}");
            for part in ["; HttpOnly", "; Secure", "; SameSite=Lax", "; Path=/"] {
                assert!(line.contains(part), "{line}");
            }
        }
        let page = browser.open("/account").await.expect(200);
        for kept in browser.cookies.values() {
            assert!(!page.text.contains(kept.as_str()), "no token is in a page");
        }
        // The IP address of this machine is another origin now.
        browser.form_origin = app.origin();
        let refused = browser.send("/account", &[("name", "Eve")]).await.expect(403);
        let expected = format!("This page is served for https://auth.example.com. Your browser used {}.", app.origin());
        assert!(refused.text.contains(&expected), "{}", refused.text);
        browser.form_origin = "https://<b>evil</b>.example".to_owned();
        let refused = browser.send("/account", &[("name", "Eve")]).await.expect(403);
        assert!(refused.text.contains("This page is served for https://auth.example.com.") && !refused.text.contains("evil"));
    }

    async fn the_strength_of_a_password_is_shown_while_it_is_typed(backend) {
        let app = TestApp::start(backend).await;
        let mut browser = app.browser();
        browser.open("/register").await.expect(200);
        let token = browser.page.clone();
        let mut judge = async |password: &str| {
            browser.page.clone_from(&token);
            let fields = [("password", password), ("email", "ada@example.com"), ("name", "")];
            browser.send("/password-hint", &fields).await.expect(200).json()
        };
        let weak = judge("ada").await;
        assert_eq!(weak["good"], false);
        assert!(weak["message"].as_str().unwrap().contains("too short"), "{weak}");
        assert_eq!(judge(PASSWORD).await["good"], true);
        let foreign = browser.request(Method::POST, "/password-hint").form(&[("password", "x")]);
        browser.clone().take(foreign).await.expect(403);
    }
}

#[tokio::test]
async fn a_form_sent_to_a_rebound_host_name_is_refused() {
    let app = TestApp::start(Backend::Sqlite).await;
    app.user("ada").await;
    let mut browser = app.browser_of("ada@example.com").await;
    browser.open("/account").await.expect(200);
    let token = browser.form_token();
    let rebound = [
        ("host", "evil.example:8080"),
        ("origin", "http://evil.example:8080"),
    ];
    post(&browser, &token, &rebound).await.expect(403);
}
