//! The state that all pages share, created once at the start: texts, assets, policies, and which requests are for pages. The rule:
//! a fault in it stops the start.

use super::{
    assets::Assets,
    config::{PLACES, PagesConfig, is_loopback_origin},
    cookies::Cookies,
    texts::Texts,
};
use crate::http::{
    config::{ServerConfig, is_origin},
    problem::{Code, Problem},
};
use actix_web::{
    HttpRequest,
    http::header::{HOST, HeaderValue, ORIGIN},
    web::Data,
};
use auth_domain::settings::Complaint;
use std::{fmt::Display, fs, path::Path, sync::Arc};
use tokio::sync::Semaphore;

/// Why the pages can't be served: a key of the configuration, and what is wrong with its value.
#[derive(Debug, thiserror::Error)]
#[error("pages.{}: {}", .0.key, .0.what)]
pub struct PagesError(Complaint);

/// The error of a setting that can't be used.
fn unusable(key: &'static str) -> impl Fn(&dyn Display) -> PagesError {
    move |why| PagesError(Complaint::new(key, why.to_string()))
}

fn read(key: &'static str, file: &Path) -> Result<Vec<u8>, PagesError> {
    fs::read(file).map_err(|error| unusable(key)(&format_args!("{} can't be read: {error}", file.display())))
}

fn texts_of(config: &PagesConfig) -> Result<Texts, PagesError> {
    let key = "texts";
    let Some(file) = &config.texts else {
        return Ok(Texts::default());
    };
    let text = String::from_utf8(read(key, file)?).map_err(|error| unusable(key)(&error))?;
    Texts::parse(&text).map_err(|error| unusable(key)(&error))
}

fn assets_of(config: &PagesConfig) -> Result<Assets, PagesError> {
    let key = "logo";
    let bytes = config.logo.as_deref().map(|file| read(key, file)).transpose()?;
    let logo = config.logo.as_deref().zip(bytes.as_deref());
    Assets::new(config, logo).map_err(|error| unusable(key)(&error))
}

impl PagesConfig {
    /// Reads the files that the section names, and returns what is wrong with them.
    #[must_use]
    pub fn validate_files(&self) -> Vec<Complaint> {
        let (texts, logo) = (texts_of(self).err(), assets_of(self).err());
        texts.into_iter().chain(logo).map(|error| error.0).collect()
    }
}

/// The state that all pages share.
pub struct PagesState {
    /// The configuration.
    pub config: PagesConfig,
    /// The service's name.
    pub name: String,
    /// The texts.
    pub texts: Texts,
    /// Style sheet, script and images.
    pub assets: Data<Assets>,
    /// How cookies are written.
    pub cookies: Cookies,
    /// Lets one request at a time verify the audit log.
    pub verifying: Semaphore,
    /// The content security policy of a page: what it may load, and where its forms may lead.
    pub content_policy: HeaderValue,
    /// The same for a page whose forms may lead anywhere.
    pub content_policy_of_any_form: HeaderValue,
    public_url: String,
}

impl PagesState {
    /// The state of a server's pages.
    pub fn new(config: PagesConfig, server: &ServerConfig, name: &str) -> Result<Self, PagesError> {
        let texts = texts_of(&config)?;
        let assets = assets_of(&config)?;
        // The answer to a form may redirect to another origin, and browsers apply the policy to that as well.
        let targets = config
            .return_to
            .iter()
            .fold("'self'".to_owned(), |all, one| format!("{all} {one}"));
        let content_policy = |form_action: &str| {
            let policy = format!(
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                 {form_action}base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
            );
            HeaderValue::from_str(&policy).map_err(|error| unusable("return_to")(&error))
        };
        Ok(Self {
            name: name.to_owned(),
            texts,
            assets: Data::new(assets),
            cookies: Cookies {
                secure: server.is_public_over_tls(),
            },
            verifying: Semaphore::new(1),
            content_policy: content_policy(&format!("form-action {targets}; "))?,
            content_policy_of_any_form: content_policy("")?,
            public_url: server.public_url.clone(),
            config,
        })
    }

    /// The state of the pages that are requested.
    ///
    /// # Errors
    /// 404 where none are served.
    pub fn of(request: &HttpRequest) -> Result<Arc<Self>, Problem> {
        request
            .app_data::<Arc<Self>>()
            .cloned()
            .ok_or_else(|| Code::NotFound.into())
    }

    /// The address of a page.
    #[must_use]
    pub fn at(&self, place: &str) -> String {
        format!("{}{place}", self.config.path)
    }

    /// Whether a path is a page's, or one where only pages can be.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        let below = path.strip_prefix(self.config.path.as_str());
        let first = below.and_then(|rest| rest.strip_prefix('/')?.split('/').next());
        first.is_some_and(|first| PLACES.contains(&first))
    }

    /// Where to start again after a form at this path: the form's own page, or the section that it belongs to.
    #[must_use]
    pub fn section_of(&self, path: &str) -> String {
        let below = path.strip_prefix(self.config.path.as_str()).unwrap_or_default();
        match below.split('/').nth(1) {
            Some("password-hint" | "assets") | None => self.at("/account"),
            Some(first) => self.at(&format!("/{first}")),
        }
    }

    /// Checks that a form came from one of these pages, as far as the browser says. A client that sends neither header is not a
    /// browser of this decade; then the form's token decides.
    ///
    /// # Errors
    /// [`Code::ForeignForm`].
    pub fn check_origin(&self, request: &HttpRequest) -> Result<(), Problem> {
        let header = |name: &str| request.headers().get(name).map(HeaderValue::as_bytes);
        let (fetch_site, origin) = (header("sec-fetch-site"), header(ORIGIN.as_str()));
        let is_same_origin = match fetch_site {
            Some(b"same-origin" | b"none") => true,
            Some(_) => return Err(self.foreign_form(origin)),
            None => false,
        };
        let own = match origin {
            None => true,
            // A page with `Referrer-Policy: no-referrer` sends this origin.
            Some(b"null") => is_same_origin,
            Some(origin) => {
                std::str::from_utf8(origin).is_ok_and(|origin| self.is_own_origin(origin, request))
            }
        };
        if own {
            Ok(())
        } else {
            Err(self.foreign_form(origin))
        }
    }

    /// The problem of a form from elsewhere. The answer and the log name the address that is served, and the form's origin.
    fn foreign_form(&self, origin: Option<&[u8]>) -> Problem {
        let origin = origin
            .and_then(|origin| std::str::from_utf8(origin).ok())
            .filter(|origin| may_be_named(origin));
        tracing::warn!(
            served = self.public_url,
            origin = origin.unwrap_or("unknown"),
            "refused a form from another origin"
        );
        let code = Code::ForeignForm;
        let fault = self.texts.fault(code.as_str()).unwrap_or(code.detail());
        let detail = format!("{fault} {}", self.addresses(origin));
        Problem::with_detail(code, detail)
    }

    /// The sentences that name the address that is served, and the one that the browser used.
    fn addresses(&self, used: Option<&str>) -> String {
        let t = &self.texts;
        let served = t.fill(&t.served_for, "served", &self.public_url);
        match used {
            Some(origin) => format!("{served} {}", t.fill(&t.used_origin, "origin", origin)),
            None => served,
        }
    }

    /// Over plain HTTP the pages are served to this machine only, whatever name it has: a password that is typed elsewhere would
    /// cross the network unencrypted.
    ///
    /// # Errors
    /// [`Code::Forbidden`].
    pub fn check_host(&self, request: &HttpRequest) -> Result<(), Problem> {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        if self.cookies.secure || host.is_none_or(|host| is_loopback_origin(&format!("http://{host}"))) {
            return Ok(());
        }
        let origin = host
            .map(|host| format!("http://{host}"))
            .filter(|origin| may_be_named(origin));
        tracing::warn!(
            served = self.public_url,
            origin = origin.as_deref().unwrap_or("unknown"),
            "refused a page over plain HTTP: the address does not name this machine"
        );
        let detail = format!(
            "{} {}",
            self.texts.not_this_machine,
            self.addresses(origin.as_deref())
        );
        Err(Problem::with_detail(Code::Forbidden, detail))
    }

    /// Whether an origin is the public address. On this machine `localhost` and `127.0.0.1` count as one.
    fn is_own_origin(&self, origin: &str, request: &HttpRequest) -> bool {
        if origin == self.public_url {
            return true;
        }
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        !self.cookies.secure
            && is_loopback_origin(origin)
            && host.is_some_and(|host| origin.strip_prefix("http://") == Some(host))
    }
}

/// Whether an origin from a header may appear in an answer and in the log: it is an origin, no longer than a host can be.
fn may_be_named(origin: &str) -> bool {
    origin.len() <= 300 && is_origin(origin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn pages_state(public_url: &str) -> PagesState {
        let server = ServerConfig {
            public_url: public_url.into(),
            ..ServerConfig::default()
        };
        PagesState::new(PagesConfig::default(), &server, "Keyward").unwrap()
    }

    fn takes(pages_state: &PagesState, headers: &[(&'static str, &'static str)]) -> bool {
        let request = headers.iter().fold(TestRequest::post(), |request, header| {
            request.insert_header(*header)
        });
        pages_state.check_origin(&request.to_http_request()).is_ok()
    }

    #[test]
    fn a_form_of_another_site_is_refused() {
        let pages_state = pages_state("https://auth.example.com");
        let own = ("origin", "https://auth.example.com");
        assert!(takes(&pages_state, &[own]));
        assert!(takes(&pages_state, &[own, ("sec-fetch-site", "same-origin")]));
        assert!(takes(
            &pages_state,
            &[("origin", "null"), ("sec-fetch-site", "same-origin")]
        ));
        assert!(takes(&pages_state, &[]));
        for bad in [
            vec![("origin", "https://evil.example")],
            vec![("origin", "null")],
            vec![("origin", "http://auth.example.com")],
            vec![("origin", "https://auth.example.com:8443")],
            vec![("origin", "https://auth.example.com.evil.example")],
            vec![("origin", "http://localhost"), ("host", "localhost")],
            vec![own, ("sec-fetch-site", "cross-site")],
            vec![own, ("sec-fetch-site", "same-site")],
            vec![("sec-fetch-site", "cross-site")],
        ] {
            assert!(!takes(&pages_state, &bad), "{bad:?}");
        }
    }

    #[test]
    fn a_refused_form_names_the_address_that_is_served_and_the_origin_that_it_came_from() {
        let pages_state = pages_state("https://auth.example.com");
        let refusal = |origin: &'static [u8]| {
            let origin = HeaderValue::from_bytes(origin).unwrap();
            let request = TestRequest::post()
                .insert_header((ORIGIN, origin))
                .to_http_request();
            pages_state
                .check_origin(&request)
                .unwrap_err()
                .detail()
                .to_owned()
        };
        let served = "This page is served for https://auth.example.com.";
        let named = format!("{served} Your browser used http://127.0.0.1:18092.");
        assert!(refusal(b"http://127.0.0.1:18092").ends_with(&named));
        for odd in [
            &b"null"[..],
            b"http://<b>.example",
            b"http://u:hunter2@a.example",
            b"\xff",
            b"http://a.example/path",
        ] {
            assert!(refusal(odd).ends_with(served), "{}", refusal(odd));
        }
    }

    #[test]
    fn over_plain_http_a_page_is_shown_on_this_machine_only() {
        let at = |pages_state: &PagesState, host: &'static str| {
            let request = TestRequest::get().insert_header(("host", host)).to_http_request();
            pages_state.check_host(&request).is_ok()
        };
        let (plain, tls) = (
            pages_state("http://127.0.0.1:8080"),
            pages_state("https://auth.example.com"),
        );
        for host in ["localhost", "127.0.0.1:9090", "[::1]:8080"] {
            assert!(at(&plain, host), "{host}");
        }
        for host in [
            "192.168.1.5:8080",
            "evil.example",
            "localhost.evil.example:8080",
            "[::1].evil.example",
            "localhost@evil.example",
        ] {
            assert!(!at(&plain, host), "{host}");
            assert!(at(&tls, host), "{host}");
        }
    }

    #[test]
    fn the_names_of_this_machine_count_as_one_origin_and_no_other_host_does() {
        let pages_state = pages_state("http://127.0.0.1:8080");
        for host in ["localhost:8080", "127.0.0.1:9090", "[::1]:8080"] {
            let origin: &'static str = format!("http://{host}").leak();
            assert!(
                takes(&pages_state, &[("origin", origin), ("host", host)]),
                "{host}"
            );
            assert!(
                !takes(&pages_state, &[("origin", origin), ("host", "localhost:1")]),
                "{host}"
            );
        }
        // An attacker's host name that resolves to this machine (DNS rebinding).
        assert!(!takes(
            &pages_state,
            &[
                ("origin", "http://evil.example:8080"),
                ("host", "evil.example:8080")
            ]
        ));
    }
}
