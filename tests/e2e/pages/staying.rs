//! Staying signed in: the server rotates the refresh token of a browser, and the user does not notice.

use super::leads_to;
use auth_domain::time::Span;
use futures::future::join_all;
use reqwest::Method;
use tests::{Backend, Browser, Builder, PASSWORD, TestApp, on_every_backend};

/// A server without a reuse leeway: for every other client an old refresh token counts as reuse at once.
async fn strict(backend: Backend) -> TestApp {
    Builder::new(backend)
        .set("rotation.on_concurrent", "refuse")
        .set("rotation.reuse_leeway", "0s")
        .start()
        .await
}

fn tokens(browser: &Browser) -> (String, String) {
    (
        browser.cookies["kw_access"].clone(),
        browser.cookies["kw_refresh"].clone(),
    )
}

on_every_backend! {
    async fn an_access_token_that_has_expired_is_renewed_on_the_way(backend) {
        let app = strict(backend).await;
        app.user("ada").await;
        let mut browser = app.browser_of("ada@example.com").await;
        let before = tokens(&browser);
        browser.open("/account").await.expect(200);
        assert_eq!(tokens(&browser), before, "a token that holds is kept");
        app.clock.advance(Span::hours(2));
        browser.open("/account").await.expect(200);
        let after = tokens(&browser);
        assert!(after.0 != before.0 && after.1 != before.1);
        // The browser drops the cookie of the access token when it expires.
        browser.cookies.remove("kw_access");
        browser.submit("/account", "/account", &[("name", "Ada")]).await.expect(303);
        assert!(browser.cookies.contains_key("kw_access"), "a form renews them as well");
    }

    async fn tabs_that_refresh_at_the_same_time_sign_no_user_out(backend) {
        let app = strict(backend).await;
        app.user("ada").await;
        let mut browser = app.browser_of("ada@example.com").await;
        browser.cookies.remove("kw_access");
        let old = browser.clone();
        let tabs = (0..8).map(|_| {
            let mut tab = browser.clone();
            async move {
                tab.open("/account/sessions").await.expect(200);
                tab
            }
        });
        let tabs = join_all(tabs).await;
        let first = &tabs[0].cookies["kw_refresh"];
        assert!(tabs.iter().all(|tab| tab.cookies["kw_refresh"] == *first), "one successor for all of them");
        app.clock.advance(Span::seconds(29));
        old.clone().open("/account").await.expect(200);
        let mut last = tabs[7].clone();
        last.cookies.remove("kw_access");
        last.open("/account").await.expect(200);
        // Now two rotations old: this is a reuse by another client.
        app.clock.advance(Span::minutes(1));
        assert!(leads_to(&old.clone().open("/account").await).ends_with("&ended=1"));
        assert!(leads_to(&last.open("/account").await).ends_with("&ended=1"), "and its session is over");
        assert!(!last.cookies.contains_key("kw_refresh"), "what is no good is forgotten");
    }

    async fn a_longer_configured_leeway_applies_to_browsers_too(backend) {
        let app = Builder::new(backend).set("rotation.reuse_leeway", "2m").start().await;
        app.user("ada").await;
        let mut browser = app.browser_of("ada@example.com").await;
        browser.cookies.remove("kw_access");
        let mut old = browser.clone();
        browser.open("/account").await.expect(200);
        app.clock.advance(Span::seconds(119));
        old.open("/account").await.expect(200);
        assert_eq!(old.cookies["kw_refresh"], browser.cookies["kw_refresh"]);
    }

    async fn a_token_of_another_client_gets_no_browser_leeway(backend) {
        let app = strict(backend).await;
        let ada = app.user("ada").await;
        let browser = app.browser_of("ada@example.com").await;
        let mark = browser.cookies["kw_refresh"].split_once('~').unwrap().1.to_owned();
        let next = app.refresh(&ada.refresh).await.expect(200).field("refresh_token");
        // If these could be tabs of a browser, the used token would get the current one here.
        for kept in [ada.refresh.clone(), format!("{}~", ada.refresh), format!("{}~{mark}", ada.refresh), format!("{next}~{mark}")] {
            let mut thief = app.browser();
            thief.cookies.insert("kw_refresh".to_owned(), kept);
            assert!(leads_to(&thief.open("/account").await).starts_with("/login"));
            assert!(thief.cookies.is_empty(), "what is no good is forgotten");
        }
        app.refresh(&next).await.expect(200);
    }

    async fn the_api_is_as_strict_as_configured_with_a_token_that_a_browser_has_used(backend) {
        let app = strict(backend).await;
        app.user("ada").await;
        let mut browser = app.browser_of("ada@example.com").await;
        let used = browser.cookies["kw_refresh"].split_once('~').unwrap().0.to_owned();
        browser.cookies.remove("kw_access");
        browser.open("/account").await.expect(200);
        assert_eq!(app.refresh(&used).await.expect(401).code(), "token_already_used");
        browser.cookies.remove("kw_access");
        assert!(leads_to(&browser.open("/account").await).ends_with("&ended=1"));
    }

    async fn a_visit_from_another_site_rotates_no_token(backend) {
        let app = strict(backend).await;
        app.user("ada").await;
        let mut browser = app.browser_of("ada@example.com").await;
        browser.cookies.remove("kw_access");
        let before = browser.cookies.clone();
        // The site that opened the window may close it before the answer arrives.
        for from in ["cross-site", "same-site"] {
            let visit = browser.request(Method::GET, "/account/sessions?status=ended").header("sec-fetch-site", from);
            let paused = browser.take(visit).await.expect(200);
            assert!(paused.text.contains("<meta http-equiv=\"refresh\" content=\"0;url=/account/sessions?status=ended\">"), "{}", paused.text);
            assert!(!paused.text.contains("ada@"), "{}", paused.text);
            assert_eq!(browser.cookies, before, "{from}");
        }
        let own = browser.request(Method::GET, "/account").header("sec-fetch-site", "same-origin");
        assert!(browser.take(own).await.expect(200).text.contains("ada@example.com"));
        assert_ne!(browser.cookies["kw_refresh"], before["kw_refresh"]);
        // With a valid access token nothing has to be rotated.
        let visit = browser.request(Method::GET, "/account").header("sec-fetch-site", "cross-site");
        assert!(browser.take(visit).await.expect(200).text.contains("ada@example.com"));
    }

    async fn the_cookies_of_others_neither_pass_for_these_nor_hide_them(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        app.user("eve").await;
        let (ada, eve) = (app.browser_of("ada@example.com").await, app.browser_of("eve@example.com").await);
        let (own, planted) = (&ada.cookies["kw_access"], &eve.cookies["kw_access"]);
        let shown = async |cookies: &str| {
            let request = app.browser().request(Method::GET, "/account");
            let bytes = cookies.bytes().map(|b| if b == b'?' { 0x80 } else { b }).collect::<Vec<u8>>();
            app.browser().take(request.header("cookie", bytes)).await
        };
        for first in [format!("kw%5faccess={planted}"), format!("KW_ACCESS={planted}"), "x=??".to_owned(), String::new()] {
            let page = shown(&format!("{first}; kw_access={own}")).await.expect(200);
            assert!(page.text.contains("ada@example.com"), "{first}");
            assert!(leads_to(&shown(&first).await).starts_with("/login"), "{first}");
        }
        let twice = shown(&format!("kw_access={planted}; kw_access={own}")).await;
        assert!(leads_to(&twice).starts_with("/login"), "one of the two is planted");
    }

    async fn the_browser_gets_the_rotated_token_in_every_spelling_of_the_url(backend) {
        let app = strict(backend).await;
        app.user("ada").await;
        let mut browser = app.browser_of("ada@example.com").await;
        for path in ["/%61ccount", "/acc%6funt/sessions", "/account/nothing", "/admin", "/%61dmin/nothing"] {
            browser.cookies.remove("kw_access");
            let before = browser.cookies["kw_refresh"].clone();
            let answer = browser.open(path).await;
            if answer.status != 404 {
                assert_ne!(browser.cookies["kw_refresh"], before, "{path}");
            }
            assert!(answer.header("content-type").unwrap().starts_with("text/html"), "{path}: {}", answer.text);
            app.clock.advance(Span::minutes(1));
        }
        browser.cookies.remove("kw_access");
        browser.open("/account").await.expect(200);
    }

    async fn a_session_ended_elsewhere_is_over_at_the_next_click(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let mut browser = app.browser_of("ada@example.com").await;
        browser.open("/account").await.expect(200);
        ada.client.post_nothing("/logout-all").await.expect(200);
        let away = browser.send("/account", &[("name", "Eve")]).await;
        assert_eq!(leads_to(&away), "/login?return_to=%2Faccount&ended=1");
        let asked = browser.open("/login?return_to=%2Faccount&ended=1").await.expect(200);
        assert!(asked.text.contains("Your session has ended."), "{}", asked.text);
        let name = app.login("ada@example.com").await.client.get("/me").await.json()["name"].clone();
        assert!(name.is_null(), "nothing was changed");
    }

    async fn a_new_password_keeps_only_its_own_session(backend) {
        let app = TestApp::start(backend).await;
        app.user("ada").await;
        let mut other = app.browser_of("ada@example.com").await;
        let mut browser = app.browser_of("ada@example.com").await;
        let fields = [("current_password", PASSWORD), ("new_password", "violet kettle 41 harbour")];
        browser.submit("/account/security", "/account/password", &fields).await.expect(303);
        let page = browser.open("/account/security?done=password_changed").await.expect(200);
        assert!(page.text.contains("Your password is changed, and your other sessions have ended."), "{}", page.text);
        assert!(leads_to(&other.open("/account").await).starts_with("/login"));
    }

    async fn a_sign_in_replaces_the_cookies_of_the_browser(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        app.user("eve").await;
        // An attacker who can plant cookies plants their own session and visitor cookie.
        let planted = app.browser_of("eve@example.com").await;
        let mut browser = app.browser();
        browser.cookies.clone_from(&planted.cookies);
        browser.cookies.remove("kw_access");
        browser.cookies.remove("kw_refresh");
        browser.sign_in("ada@example.com", PASSWORD).await.expect(303);
        assert_ne!(browser.cookies["kw_visitor"], planted.cookies["kw_visitor"]);
        assert_ne!(browser.cookies["kw_refresh"], planted.cookies["kw_refresh"]);
        // Signing in over an existing session ends it.
        let mut again = browser.clone();
        again.open("/login").await.expect(303);
        again.open("/account").await.expect(200);
        let before = again.clone();
        again.send("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await.expect(303);
        assert!(leads_to(&before.clone().open("/account").await).ends_with("&ended=1"));
        let live = ada.client.get("/sessions").await.json()["items"].as_array().unwrap().len();
        assert_eq!(live, 2, "the one of the registration, and the last");
    }
}

#[cfg(feature = "services")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_node_takes_the_cookies_and_forms_of_another() {
    let app = TestApp::start(Backend::Fleet).await;
    app.user("ada").await;
    let other = app.another_node().await;
    let mut browser = app.browser_of("ada@example.com").await;
    browser.open("/account").await.expect(200);
    browser.switch_to_node(&other.origin());
    browser.send("/account", &[("name", "Ada")]).await.expect(303);
    browser.cookies.remove("kw_access");
    assert!(
        browser
            .open("/account")
            .await
            .expect(200)
            .text
            .contains("value=\"Ada\"")
    );
    browser.switch_to_node(&app.origin());
    browser.send("/logout", &[]).await.expect(303);
    let mut back = browser.clone();
    back.switch_to_node(&other.origin());
    assert!(leads_to(&back.open("/account").await).starts_with("/login"));
}
