//! Tests of the frame around every answer.

use super::*;
use crate::{
    app::routes::Listener,
    http::{
        config::ServerConfig,
        cors,
        metrics::Metrics,
        problem::{PROBLEM_JSON, Problem},
        request_id::X_REQUEST_ID,
        route::{Route, get},
    },
    oauth::error::OauthError,
    pages::{
        ForeignForm, Page, PagePolicy, PagesConfig, PagesState, Submitted,
        context::PageContext,
        page,
        policy::{FormAction, Opener},
    },
};
use actix_web::{
    HttpResponse,
    body::to_bytes,
    http::{
        Method, StatusCode,
        header::{ORIGIN, REFERRER_POLICY},
    },
    test::{TestRequest, call_service, init_service, try_call_service},
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

async fn refused() -> Result<HttpResponse, Problem> {
    Err(Problem::unavailable("the cause"))
}

async fn plain() -> HttpResponse {
    HttpResponse::BadRequest().body("words of the framework")
}

async fn oauth() -> Result<HttpResponse, OauthError> {
    Err(OauthError::invalid_client())
}

async fn never() -> HttpResponse {
    std::future::pending().await
}

async fn breaks() -> HttpResponse {
    panic!("a bug")
}

fn http_state(config: ServerConfig) -> Data<HttpState> {
    Data::new(HttpState::new(config, Metrics::new().unwrap()))
}

/// Routes whose answers none of our routes gives.
fn unusual_routes() -> [Route; 5] {
    let at = |path| get(path).undocumented().anonymous().gives_nothing(204);
    [
        at("/refused").to(refused),
        at("/plain").to(plain),
        at("/oauth").to(oauth),
        at("/never").to(never),
        at("/breaks").to(breaks),
    ]
}

macro_rules! framed {
    ($http_state:expr) => {{
        let http_state = $http_state;
        let served = Listener::Clients.served(&http_state.config).and(unusual_routes());
        let cors = cors::of(&http_state.config);
        init_service(application(http_state, served, None, cors)).await
    }};
}

async fn json<B: MessageBody>(answer: ServiceResponse<B>) -> Value {
    let body = to_bytes(answer.into_body()).await.map_err(|_| "no body").unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[actix_web::test]
async fn every_answer_carries_its_request_id_and_the_strict_headers() {
    let app = framed!(http_state(ServerConfig {
        public_url: "https://auth.example".into(),
        ..ServerConfig::default()
    }));
    for uri in [
        "/health/live",
        "/refused",
        "/plain",
        "/oauth",
        "/nowhere",
        "/docs",
        "/api/v1/auth/me",
    ] {
        let request = TestRequest::get()
            .uri(uri)
            .insert_header((X_REQUEST_ID, "mine-1"))
            .to_request();
        let answer = call_service(&app, request).await;
        let header = |name: &str| {
            answer
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(header(X_REQUEST_ID).unwrap(), "mine-1", "{uri}");
        assert_eq!(header("x-content-type-options").unwrap(), "nosniff", "{uri}");
        assert!(
            header("content-security-policy")
                .unwrap()
                .starts_with("default-src 'none'"),
            "{uri}"
        );
        assert_eq!(header("referrer-policy").unwrap(), "no-referrer", "{uri}");
        assert!(header("strict-transport-security").is_some(), "{uri}");
        assert!(header("cache-control").is_some(), "{uri}");
    }
}

#[actix_web::test]
async fn an_error_answer_carries_its_request_id_and_hides_its_cause() {
    let app = framed!(http_state(ServerConfig::default()));
    let answer = call_service(&app, TestRequest::get().uri("/refused").to_request()).await;
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers().get("retry-after").unwrap(), "2");
    let id = answer
        .headers()
        .get(X_REQUEST_ID)
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let body = json(answer).await;
    assert_eq!(body["instance"], id);
    assert!(!body.to_string().contains("the cause"));
}

#[actix_web::test]
async fn an_error_of_the_framework_becomes_one_of_ours() {
    let app = framed!(http_state(ServerConfig::default()));
    let answer = call_service(&app, TestRequest::get().uri("/plain").to_request()).await;
    assert_eq!(answer.headers().get("content-type").unwrap(), PROBLEM_JSON);
    assert_eq!(json(answer).await["code"], "invalid_request");
    let answer = call_service(&app, TestRequest::get().uri("/nowhere").to_request()).await;
    assert_eq!(answer.status(), 404);
    assert_eq!(json(answer).await["code"], "not_found");
    let answer = call_service(&app, TestRequest::get().uri("/oauth").to_request()).await;
    assert_eq!(json(answer).await["error"], "invalid_client");
}

#[actix_web::test]
async fn a_wrong_method_gets_the_allowed_ones() {
    let app = framed!(http_state(ServerConfig::default()));
    for method in ["GET", "TRACE", "OPTIONS", "BREW"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = TestRequest::default()
            .method(method)
            .uri("/api/v1/auth/login")
            .to_request();
        let answer = call_service(&app, request).await;
        assert_eq!(answer.status(), 405);
        assert_eq!(answer.headers().get("allow").unwrap(), "POST");
        assert_eq!(json(answer).await["code"], "method_not_allowed");
    }
}

#[actix_web::test]
async fn a_request_that_takes_too_long_or_panics_gets_an_error_answer() {
    let config = ServerConfig {
        request_timeout: Duration::from_millis(5),
        ..ServerConfig::default()
    };
    let app = framed!(http_state(config));
    for (uri, status) in [("/never", 503), ("/breaks", 500)] {
        let error = try_call_service(&app, TestRequest::get().uri(uri).to_request())
            .await
            .err()
            .unwrap();
        let answer = error.error_response();
        assert_eq!(answer.status(), StatusCode::from_u16(status).unwrap(), "{uri}");
        assert!(answer.headers().contains_key(X_REQUEST_ID));
        assert_eq!(answer.headers().get("x-content-type-options").unwrap(), "nosniff");
        assert_eq!(answer.headers().get("content-type").unwrap(), PROBLEM_JSON);
    }
}

#[actix_web::test]
async fn requests_are_counted_by_the_pattern_of_their_route() {
    let http_state = http_state(ServerConfig::default());
    let app = framed!(Data::clone(&http_state));
    for uri in ["/health/live?password=hunter2", "/nowhere/hunter2"] {
        call_service(&app, TestRequest::get().uri(uri).to_request()).await;
    }
    let figures = auth_service::Gauges {
        hash_queue: 0,
        hash_capacity: 0,
        audit_alarm: false,
    };
    let text = String::from_utf8(http_state.metrics.render(&figures).unwrap()).unwrap();
    assert!(text.contains(r#"route="/health/live""#), "{text}");
    assert!(text.contains(r#"route="unmatched""#), "{text}");
    assert!(!text.contains("hunter2"));
}

#[actix_web::test]
async fn only_listed_origins_may_read_answers() {
    let config = ServerConfig {
        cors_origins: vec!["https://app.example".into()],
        ..ServerConfig::default()
    };
    let app = framed!(http_state(config));
    let allowed = |answer: &ServiceResponse<_>| {
        answer
            .headers()
            .get("access-control-allow-origin")
            .map(|value| value.to_str().unwrap().to_owned())
    };
    for uri in ["/health/live", "/refused"] {
        let request = TestRequest::get()
            .uri(uri)
            .insert_header((ORIGIN, "https://app.example"))
            .to_request();
        assert_eq!(
            allowed(&call_service(&app, request).await).unwrap(),
            "https://app.example",
            "{uri}"
        );
    }
    for stranger in [
        "https://evil.example",
        "null",
        "https://app.example.evil.example",
        "http://app.example",
    ] {
        let request = TestRequest::get()
            .uri("/health/live")
            .insert_header((ORIGIN, stranger))
            .to_request();
        let answer = call_service(&app, request).await;
        assert_eq!(
            (answer.status().as_u16(), allowed(&answer)),
            (200, None),
            "{stranger}"
        );
    }
}

#[actix_web::test]
async fn a_preflight_succeeds_for_listed_origins_only() {
    let config = ServerConfig {
        cors_origins: vec!["https://app.example".into()],
        ..ServerConfig::default()
    };
    let app = framed!(http_state(config));
    let preflight = |origin: &'static str| {
        TestRequest::default()
            .method(Method::OPTIONS)
            .uri("/api/v1/auth/refresh")
            .insert_header((ORIGIN, origin))
            .insert_header(("access-control-request-method", "POST"))
            .insert_header(("access-control-request-headers", "content-type, idempotency-key"))
            .to_request()
    };
    let welcome = call_service(&app, preflight("https://app.example")).await;
    assert_eq!(welcome.status(), 200);
    assert!(welcome.headers().contains_key("access-control-allow-methods"));
    let stranger = call_service(&app, preflight("https://evil.example")).await;
    assert!(!stranger.headers().contains_key("access-control-allow-origin"));
    assert_eq!(stranger.headers().get("content-type").unwrap(), PROBLEM_JSON);
    let without = framed!(http_state(ServerConfig::default()));
    assert_eq!(
        call_service(&without, preflight("https://app.example"))
            .await
            .status(),
        405
    );
}

async fn shown() -> Result<HttpResponse, Problem> {
    Err(Problem::unavailable("the cause"))
}

async fn led_on() -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::SeeOther().insert_header(("location", "/")).finish())
}

async fn posted(form: ForeignForm) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().body(form.0.text("code").to_owned()))
}

async fn ours(_form: Submitted<PageContext>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().finish())
}

/// Pages with other policies than today's: one that leads to a client in a popup, two that another site may send a form to, and one
/// with the strict policy.
fn pages_with_other_policies() -> [Page; 5] {
    let of_clients = PagePolicy {
        form_action: FormAction::Any,
        opener: Opener::Reachable,
        ..PagePolicy::STRICT
    };
    let of_others = PagePolicy {
        cross_site_post: true,
        ..PagePolicy::STRICT
    };
    [
        page("/account/strict")
            .anonymous()
            .shows(shown)
            .anonymous()
            .takes(posted),
        page("/account/client")
            .policy(of_clients)
            .anonymous()
            .shows(shown),
        page("/account/on").policy(of_clients).anonymous().shows(led_on),
        page("/account/callback")
            .policy(of_others)
            .anonymous()
            .takes(posted),
        page("/account/ours").policy(of_others).anyone().takes(ours),
    ]
}

macro_rules! with_pages {
    () => {{
        let config = PagesConfig {
            return_to: vec!["https://app.example".into()],
            ..PagesConfig::default()
        };
        let pages_state = Arc::new(PagesState::new(config, &ServerConfig::default(), "Keyward").unwrap());
        let pages = Pages::new(pages_state).with(pages_with_other_policies());
        let http_state = http_state(ServerConfig::default());
        let served = Listener::Clients.served(&http_state.config);
        init_service(application(http_state, served, Some(pages), cors::none())).await
    }};
}

#[actix_web::test]
async fn a_page_has_the_policy_that_it_declares() {
    let app = with_pages!();
    let policy = |form_action: &str| {
        format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
             {form_action}base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
        )
    };
    let listed = policy("form-action 'self' https://app.example; ");
    for (uri, content_policy, opener) in [
        ("/account/strict", listed.as_str(), "same-origin"),
        ("/account/nothing", &listed, "same-origin"),
        ("/account/client", &policy(""), "unsafe-none"),
        (
            "/account/on",
            "default-src 'none'; frame-ancestors 'none'",
            "unsafe-none",
        ),
    ] {
        let answer = call_service(&app, TestRequest::get().uri(uri).to_request()).await;
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!(header("content-security-policy"), Some(content_policy), "{uri}");
        assert_eq!(header("cross-origin-opener-policy"), Some(opener), "{uri}");
        assert_eq!(header(REFERRER_POLICY.as_str()), Some("no-referrer"), "{uri}");
    }
}

#[actix_web::test]
async fn only_a_page_that_declares_it_takes_a_form_of_another_site() {
    let app = with_pages!();
    // A form of these pages is not accepted from another site, whatever else the page accepts.
    let expected = [
        ("/account/strict", 403),
        ("/account/callback", 200),
        ("/account/ours", 403),
    ];
    for (uri, status) in expected {
        let request = TestRequest::post()
            .uri(uri)
            .insert_header((ORIGIN, "https://other.example"))
            .insert_header(("sec-fetch-site", "cross-site"))
            .set_form([("code", "abc")])
            .to_request();
        let answer = call_service(&app, request).await;
        assert_eq!(answer.status(), status, "{uri}");
        if status == 200 {
            assert_eq!(
                to_bytes(answer.into_body()).await.map_err(|_| "no body").unwrap(),
                "abc"
            );
        }
    }
}
