//! `/register`, `/login`, `/logout`, `/setup`.

use super::leads_to;
use secrecy::ExposeSecret;
use tests::{Backend, Builder, PASSWORD, TestApp, on_every_backend};

const TWO_ORIGINS: &str = r#"["https://app.example.com","http://localhost:3000"]"#;

on_every_backend! {
    async fn a_user_registers_signs_out_and_signs_in_again(backend) {
        let app = TestApp::start(backend).await;
        let mut browser = app.browser();
        let fields = [("email", " ada@example.com "), ("name", "Ada Lovelace"), ("password", PASSWORD)];
        let registered = browser.submit("/register", "/register", &fields).await;
        assert_eq!(leads_to(&registered), "/account");
        let account = browser.open("/account").await.expect(200);
        assert!(account.text.contains("Ada Lovelace") && account.text.contains("ada@example.com"), "{}", account.text);
        let out = browser.send("/logout", &[]).await;
        assert_eq!(leads_to(&out), "/login?done=signed_out");
        assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), ["kw_device"], "the device stays known");
        assert_eq!(leads_to(&browser.open("/account").await), "/login?return_to=%2Faccount");
        assert_eq!(leads_to(&browser.sign_in("ada@example.com", PASSWORD).await), "/account");
        assert_eq!(leads_to(&browser.open("/login").await), "/account", "a signed-in user is redirected");
        assert_eq!(leads_to(&browser.open("/").await), "/account");
    }

    async fn a_wrong_password_shows_the_form_again_without_it(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        let mut browser = app.browser();
        let refused = browser.sign_in("ada@example.com", "violet kettle 41 harbour").await.expect(401);
        assert!(refused.text.contains("Incorrect email or password"), "{}", refused.text);
        assert!(refused.text.contains("value=\"ada@example.com\""), "the address is kept");
        assert!(!refused.text.contains("violet kettle"), "the password is not");
        let unknown = browser.send("/login", &[("email", "eve@example.com"), ("password", "x")]).await.expect(401);
        let alike = |text: &str, email: &str, token: &str| text.replace(email, "").replace(token, "");
        let forms = (refused.text.split("name=\"form\" value=\"").nth(1).unwrap().split('"').next().unwrap(), browser.form_token());
        assert_eq!(alike(&refused.text, "ada@example.com", forms.0), alike(&unknown.text, "eve@example.com", &forms.1));
    }

    async fn a_refused_registration_shows_each_fault_beside_its_field(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        let mut browser = app.browser();
        let fields = [("email", "ada@example.com"), ("name", "Ada <b>"), ("password", "short")];
        let weak = browser.submit("/register", "/register", &fields).await.expect(422);
        assert!(weak.text.contains("id=\"password-fault\"") && weak.text.contains("aria-invalid=\"true\""), "{}", weak.text);
        assert!(weak.text.contains("value=\"Ada &#60;b&#62;\"") && !weak.text.contains("value=\"short\""), "{}", weak.text);
        let taken = browser.send("/register", &[("email", "ada@example.com"), ("password", PASSWORD)]).await.expect(409);
        assert!(taken.text.contains("id=\"email-fault\""), "{}", taken.text);
        let bad = browser.send("/register", &[("email", "nowhere"), ("password", PASSWORD)]).await.expect(422);
        assert!(bad.text.contains("id=\"email-fault\""), "{}", bad.text);
        let role = [("email", "eve@example.com"), ("password", PASSWORD), ("role", "admin")];
        browser.send("/register", &role).await.expect(303);
        let account = browser.open("/account").await.expect(200);
        assert!(account.text.contains("<dt>Role</dt><dd>user</dd>"), "a role is never chosen: {}", account.text);
        browser.open("/admin").await.expect(403);
    }

    async fn where_addresses_are_confirmed_first_a_known_address_is_not_revealed(backend) {
        let app = Builder::new(backend).set("registration.require_verified_email", "true").start().await;
        let mut browser = app.browser();
        let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
        let first = browser.submit("/register", "/register", &fields).await.expect(202);
        assert!(!browser.cookies.contains_key("kw_refresh"));
        let link = app.link_to("ada@example.com", "verify-email").await;
        let page = format!("/verify-email?token={link}");
        let confirmed = browser.submit(&page, "/verify-email", &[("token", &link), ("current_password", PASSWORD)]).await;
        assert_eq!(leads_to(&confirmed), "/login?done=email_verified");
        let again = browser.submit("/register", "/register", &fields).await.expect(202);
        assert_eq!(first.text, again.text);
        browser.sign_in("ada@example.com", PASSWORD).await.expect(303);
    }

    async fn the_link_is_offered_again_to_the_right_password_alone(backend) {
        let app = Builder::new(backend).set("registration.require_verified_email", "true").start().await;
        let mut browser = app.browser();
        let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
        browser.submit("/register", "/register", &fields).await.expect(202);
        let first = app.link_to("ada@example.com", "verify-email").await;
        let wrong = browser.sign_in("ada@example.com", "the wrong horse altogether").await.expect(401);
        assert!(!wrong.text.contains("/verify-email/again"), "{}", wrong.text);
        let right = browser.sign_in("ada@example.com", PASSWORD).await.expect(403);
        assert!(right.text.contains("Confirm your email address first") && right.text.contains("action=\"/verify-email/again\""), "{}", right.text);
        let sent = browser.send("/verify-email/again", &[("email", "ada@example.com")]).await.expect(202);
        let second = app.link_to("ada@example.com", "verify-email").await;
        assert_ne!(first, second);
        let unknown = browser.submit("/verify-email/again", "/verify-email/again", &[("email", "eve@example.com")]).await.expect(202);
        assert_eq!(sent.text, unknown.text);
        let bad = browser.submit("/verify-email/again", "/verify-email/again", &[("email", "nowhere")]).await.expect(422);
        assert!(bad.text.contains("id=\"email-fault\""), "{}", bad.text);
    }

    async fn a_closed_registration_is_offered_on_no_page(backend) {
        let app = Builder::new(backend).set("registration.open", "false").start().await;
        let mut browser = app.browser();
        assert!(!browser.open("/login").await.expect(200).text.contains("/register"));
        let closed = browser.open("/register").await.expect(403);
        assert!(closed.text.contains("<h1>Registration is closed</h1>"), "{}", closed.text);
    }

    async fn a_sign_in_leads_back_only_to_allowed_places(backend) {
        let app = Builder::new(backend).set("pages.return_to", TWO_ORIGINS).start().await;
        app.user("ada").await;
        let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
        for good in ["https://app.example.com/a?b=c&d#e", "http://localhost:3000", "/account/sessions?status=ended"] {
            let mut browser = app.browser();
            let encoded = good.replace('&', "%26").replace('#', "%23");
            let page = browser.open(&format!("/login?return_to={encoded}")).await.expect(200);
            let sent_to = action(&page.text);
            assert!(sent_to.starts_with("/login?return_to="), "{}", page.text);
            let wrong = browser.send(&sent_to, &[("email", "ada@example.com"), ("password", "wrong")]).await.expect(401);
            assert_eq!(action(&wrong.text), sent_to, "a wrong password does not forget the way back");
            assert_eq!(leads_to(&browser.send(&sent_to, &fields).await), good);
            assert_eq!(leads_to(&browser.open(&format!("/login?return_to={encoded}")).await), good, "at once, once signed in");
        }
        for bad in ["https://evil.example", "//evil.example", "/\\evil.example", "https://app.example.com.evil.example", "javascript:alert(1)", "/elsewhere"] {
            let mut browser = app.browser();
            let refused = browser.open(&format!("/login?return_to={bad}")).await.expect(400);
            assert!(refused.text.contains("<h1>Return address not allowed</h1>"), "{}", refused.text);
            browser.open("/login").await.expect(200);
            browser.send(&format!("/login?return_to={bad}"), &fields).await.expect(400);
            assert!(!browser.cookies.contains_key("kw_refresh"), "{bad}");
        }
        let policy = app.browser().open("/login").await.header("content-security-policy").unwrap().to_owned();
        assert!(policy.contains("form-action 'self' https://app.example.com http://localhost:3000;"), "{policy}");
    }

    async fn a_form_that_expired_keeps_the_way_back_and_one_that_is_no_longer_needed_leads_there(backend) {
        let app = Builder::new(backend).set("pages.return_to", TWO_ORIGINS).start().await;
        app.user("ada").await;
        let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
        let (login, board) = ("/login?return_to=https%3A%2F%2Fapp.example.com%2Fboard", "https://app.example.com/board");
        // Two tabs of one browser: the first signs in, the second still shows the earlier form.
        let mut first = app.browser();
        first.open(login).await.expect(200);
        let stale = first.page.clone();
        assert_eq!(leads_to(&first.send(login, &fields).await), board);
        let mut second = first.clone();
        second.page.clone_from(&stale);
        assert_eq!(leads_to(&second.send(login, &fields).await), board);
        // The registration was for another account than the signed-in one.
        second.page.clone_from(&stale);
        second.send("/register", &fields).await.expect(403);
        // Without a session, the error page links to the same form again, on every page that keeps a way back.
        for place in ["/login", "/register"] {
            let address = login.replace("/login", place);
            let mut stranger = app.browser();
            stranger.page.clone_from(&stale);
            let expired = stranger.send(&address, &fields).await.expect(403);
            assert!(expired.text.contains("<h1>Form expired</h1>"), "{}", expired.text);
            let again = format!("href=\"{place}?return_to=https%3A%2F%2Fapp%2Eexample%2Ecom%2Fboard\"");
            assert!(expired.text.contains(&again), "{}", expired.text);
        }
        // A disallowed return address is not kept.
        let mut stranger = app.browser();
        stranger.page.clone_from(&stale);
        let refused = stranger.send("/login?return_to=https://evil.example", &fields).await.expect(403);
        assert!(refused.text.contains("href=\"/login\"") && !refused.text.contains("evil"), "{}", refused.text);
    }

    async fn the_first_administrator_is_created_once(backend) {
        let app = TestApp::start(backend).await;
        let issue = || async { app.service().admin().issue_setup_token(true, &app.operator()).await.unwrap().unwrap() };
        let token = issue().await.expose_secret().to_owned();
        let mut browser = app.browser();
        let page = browser.open(&format!("/setup?token={token}")).await.expect(200);
        assert!(page.text.contains(&format!("value=\"{token}\"")), "{}", page.text);
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        for (given, password, status, beside) in [("guess", PASSWORD, 400, "token-fault"), (&*token, "admin123", 422, "password-fault")] {
            let fields = [("token", given), ("email", "root@example.com"), ("password", password)];
            let refused = browser.send("/setup", &fields).await.expect(status);
            assert!(refused.text.contains(&format!("id=\"{beside}\"")), "{}", refused.text);
        }
        let made = browser.send("/setup", &[("token", &token), ("email", "root@example.com"), ("password", PASSWORD)]).await;
        assert_eq!(leads_to(&made), "/admin");
        browser.open("/admin").await.expect(200);
        let closed = app.browser().open(&format!("/setup?token={token}")).await.expect(403);
        assert!(closed.text.contains("<h1>Set-up is closed</h1>"), "{}", closed.text);
    }
}

/// The action of the sign-in page's form.
fn action(page: &str) -> String {
    let (_, rest) = page.split_once("action=\"/login").unwrap();
    format!("/login{}", rest.split('"').next().unwrap())
}

#[tokio::test]
async fn a_link_alone_signs_no_user_out() {
    let app = TestApp::start(Backend::Sqlite).await;
    app.user("ada").await;
    let mut browser = app.browser_of("ada@example.com").await;
    let asked = browser.open("/logout").await.expect(200);
    assert!(
        asked.text.contains("<form method=\"post\" action=\"/logout\">"),
        "{}",
        asked.text
    );
    browser.open("/account").await.expect(200);
    assert_eq!(leads_to(&app.browser().open("/logout").await), "/login");
}
