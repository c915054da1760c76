//! A minimal browser: it keeps cookies, sends each form with the token of its page, and sends the origin of the form. The tests in
//! `browser/` check what only a real browser shows.

use crate::Answer;
use reqwest::{Method, RequestBuilder, header::HeaderMap};
use std::collections::BTreeMap;

/// A user's browser.
#[derive(Clone)]
pub struct Browser {
    http: reqwest::Client,
    origin: String,
    /// The origin that it sends with a form.
    pub form_origin: String,
    /// The cookies that it keeps.
    pub cookies: BTreeMap<String, String>,
    /// The page that it shows.
    pub page: String,
}

impl Browser {
    /// A new one, for the server at this origin.
    ///
    /// # Panics
    /// If there is no client to be had.
    #[must_use]
    pub fn new(origin: &str) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build();
        Self {
            http: http.unwrap(),
            origin: origin.to_owned(),
            form_origin: origin.to_owned(),
            cookies: BTreeMap::new(),
            page: String::new(),
        }
    }

    /// From now on the load balancer sends it to another node.
    pub fn switch_to_node(&mut self, origin: &str) {
        origin.clone_into(&mut self.origin);
        origin.clone_into(&mut self.form_origin);
    }

    /// A request with the cookies, to be completed by the test.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let kept = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let kept = kept.collect::<Vec<_>>().join("; ");
        let request = self.http.request(method, format!("{}{path}", self.origin));
        if kept.is_empty() {
            request
        } else {
            request.header("cookie", kept)
        }
    }

    /// Sends a request, stores the cookies of the answer, and shows its page.
    ///
    /// # Panics
    /// If no answer comes.
    pub async fn take(&mut self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        self.keep(&headers);
        let text = response.text().await.unwrap();
        self.page.clone_from(&text);
        Answer {
            status,
            headers,
            text,
        }
    }

    fn keep(&mut self, headers: &HeaderMap) {
        for line in headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, rest) = line.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Opens a page; a redirect is an answer.
    pub async fn open(&mut self, path: &str) -> Answer {
        self.take(self.request(Method::GET, path)).await
    }

    /// Sends a form of the page that is shown; a redirect is an answer.
    pub async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.form_token();
        let fields: Vec<(&str, &str)> = [("form", token.as_str())].iter().chain(fields).copied().collect();
        let request = self
            .request(Method::POST, path)
            .header("origin", &self.form_origin);
        self.take(request.form(&fields)).await
    }

    /// Opens a page and sends a form of it.
    pub async fn submit(&mut self, page: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.open(page).await.expect(200);
        self.send(path, fields).await
    }

    /// The form token of the shown page; empty if there is none.
    #[must_use]
    pub fn form_token(&self) -> String {
        let found = self.page.split_once("name=\"form\" value=\"");
        let token = found.and_then(|(_, rest)| rest.split('"').next());
        token.unwrap_or_default().to_owned()
    }

    /// Signs in.
    pub async fn sign_in(&mut self, email: &str, password: &str) -> Answer {
        let fields = [("email", email), ("password", password)];
        self.submit("/login", "/login", &fields).await
    }
}
