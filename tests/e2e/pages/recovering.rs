//! `/forgot`, `/reset`, `/verify-email`, `/not-me`. The rule: a link only opens a page, and the button of the page acts, once.

use super::leads_to;
use auth_domain::{
    mail::{Link, MailKind},
    time::Span,
};
use tests::{PASSWORD, TestApp, on_every_backend};

const NEW: &str = "violet kettle 41 harbour";

on_every_backend! {
    async fn the_reader_of_the_mail_gets_back_in_and_every_other_session_ends(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        let mut thief = app.browser_of("ada@example.com").await;
        let mut browser = app.browser();
        let known = browser.submit("/forgot", "/forgot", &[("email", "ada@example.com")]).await.expect(202);
        let unknown = app.browser().submit("/forgot", "/forgot", &[("email", "eve@example.com")]).await.expect(202);
        assert_eq!(known.text, unknown.text);
        let link = app.link_to("ada@example.com", "reset").await;
        let page = format!("/reset?token={link}");
        for _ in 0..3 {
            let opened = browser.open(&page).await.expect(200);
            assert_eq!(opened.header("referrer-policy"), Some("no-referrer"), "programs that look at mails open links");
        }
        let weak = browser.send("/reset", &[("token", &link), ("new_password", "short")]).await.expect(422);
        assert!(weak.text.contains("id=\"new_password-fault\"") && weak.text.contains(&link), "{}", weak.text);
        let done = browser.send("/reset", &[("token", &link), ("new_password", NEW)]).await;
        assert_eq!(leads_to(&done), "/login?done=password_reset");
        assert!(browser.open("/login?done=password_reset").await.expect(200).text.contains("Your password is changed."));
        assert_eq!(leads_to(&thief.open("/account").await), "/login?return_to=%2Faccount&ended=1");
        browser.sign_in("ada@example.com", PASSWORD).await.expect(401);
        browser.sign_in("ada@example.com", NEW).await.expect(303);
        let again = app.browser().submit(&page, "/reset", &[("token", &link), ("new_password", PASSWORD)]).await.expect(400);
        assert!(again.text.contains("href=\"/forgot\""), "a used link offers another: {}", again.text);
    }

    /// docs/rules.md §5: without the session that registered, the page asks for the password, or for a new one.
    async fn the_owner_of_an_address_confirms_it_with_a_new_password_and_the_registrants_sessions_end(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        let mut maker = app.browser_of("ada@example.com").await;
        let link = app.link_to("ada@example.com", "verify-email").await;
        let page = format!("/verify-email?token={link}");
        let asked = maker.open(&page).await.expect(200);
        assert!(!asked.text.contains("type=\"password\""), "a session of the account: a button alone: {}", asked.text);
        let mut owner = app.browser();
        for _ in 0..3 {
            let asked = owner.open(&page).await.expect(200);
            assert!(asked.text.contains("id=\"current_password\"") && asked.text.contains("id=\"new_password\""), "{}", asked.text);
            assert_eq!(asked.header("referrer-policy"), Some("no-referrer"));
        }
        let refused = owner.send("/verify-email", &[("token", &link)]).await.expect(422);
        assert!(refused.text.contains("id=\"new_password\""), "{}", refused.text);
        let wrong = owner.send("/verify-email", &[("token", &link), ("current_password", NEW)]).await.expect(403);
        assert!(wrong.text.contains("id=\"current_password-fault\""), "{}", wrong.text);
        let weak = owner.send("/verify-email", &[("token", &link), ("new_password", "short")]).await.expect(422);
        assert!(weak.text.contains("id=\"new_password-fault\""), "{}", weak.text);
        let done = owner.send("/verify-email", &[("token", &link), ("new_password", NEW)]).await;
        assert_eq!(leads_to(&done), "/login?done=email_verified");
        assert!(leads_to(&maker.open("/account").await).starts_with("/login"));
        maker.sign_in("ada@example.com", PASSWORD).await.expect(401);
        owner.sign_in("ada@example.com", NEW).await.expect(303);
        owner.open(&page).await.expect(400);
    }

    async fn an_expired_link_says_so_and_offers_the_next_step(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        app.anonymous().post("/password/forgot", &serde_json::json!({ "email": "ada@example.com" })).await.expect(202);
        let (reset, verify) = (app.link_to("ada@example.com", "reset").await, app.link_to("ada@example.com", "verify-email").await);
        app.clock.advance(Span::days(8));
        let mut browser = app.browser();
        browser.open("/login").await.expect(200);
        let fields = [("token", reset.as_str()), ("new_password", NEW)];
        let lapsed = browser.send("/reset", &fields).await.expect(400);
        assert!(lapsed.text.contains("<h1>This link no longer works</h1>") && lapsed.text.contains("href=\"/forgot\""), "{}", lapsed.text);
        browser.open("/login").await.expect(200);
        let lapsed = browser.send("/verify-email", &[("token", &verify)]).await.expect(400);
        assert!(lapsed.text.contains("href=\"/account\""), "{}", lapsed.text);
        for page in ["/reset", "/reset?token=", "/verify-email", "/not-me"] {
            let bare = browser.open(page).await.expect(400);
            assert!(bare.text.contains("<h1>This link no longer works</h1>"), "{page}: {}", bare.text);
        }
    }

    async fn every_link_that_a_mail_may_carry_opens_a_page_that_knows_its_token(backend) {
        let app = TestApp::start(backend).await;
        let mut browser = app.browser();
        for kind in MailKind::ALL {
            let links = [kind.link(), kind.carries_report_link().then_some(Link::Report)];
            for link in links.into_iter().flatten() {
                let page = format!("/{}", link.page());
                browser.open("/login").await.expect(200);
                let opened = browser.open(&format!("{page}?token=unknown")).await;
                assert!([200, 400].contains(&opened.status), "{kind:?} {page}: {}", opened.status);
                browser.open("/login").await.expect(200);
                let fields = [("token", "unknown"), ("new_password", NEW)];
                let lapsed = browser.send(&page, &fields).await.expect(400);
                assert!(lapsed.text.contains("<h1>This link no longer works</h1>"), "{kind:?} {page}: {}", lapsed.text);
            }
        }
    }

    async fn this_was_not_me_ends_every_session(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        let mut thief = app.browser_of("ada@example.com").await;
        let fields = [("current_password", PASSWORD), ("new_password", NEW)];
        let changed = thief.submit("/account/security", "/account/password", &fields).await;
        assert_eq!(leads_to(&changed), "/account/security?done=password_changed");
        thief.open("/account/security").await.expect(200);
        let link = app.link_to("ada@example.com", "not-me").await;
        let mut owner = app.browser();
        owner.open(&format!("/not-me?token={link}")).await.expect(200);
        thief.open("/account").await.expect(200);
        let done = owner.send("/not-me", &[("token", &link)]).await.expect(200);
        assert!(done.text.contains("href=\"/forgot\""), "{}", done.text);
        assert!(leads_to(&thief.open("/account").await).starts_with("/login"));
        thief.sign_in("ada@example.com", NEW).await.expect(401);
    }

    async fn an_invalid_email_address_is_refused_before_a_mail_is_sent(backend) {
        let app = TestApp::start(backend).await;
        let mut browser = app.browser();
        for bad in ["", "   ", "ada at example.com"] {
            let refused = browser.submit("/forgot", "/forgot", &[("email", bad)]).await.expect(422);
            assert!(refused.text.contains("id=\"email-fault\""), "{}", refused.text);
        }
        let long = format!("{}@example.com", "a".repeat(2_000));
        browser.submit("/forgot", "/forgot", &[("email", &long)]).await.expect(422);
        browser.submit("/forgot", "/forgot", &[("email", " eve@example.com ")]).await.expect(202);
    }
}
