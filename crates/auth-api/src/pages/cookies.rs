//! The cookies of the pages. The rule: a token is in a cookie that scripts can't read, that is sent to this host only, and that is
//! not sent with another site's form (RFC 6265bis §4.1.3, the `__Host-` prefix).
//!
//! Plain HTTP is served to this machine only. There the prefix and `Secure` are left out, because not every browser treats
//! `http://localhost` as secure.

use crate::http::{cookie, device::DEVICE_COOKIE};
use actix_web::{
    HttpMessage, HttpRequest,
    cookie::{Cookie, SameSite, time::Duration},
    dev::ServiceRequest,
    http::header::{HeaderMap, HeaderValue, SET_COOKIE},
};
use auth_service::{KNOWN_DEVICE_LIFETIME, Service, Tokens};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::ExposeSecret;
use std::{cell::RefCell, rc::Rc};

/// A cookie of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieKind {
    /// The access token.
    Access,
    /// The refresh token.
    Refresh,
    /// A random id of the browser, new at each sign-in. Form tokens are bound to it.
    Visitor,
    /// The known device's token.
    Device,
}

/// How cookies are written and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cookies {
    /// Whether browsers connect over TLS.
    pub secure: bool,
}

impl Cookies {
    /// The cookie's name.
    #[must_use]
    pub const fn name(self, kind: CookieKind) -> &'static str {
        match (self.secure, kind) {
            (true, CookieKind::Access) => "__Host-kw_access",
            (true, CookieKind::Refresh) => "__Host-kw_refresh",
            (true, CookieKind::Visitor) => "__Host-kw_visitor",
            (true, CookieKind::Device) => DEVICE_COOKIE,
            (false, CookieKind::Access) => "kw_access",
            (false, CookieKind::Refresh) => "kw_refresh",
            (false, CookieKind::Visitor) => "kw_visitor",
            (false, CookieKind::Device) => "kw_device",
        }
    }

    /// The cookie's value, if the browser sent one.
    #[must_use]
    pub fn shown(self, request: &HttpRequest, kind: CookieKind) -> Option<&str> {
        cookie::value_of(request, self.name(kind)).filter(|value| !value.is_empty())
    }

    /// The browser's id, if it has one.
    #[must_use]
    pub fn visitor(self, request: &HttpRequest) -> Option<[u8; 16]> {
        let text = self.shown(request, CookieKind::Visitor)?;
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
    }

    /// Gives the browser an id, until the browser is closed.
    pub fn name_visitor(self, request: &HttpRequest, id: [u8; 16]) {
        self.keep(request, CookieKind::Visitor, URL_SAFE_NO_PAD.encode(id), None);
    }

    /// Stores the tokens of a sign-in or a refresh.
    pub fn keep_tokens(self, request: &HttpRequest, service: &Service, tokens: &Tokens) {
        let (access, refresh) = (&tokens.access_token, service.browser_cookie(tokens));
        self.keep(
            request,
            CookieKind::Access,
            access.expose_secret().to_owned(),
            Some(tokens.expires_in),
        );
        self.keep(
            request,
            CookieKind::Refresh,
            refresh.expose_secret().to_owned(),
            Some(tokens.refresh_expires_in),
        );
        if let Some(device) = &tokens.device_token {
            self.keep_device(request, device.expose_secret());
        }
    }

    /// Stores a known device's token.
    pub fn keep_device(self, request: &HttpRequest, token: &str) {
        self.keep(
            request,
            CookieKind::Device,
            token.to_owned(),
            Some(KNOWN_DEVICE_LIFETIME.num_seconds()),
        );
    }

    /// Deletes the tokens.
    pub fn forget_tokens(self, request: &HttpRequest) {
        for kind in [CookieKind::Access, CookieKind::Refresh] {
            self.keep(request, kind, String::new(), Some(0));
        }
    }

    /// Deletes the session's cookies. The device stays known.
    pub fn forget_session(self, request: &HttpRequest) {
        self.forget_tokens(request);
        self.keep(request, CookieKind::Visitor, String::new(), Some(0));
    }

    /// Sets a cookie with the answer to this request, whatever the answer will be.
    fn keep(self, request: &HttpRequest, kind: CookieKind, value: String, seconds: Option<i64>) {
        let mut cookie = Cookie::build(self.name(kind), value)
            .path("/")
            .secure(self.secure)
            .http_only(true)
            .same_site(SameSite::Lax);
        if let Some(seconds) = seconds {
            cookie = cookie.max_age(Duration::seconds(seconds));
        }
        let extensions = request.extensions();
        if let Some(PendingCookies(pending)) = extensions.get() {
            let mut pending = pending.borrow_mut();
            pending.retain(|(known, _)| *known != kind);
            pending.push((kind, cookie.finish()));
        }
    }
}

/// The cookies to set with the answer to a request, whatever the answer will be. Of two of a kind, the later one is set.
#[derive(Clone, Default)]
pub struct PendingCookies(Rc<RefCell<Vec<(CookieKind, Cookie<'static>)>>>);

impl PendingCookies {
    /// Creates the list for a request.
    #[must_use]
    pub fn of(request: &mut ServiceRequest) -> Self {
        let pending = Self::default();
        request.extensions_mut().insert(pending.clone());
        pending
    }

    /// Adds the cookies to the headers of the answer.
    pub fn attach(&self, headers: &mut HeaderMap) {
        for (_, cookie) in self.0.take() {
            if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
                headers.append(SET_COOKIE, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn set(secure: bool, keep: impl Fn(Cookies, &HttpRequest)) -> Vec<String> {
        let mut request = TestRequest::get().to_srv_request();
        let pending = PendingCookies::of(&mut request);
        keep(Cookies { secure }, request.request());
        let mut headers = HeaderMap::new();
        pending.attach(&mut headers);
        let values = headers.get_all(SET_COOKIE);
        values.map(|value| value.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_cookie_goes_to_this_host_only_and_no_script_can_read_it() {
        let device = |cookies: Cookies, request: &HttpRequest| cookies.keep_device(request, "abc");
        assert_eq!(
            set(true, device),
            ["__Host-kw_device=abc; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=15552000"]
        );
        assert_eq!(
            set(false, device),
            ["kw_device=abc; HttpOnly; SameSite=Lax; Path=/; Max-Age=15552000"]
        );
    }

    #[test]
    fn of_two_cookies_of_a_kind_the_later_one_is_set() {
        let both = |cookies: Cookies, request: &HttpRequest| {
            cookies.name_visitor(request, [0; 16]);
            cookies.forget_session(request);
            cookies.name_visitor(request, [1; 16]);
        };
        let found = set(true, both);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(
            found[2].starts_with("__Host-kw_visitor=AQEBAQEBAQEBAQEBAQEBAQ; HttpOnly"),
            "{found:?}"
        );
        assert!(
            found[0].starts_with("__Host-kw_access=; ") && found[0].contains("Max-Age=0"),
            "{found:?}"
        );
    }
}
