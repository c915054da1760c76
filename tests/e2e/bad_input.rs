//! Bad input. The rule: it gets a documented 4xx, never a 5xx, never HTML, never the message of a library.

use crate::routes;
use auth_api::http::route::Access;
use reqwest::Method;
use serde_json::json;
use tests::{PASSWORD, TestApp, on_every_backend};

const ROUTES: [&str; 6] = ["/register", "/login", "/refresh", "/logout", "/setup", "/me"];

fn method(route: &str) -> Method {
    if route == "/me" {
        Method::PATCH
    } else {
        Method::POST
    }
}

on_every_backend! {
    async fn every_json_route_refuses_what_is_not_its_json(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let bodies: [(&[u8], u16, &str); 9] = [
            (b"{", 400, "malformed_json"),
            (b"", 400, "malformed_json"),
            (b"{\"email\":\"\xff\"}", 400, "malformed_json"),
            (b"{\"email\":\"a\",}", 400, "malformed_json"),
            (b"[]", 422, ""),
            (b"null", 422, ""),
            (b"\"text\"", 422, ""),
            (b"{\"no_such_field\":1}", 422, "unknown_field"),
            (b"{\"__proto__\":{}}", 422, "unknown_field"),
        ];
        for route in ROUTES {
            for (body, status, code) in bodies {
                if route == "/logout" && body.is_empty() {
                    continue; // without a body it is a bearer call
                }
                let client = if route == "/me" { ada.client.clone() } else { app.anonymous() };
                let request = client.request(method(route), route).header("Content-Type", "application/json").body(body);
                let answer = client.send(request).await;
                let shown = String::from_utf8_lossy(body);
                assert_eq!(answer.status, status, "{route} {shown}: {}", answer.text);
                assert!(code.is_empty() || answer.code() == code, "{route} {shown}: {}", answer.text);
                assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{route} {shown}");
                for word in ["serde", "expected struct", "EOF", "panicked"] {
                    assert!(!answer.text.contains(word), "{route} {shown}: {}", answer.text);
                }
            }
        }
    }

    async fn a_body_of_another_type_or_size_is_refused(backend) {
        let app = TestApp::start(backend).await;
        let client = app.anonymous();
        for route in ["/register", "/login", "/refresh", "/setup"] {
            for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
                let request = client.request(Method::POST, route).header("Content-Type", kind).body("{}");
                client.send(request).await.expect(415);
            }
            let request = client.request(Method::POST, route).body("{}");
            client.send(request).await.expect(415);
            let huge = json!({ "email": "a".repeat(20_000), "password": "b" });
            let answer = client.post(route, &huge).await.expect(413);
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        }
    }

    async fn hostile_strings_are_stored_or_refused_but_never_break_anything(backend) {
        let app = TestApp::start(backend).await;
        let client = app.anonymous();
        let naughty = [
            "\0", "\u{feff}", "\u{202e}", "' OR 1=1 --", "\"; DROP TABLE users; --", "<script>", "{{7*7}}", "${jndi:ldap://x}", "%00", "\u{ffff}",
            "\r\nSet-Cookie: a=b", "\u{1b}[31m", "ﷺ", "𝔘𝔫𝔦", "🏳️‍🌈", "\\", "/etc/passwd", "NaN", "undefined",
        ];
        for (number, text) in naughty.into_iter().enumerate() {
            for body in [
                json!({ "email": text, "password": PASSWORD }),
                json!({ "email": format!("{text}@example.com"), "password": PASSWORD }),
                json!({ "email": format!("n{number}@example.com"), "password": format!("{PASSWORD}{text}") }),
                json!({ "email": format!("m{number}@example.com"), "password": PASSWORD, "name": text }),
            ] {
                let answer = client.post("/register", &body).await;
                assert!([201, 409, 422].contains(&answer.status), "{body}: {} {}", answer.status, answer.text);
            }
            let login = client.post("/login", &json!({ "email": text, "password": text })).await;
            assert_eq!(login.status, 401, "{text:?}: {}", login.text);
            let agent = text.replace(['\0', '\r', '\n', '\u{1b}'], "");
            if let Ok(agent) = reqwest::header::HeaderValue::from_bytes(agent.as_bytes()) {
                let request = client.request(Method::POST, "/login").header("User-Agent", agent);
                let body = json!({ "email": "m3@example.com", "password": PASSWORD });
                assert!(client.send(request.json(&body)).await.status < 500);
            }
        }
    }

    async fn unknown_routes_and_methods_are_named_as_such(backend) {
        let app = TestApp::start(backend).await;
        let client = app.anonymous();
        for path in ["/nothing", "/login/", "//login", "/Login", "/login%2e", "/login;x"] {
            let answer = client.post(path, &json!({})).await.expect(404);
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
        }
        for (path, wrong, allowed) in [("/login", Method::GET, "POST"), ("/login", Method::TRACE, "POST"), ("/logout", Method::PUT, "POST"), ("/verify", Method::POST, "GET")] {
            let answer = client.send(client.request(wrong, path)).await.expect(405);
            assert!(answer.header("allow").unwrap().contains(allowed), "{path}");
        }
        let odd = Method::from_bytes(b"FROBNICATE").unwrap();
        client.send(client.request(odd, "/login")).await.expect(405);
    }

    async fn no_route_ignores_an_unknown_parameter(backend) {
        let app = routes::on_every_listener(backend).start().await;
        let root = app.admin("root").await;
        let mut seen = 0;
        for route in routes::all(&app) {
            let (said, operation) = (route.name(), route.operation());
            let answer = root.client.send(route.request(&root.client, "?no_such_parameter=1")).await;
            // The key set ignores unknown parameters as OpenID Connect providers do, and the viewer is a page.
            if operation.ignores_unknown_parameters() {
                assert_eq!(answer.status, route.call(&root.client).await.status, "{said}");
                assert!(operation.id().is_none() || answer.status == 200, "{said}");
            } else if matches!(operation.access(), Access::Client | Access::ClientIfSent) {
                // RFC 6749 §5.2 has one error code for it.
                assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some("invalid_request")), "{said}");
            } else {
                assert_eq!((answer.status, answer.code()), (422, "unknown_parameter".into()), "{said}");
                assert_eq!(answer.json()["errors"][0]["field"], "no_such_parameter", "{said}");
            }
            seen += 1;
        }
        assert!(seen >= 50, "{seen}");
        // Filters of other servers' APIs. If they were ignored, the answer would be unfiltered.
        for path in ["/admin/users?state=disabled", "/admin/users?q=ada", "/admin/audit?from=2030-01-01T00:00:00Z", "/sessions?page=2"] {
            assert_eq!(root.client.get(path).await.expect(422).code(), "unknown_parameter", "{path}");
        }
    }

    async fn forwarded_headers_of_strangers_change_nothing(backend) {
        let app = TestApp::start(backend).await;
        let client = app.anonymous();
        let headers =
            [("X-Forwarded-For", "8.8.8.8"), ("X-Forwarded-For", "garbage, ,"), ("Forwarded", "for=\"[::1"), ("X-Real-IP", "8.8.8.8")];
        for (number, (name, value)) in headers.into_iter().enumerate() {
            let email = format!("u{number}@example.com");
            let request = client.request(Method::POST, "/register").header(name, value);
            let answer = client.send(request.json(&json!({ "email": email, "password": PASSWORD }))).await.expect(201);
            let user = app.signed_in(&email, &answer);
            let sessions = user.client.get("/sessions").await.expect(200).json();
            assert_eq!(sessions["items"][0]["ip"], "127.0.0.1", "{name}: {value}");
        }
    }
}
