//! The application: the URL table inside one frame, and in the frame everything that holds for all routes, in this order: name
//! the request, find the client, bound the time, catch what goes wrong, complete the headers, count, write the line.

use crate::{
    access_log::Line,
    client_address, cors,
    edge::{Edge, Facts, SeenUser},
    headers,
    metrics::UNMATCHED,
    oauth_error::OauthError,
    openapi::Document,
    problem::{Code, PROBLEM_JSON, Problem},
    request_id::{RequestId, X_REQUEST_ID},
    routes::{self, Pattern},
};
use actix_web::{
    App, Error, HttpMessage, HttpResponse,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        Method,
        header::{CONTENT_TYPE, HeaderName, HeaderValue},
    },
    middleware::{Next, from_fn},
    web::{self, Data},
};
use auth_domain::ids::UserId;
use auth_service::Service;
use futures::FutureExt;
use std::{panic::AssertUnwindSafe, time::Instant};

/// What every worker's application shares.
#[derive(Clone)]
pub struct AppState {
    /// The use cases.
    pub service: Data<Service>,
    /// The edge.
    pub edge: Data<Edge>,
    /// The description of the API.
    pub document: Data<Document>,
}

impl AppState {
    /// The state of a service behind an edge.
    #[must_use]
    pub fn new(service: Service, edge: Data<Edge>) -> Self {
        let document = Data::new(Document::of(&edge.config));
        Self {
            service: Data::new(service),
            edge,
            document,
        }
    }
}

/// The application that clients reach.
pub fn public(
    state: AppState,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let AppState {
        service,
        edge,
        document,
    } = state;
    let config = Data::clone(&edge);
    App::new()
        .app_data(service)
        .app_data(Data::clone(&edge))
        .app_data(document)
        .configure(|table: &mut web::ServiceConfig| routes::public(table, &config.config))
        .default_service(web::to(routes::nothing_here))
        .wrap(cors::of(&edge.config))
        .wrap(from_fn(frame))
}

/// The application that operators reach.
pub fn admin(
    state: AppState,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let AppState { service, edge, .. } = state;
    App::new()
        .app_data(service)
        .app_data(edge)
        .configure(routes::admin)
        .default_service(web::to(routes::nothing_here))
        .wrap(from_fn(frame))
}

/// Whatever the routes make of it, the caller gets a framed answer, and gets it in time.
async fn frame<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let started = Instant::now();
    let Some(edge) = request.app_data::<Data<Edge>>().cloned() else {
        return Err(Problem::internal("the app has no edge").into());
    };
    let method = request.method().clone();
    let facts = Facts {
        id: RequestId::of(request.headers()),
        client: client_address::of(&request, &edge.config.trusted_proxies),
    };
    request.extensions_mut().insert(facts.clone());
    let answered = AssertUnwindSafe(next.call(request)).catch_unwind();
    let frame = Frame {
        edge: &edge,
        method,
        facts,
        started,
    };
    match tokio::time::timeout(edge.config.request_timeout, answered).await {
        Ok(Ok(Ok(answer))) => Ok(frame.around(answer)),
        Ok(Ok(Err(error))) => Err(frame.around_error(error)),
        Ok(Err(_panic)) => Err(frame.around_error(Problem::internal("a handler panicked").into())),
        Err(_elapsed) => {
            edge.metrics.timed_out();
            Err(frame
                .around_error(Problem::unavailable("the request took longer than request_timeout").into()))
        }
    }
}

struct Frame<'a> {
    edge: &'a Edge,
    method: Method,
    facts: Facts,
    started: Instant,
}

impl Frame<'_> {
    fn around<B: MessageBody + 'static>(&self, answer: ServiceResponse<B>) -> ServiceResponse<EitherBody<B>> {
        let user = seen_user(&answer);
        let pattern = answer.request().app_data::<Pattern>().cloned();
        let route = pattern.as_ref().map_or(UNMATCHED, |pattern| &*pattern.0);
        let (request, response) = answer.into_parts();
        let rewritten = rewrite(&response, self.facts.id.as_str());
        self.note(route, response.status().as_u16(), user, &told(response.error()));
        let mut response = match rewritten {
            None => response.map_into_left_body(),
            Some(mut problem) => {
                // What the layers inside have added, such as CORS headers, stays.
                for (name, value) in response.headers() {
                    if !problem.headers().contains_key(name) {
                        problem.headers_mut().append(name.clone(), value.clone());
                    }
                }
                problem.map_into_right_body()
            }
        };
        self.complete(response.headers_mut());
        ServiceResponse::new(request, response)
    }

    /// An error that comes instead of an answer: the request is gone by now, so its answer is made whole and sent as it is.
    fn around_error(&self, error: Error) -> Error {
        let plain = error.error_response();
        let id = self.facts.id.as_str();
        let mut answer = match error.as_error::<Problem>() {
            Some(problem) => problem.answer(Some(id)),
            None => Problem::from(Code::for_status(plain.status())).answer(Some(id)),
        };
        self.note(UNMATCHED, answer.status().as_u16(), None, &told(Some(&error)));
        self.complete(answer.headers_mut());
        InternalError::from_response(error, answer).into()
    }

    fn complete(&self, headers: &mut actix_web::http::header::HeaderMap) {
        headers::complete(headers, self.edge.config.is_public_over_tls());
        if let Ok(id) = HeaderValue::from_str(self.facts.id.as_str()) {
            headers.insert(HeaderName::from_static(X_REQUEST_ID), id);
        }
    }

    fn note(
        &self,
        route: &str,
        status: u16,
        user: Option<UserId>,
        (code, cause): &(Option<&str>, Option<&str>),
    ) {
        let took = self.started.elapsed();
        let method = self.method.as_str();
        self.edge.metrics.request(route, method, status, took);
        Line {
            facts: &self.facts,
            method,
            route,
            status,
            took,
            user,
            code: *code,
            cause: *cause,
        }
        .write();
    }
}

/// The code and the cause of an error.
fn told(error: Option<&Error>) -> (Option<&str>, Option<&str>) {
    let Some(error) = error else { return (None, None) };
    if let Some(problem) = error.as_error::<Problem>() {
        (Some(problem.code().word()), problem.cause())
    } else if let Some(oauth) = error.as_error::<OauthError>() {
        (Some(oauth.code().word()), oauth.cause())
    } else {
        (None, None)
    }
}

fn seen_user<B>(answer: &ServiceResponse<B>) -> Option<UserId> {
    let of_answer = answer.response().extensions().get::<SeenUser>().copied();
    of_answer
        .or_else(|| answer.request().extensions().get::<SeenUser>().copied())
        .map(|seen| seen.0)
}

/// The error answer to send instead: ours once more, with the request's name; or ours in place of the framework's own.
fn rewrite<B>(response: &HttpResponse<B>, id: &str) -> Option<HttpResponse<BoxBody>> {
    if let Some(error) = response.error() {
        if let Some(problem) = error.as_error::<Problem>() {
            return Some(problem.answer(Some(id)));
        }
        if error.as_error::<OauthError>().is_some() {
            return None;
        }
    }
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    let typed = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let ours = typed.is_some_and(|typed| typed == PROBLEM_JSON || typed.starts_with("application/json"));
    (!ours).then(|| Problem::from(Code::for_status(status)).answer(Some(id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ServerConfig;
    use actix_web::{
        body::to_bytes,
        http::{StatusCode, header::ORIGIN},
        test::{TestRequest, call_service, init_service, try_call_service},
    };
    use serde_json::Value;
    use std::time::Duration;

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

    fn edge(config: ServerConfig) -> Data<Edge> {
        Data::new(Edge::new(config).unwrap())
    }

    macro_rules! framed {
        ($edge:expr) => {{
            let edge = $edge;
            init_service(
                App::new()
                    .app_data(Data::clone(&edge))
                    .configure(|table: &mut web::ServiceConfig| routes::public(table, &edge.config))
                    .route("/refused", web::get().to(refused))
                    .route("/plain", web::get().to(plain))
                    .route("/oauth", web::get().to(oauth))
                    .route("/never", web::get().to(never))
                    .route("/breaks", web::get().to(breaks))
                    .default_service(web::to(routes::nothing_here))
                    .wrap(cors::of(&edge.config))
                    .wrap(from_fn(frame)),
            )
            .await
        }};
    }

    async fn json<B: MessageBody>(answer: ServiceResponse<B>) -> Value {
        let body = to_bytes(answer.into_body()).await.map_err(|_| "no body").unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    #[actix_web::test]
    async fn every_answer_carries_its_name_and_the_strict_headers() {
        let app = framed!(edge(ServerConfig {
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
    async fn an_error_answer_names_its_request_and_hides_its_cause() {
        let app = framed!(edge(ServerConfig::default()));
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
    async fn what_the_framework_says_is_said_in_our_words() {
        let app = framed!(edge(ServerConfig::default()));
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
    async fn a_wrong_method_is_told_the_right_ones() {
        let app = framed!(edge(ServerConfig::default()));
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
    async fn an_answer_that_takes_too_long_or_breaks_is_an_answer_still() {
        let config = ServerConfig {
            request_timeout: Duration::from_millis(5),
            ..ServerConfig::default()
        };
        let app = framed!(edge(config));
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
        let edge = edge(ServerConfig::default());
        let app = framed!(Data::clone(&edge));
        for uri in ["/health/live?password=hunter2", "/nowhere/hunter2"] {
            call_service(&app, TestRequest::get().uri(uri).to_request()).await;
        }
        let figures = auth_service::Figures {
            hash_queue: 0,
            hash_capacity: 0,
        };
        let text = String::from_utf8(edge.metrics.render(&figures).unwrap()).unwrap();
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
        let app = framed!(edge(config));
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
    async fn a_preflight_is_answered_for_listed_origins_alone() {
        let config = ServerConfig {
            cors_origins: vec!["https://app.example".into()],
            ..ServerConfig::default()
        };
        let app = framed!(edge(config));
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
        let without = framed!(edge(ServerConfig::default()));
        assert_eq!(
            call_service(&without, preflight("https://app.example"))
                .await
                .status(),
            405
        );
    }
}
