//! How pages are served: their paths, their headers, their assets, and the pages of errors.

use auth_api::pages::{self, Page};
use auth_domain::mail::Link;
use futures::{StreamExt, stream::FuturesUnordered};
use reqwest::Method;
use std::collections::BTreeSet;
use tests::{Backend, Builder, PASSWORD, TestApp, on_every_backend};

on_every_backend! {
    async fn a_sign_in_that_is_shed_gets_a_page_that_says_so(backend) {
        let costly = [("password.memory_kib", "65536"), ("password.iterations", "8"), ("password.queue", "1")];
        let app = costly.iter().fold(Builder::new(backend), |builder, (key, value)| builder.set(key, value)).start().await;
        let mut browser = app.browser();
        browser.open("/login").await.expect(200);
        let mut flood: FuturesUnordered<_> = (0..16)
            .map(|_| {
                let mut tab = browser.clone();
                async move { tab.send("/login", &[("email", "ada@example.com"), ("password", PASSWORD)]).await }
            })
            .collect();
        let mut shed = 0;
        while let Some(answer) = flood.next().await {
            if answer.status == 401 {
                continue;
            }
            assert_eq!(answer.status, 503, "{}", answer.text);
            assert!(answer.header("content-type").unwrap().starts_with("text/html"));
            assert!(answer.header("retry-after").is_some());
            assert!(answer.text.contains("<h1>Overloaded</h1>") && answer.text.contains("href=\"/login\""), "{}", answer.text);
            shed += 1;
        }
        assert!(shed > 0, "sixteen sign-ins fitted a queue of one");
    }

    async fn limits_hold_for_pages_and_say_when_to_come_back(backend) {
        let app = Builder::new(backend).set("limits.enabled", "true").set("limits.guesses_per_account", "2/1h").start().await;
        let mut browser = app.browser();
        for _ in 0..2 {
            browser.sign_in("ada@example.com", "x").await.expect(401);
        }
        let refused = browser.sign_in("ada@example.com", "x").await.expect(429);
        assert!(refused.header("retry-after").is_some() && refused.header("ratelimit").is_some());
        assert!(refused.text.contains("role=\"alert\"") && refused.text.contains("value=\"ada@example.com\""), "{}", refused.text);
    }
}

#[tokio::test]
async fn every_page_has_the_security_headers() {
    let app = TestApp::start(Backend::Sqlite).await;
    let root = app.admin("root").await;
    let signed_in = app.browser_of(&root.email).await;
    let declared = pages::declared("");
    let shown = declared.iter().filter(|page| {
        let is_shown = page.operations().any(|operation| operation.method() == "GET");
        is_shown && !page.path().contains('{')
    });
    let mut seen = BTreeSet::new();
    let places = shown.map(Page::path).chain(["/account/nothing"]);
    for (place, browser) in places.flat_map(|place| [(place, app.browser()), (place, signed_in.clone())]) {
        let page = browser.clone().open(place).await;
        if page.status == 303 {
            continue;
        }
        seen.insert(place);
        let problem = ["/account/nothing", "/setup"].contains(&place);
        // A link without a token opens a page that says so.
        let is_link = Link::ALL.iter().any(|link| place == format!("/{}", link.page()));
        assert_eq!(page.status >= 400, problem || is_link, "{place}: {}", page.status);
        let policy = page.header("content-security-policy").unwrap();
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "object-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
        ] {
            assert!(policy.contains(part), "{place}: {policy}");
        }
        assert!(
            !policy.contains("unsafe") && !policy.contains("data:"),
            "{policy}"
        );
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("cross-origin-opener-policy", "same-origin"),
            (
                "referrer-policy",
                if problem { "no-referrer" } else { "same-origin" },
            ),
            ("content-type", "text/html; charset=utf-8"),
        ] {
            assert_eq!(page.header(name), Some(value), "{place}");
        }
        assert!(
            !page.text.contains("?done=") && page.text.matches("<h1>").count() == 1,
            "{place}"
        );
        for inline in ["<script>", "<style", " style=", " onclick=", "javascript:"] {
            assert!(!page.text.contains(inline), "{place}: {inline}");
        }
    }
    assert!(seen.len() >= 16, "{seen:?}");
}

#[tokio::test]
async fn every_asset_of_a_page_exists_and_is_cached_for_ever() {
    let app = TestApp::start(Backend::Sqlite).await;
    let mut browser = app.browser();
    let page = browser.open("/login").await.expect(200).text;
    let files: Vec<&str> = page
        .split("=\"/assets/")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert_eq!(files.len(), 4, "{page}");
    for file in files {
        let answer = browser.open(&format!("/assets/{file}")).await.expect(200);
        assert_eq!(
            answer.header("cache-control"),
            Some("public, max-age=31536000, immutable")
        );
        let (stem, end) = (file.split('-').next().unwrap(), file.rsplit('.').next().unwrap());
        let other = browser
            .open(&format!("/assets/{stem}-0123456789abcdef.{end}"))
            .await
            .expect(200);
        assert_eq!(
            other.header("cache-control"),
            Some("no-cache"),
            "of another version"
        );
    }
    for missing in ["keyward.css", "x", "..%2fkeyward.css"] {
        browser.open(&format!("/assets/{missing}")).await.expect(404);
    }
}

#[tokio::test]
async fn errors_of_pages_are_pages_and_errors_of_routes_are_json() {
    let app = TestApp::start(Backend::Sqlite).await;
    app.user("ada").await;
    let mut browser = app.browser_of("ada@example.com").await;
    for (path, status, title) in [
        ("/account/nothing", 404, "Not found"),
        ("/admin", 403, "Forbidden"),
        ("/account/sessions?limit=0", 422, "Invalid input"),
        ("/account/sessions?status=x", 422, "Invalid input"),
    ] {
        let page = browser.open(path).await.expect(status);
        assert!(
            page.text.contains(&format!("<h1>{title}</h1>")),
            "{path}: {}",
            page.text
        );
        assert!(
            page.text.contains(page.header("x-request-id").unwrap()),
            "{}",
            page.text
        );
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    }
    let wrong = browser
        .take(browser.request(Method::PUT, "/login"))
        .await
        .expect(405);
    assert_eq!(wrong.header("allow"), Some("GET, HEAD, POST"));
    assert!(
        wrong.text.contains("<h1>Method not allowed</h1>"),
        "{}",
        wrong.text
    );
    for route in ["/nothing", "/api/v1/auth/nothing", "/accounts"] {
        let json = browser.open(route).await.expect(404);
        assert_eq!(
            json.header("content-type"),
            Some("application/problem+json"),
            "{route}"
        );
    }
    // Cookies are for pages only: a route takes a token from its header only.
    browser.open("/api/v1/auth/me").await.expect(401);
}

#[tokio::test]
async fn no_script_of_another_origin_reads_a_page() {
    let app = Builder::new(Backend::Sqlite)
        .set("server.cors_origins", r#"["https://app.example.com"]"#)
        .set("server.cors_credentials", "true")
        .start()
        .await;
    app.user("ada").await;
    let mut browser = app.browser_of("ada@example.com").await;
    let allowed = |answer: &tests::Answer| {
        answer
            .headers
            .keys()
            .any(|name| name.as_str().starts_with("access-control-"))
    };
    for (path, expected) in [
        ("/api/v1/auth/health", true),
        ("/account", false),
        ("/account/nothing", false),
    ] {
        let asked = browser
            .request(Method::GET, path)
            .header("origin", "https://app.example.com");
        assert_eq!(allowed(&browser.take(asked).await), expected, "{path}");
        let before = browser
            .request(Method::OPTIONS, path)
            .header("origin", "https://app.example.com");
        let before = before.header("access-control-request-method", "POST");
        assert_eq!(allowed(&browser.take(before).await), expected, "{path}");
    }
}

#[tokio::test]
async fn over_plain_http_no_page_takes_a_password_from_another_machine() {
    let app = TestApp::start(Backend::Sqlite).await;
    let mut browser = app.browser();
    let elsewhere = browser
        .request(Method::GET, "/login")
        .header("host", "192.168.1.5:8080");
    let refused = browser.take(elsewhere).await.expect(403);
    assert!(
        refused.text.contains("server.public_url") && !refused.text.contains("<form"),
        "{}",
        refused.text
    );
    let expected = format!(
        "This page is served for {}. Your browser used http://192.168.1.5:8080.",
        app.origin()
    );
    assert!(refused.text.contains(&expected), "{}", refused.text);
    for name in ["localhost:8080", "127.0.0.1", "[::1]:9090"] {
        let here = browser.request(Method::GET, "/login").header("host", name);
        browser.take(here).await.expect(200);
    }
}

#[tokio::test]
async fn pages_are_served_below_the_configured_path_or_not_at_all() {
    let below = Builder::new(Backend::Sqlite)
        .set("server.base_path", "")
        .set("pages.path", "/ui");
    let app = below.start().await;
    let mut browser = app.browser();
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    let made = browser
        .submit("/ui/register", "/ui/register", &fields)
        .await
        .expect(303);
    assert_eq!(made.header("location"), Some("/ui/account"));
    let page = browser.open("/ui/account").await.expect(200);
    assert!(
        !page.text.contains("href=\"/account") && page.text.contains("\"/ui/assets/keyward-"),
        "{}",
        page.text
    );
    for (door, place) in [
        ("/ui", "/ui/account"),
        ("/ui/", "/ui/account"),
        ("/.well-known/change-password", "/ui/account/security"),
    ] {
        let led = browser.open(door).await.expect(303);
        assert_eq!(led.header("location"), Some(place), "{door}");
    }
    assert_eq!(
        browser.open("/me").await.expect(401).code(),
        "missing_token",
        "a route of the root"
    );
    let mail = app.mail_containing("ada@example.com", "token=").await;
    let link = format!("{}/ui/verify-email?token=", app.origin());
    assert!(mail.text.contains(&link), "{}", mail.text);

    let off = Builder::new(Backend::Sqlite)
        .set("pages.enabled", "false")
        .start()
        .await;
    assert_eq!(off.browser().open("/login").await.expect(404).code(), "not_found");
    // Passwords and cookies would cross the network unencrypted.
    let plain = Builder::new(Backend::Sqlite)
        .set("server.public_url", "http://auth.example.com")
        .start()
        .await;
    assert_eq!(
        plain.browser().open("/login").await.expect(404).code(),
        "not_found"
    );
    plain.user("ada").await;
}

#[tokio::test]
async fn the_operator_sets_logo_colours_name_and_texts() {
    let folder = tempfile::tempdir().unwrap();
    let (logo, texts) = (folder.path().join("logo.svg"), folder.path().join("de.toml"));
    std::fs::write(&logo, "<svg xmlns=\"http://www.w3.org/2000/svg\"/>").unwrap();
    std::fs::write(&texts, "login_title = \"Willkommen zurück\"\n[faults]\ninvalid_credentials = \"Adresse oder Passwort ist falsch.\"\n").unwrap();
    let settings = [
        ("pages.logo", logo.to_str().unwrap()),
        ("pages.texts", texts.to_str().unwrap()),
        ("pages.language", "de"),
        ("pages.accent", "#7a2048"),
        ("service.name", "Grünwerk"),
    ];
    let builder = settings
        .iter()
        .fold(Builder::new(Backend::Sqlite), |builder, (key, value)| {
            builder.set(key, value)
        });
    let app = builder.start().await;
    let mut browser = app.browser();
    let page = browser.sign_in("ada@example.com", "x").await.expect(401).text;
    for part in [
        "<html lang=\"de\">",
        "<h1>Willkommen zurück</h1>",
        "Adresse oder Passwort ist falsch.",
        "Grünwerk</a>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let style = page
        .split_once("href=\"/assets/keyward-")
        .unwrap()
        .1
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let style = browser
        .open(&format!("/assets/keyward-{style}"))
        .await
        .expect(200)
        .text;
    assert!(
        style.starts_with(":root{--accent:#7a2048;--on-accent:#ffffff;"),
        "{style}"
    );
    let logo = page
        .split_once("src=\"/assets/logo-")
        .unwrap()
        .1
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let logo = browser.open(&format!("/assets/logo-{logo}")).await.expect(200);
    assert_eq!(
        logo.header("content-security-policy"),
        Some("default-src 'none'; frame-ancestors 'none'")
    );
}
