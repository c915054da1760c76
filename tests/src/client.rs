//! An HTTP client for the routes of docs/http-contract.md.

use crate::openapi;
use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::Value;

/// Calls one server, perhaps with a bearer token.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    origin: String,
    bearer: Option<String>,
}

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

impl Client {
    /// A client of the server at this origin (`http://127.0.0.1:…`).
    #[must_use]
    pub fn new(origin: &str) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            http,
            origin: origin.to_owned(),
            bearer: None,
        }
    }

    /// The same client with a bearer token.
    #[must_use]
    pub fn with_bearer(&self, token: &str) -> Self {
        Self {
            bearer: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// The same client of a server at another origin.
    #[must_use]
    pub fn at(&self, origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            ..self.clone()
        }
    }

    /// The full URL of a path: `/.well-known…`, `/health/…`, `/openapi.json` and `/docs` at the root, `/admin/…` where the admin
    /// routes are, all else below the base path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        let at_root = [
            "/.well-known/",
            "/health/",
            "/openapi.json",
            "/docs",
            "/metrics",
            "/version",
        ];
        if at_root.iter().any(|start| path.starts_with(start)) {
            format!("{}{path}", self.origin)
        } else if path.starts_with("/admin/") {
            format!("{}/api/v1{path}", self.origin)
        } else {
            format!("{}/api/v1/auth{path}", self.origin)
        }
    }

    /// A request to be completed by the test.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, self.url(path));
        match &self.bearer {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request.
    ///
    /// # Panics
    /// If no answer comes.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).await.unwrap()
    }

    /// Sends a request that may get no answer.
    ///
    /// # Errors
    /// Why no answer came.
    pub async fn try_send(&self, request: RequestBuilder) -> Result<Answer, reqwest::Error> {
        let (client, request) = request.build_split();
        let request = request?;
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = client.execute(request).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        openapi::check(&method, &path, status);
        Ok(Answer {
            status,
            headers,
            text: response.text().await?,
        })
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// `DELETE path`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// `DELETE path` with JSON.
    pub async fn delete_with(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::DELETE, path).json(body)).await
    }

    /// `POST path` with JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// `POST path` without a body.
    pub async fn post_nothing(&self, path: &str) -> Answer {
        self.send(self.request(Method::POST, path)).await
    }

    /// `PATCH path` with JSON.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(body)).await
    }

    /// `POST path` with a form.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(self.request(Method::POST, path).form(fields)).await
    }
}

impl Answer {
    /// The same answer, if it has this status.
    ///
    /// # Panics
    /// If it has another one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The problem's `code`.
    #[must_use]
    #[track_caller]
    pub fn code(&self) -> String {
        self.field("code")
    }

    /// A text member of the body.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    #[track_caller]
    pub fn field(&self, name: &str) -> String {
        self.json()[name]
            .as_str()
            .unwrap_or_else(|| panic!("no text `{name}` in {}", self.text))
            .to_owned()
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
