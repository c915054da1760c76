//! The token of a known device. The rule: a client shows it in a header, or a browser in a cookie that scripts can't read.

use crate::http::{
    cookie,
    route::{Parameter, schema},
};
use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
    http::header::{HeaderName, HeaderValue},
};
use auth_service::KNOWN_FOR;
use secrecy::{ExposeSecret, SecretString};

/// The header in which a client without cookies shows its device token, and gets it.
pub const X_DEVICE_TOKEN: &str = "x-device-token";
/// The same for the routes that sign users in.
pub const DEVICE_TOKEN: Parameter = Parameter::header(
    "X-Device-Token",
    "What the last sign-in on this device gave, for clients that keep no cookies: a known device has a budget of guesses \
     of its own.",
    schema::text,
);
/// The cookie that holds it in browsers: bound to this host, and out of reach for scripts.
pub const DEVICE_COOKIE: &str = "__Host-kw_device";

/// The header of an answer that makes the device known.
pub const TOKEN_GIVEN: (&str, &str) = (
    "X-Device-Token",
    "What the device shows with its next sign-in; browsers get it as the cookie `__Host-kw_device`.",
);

/// The name of the cookie in which the pages keep it. Over plain HTTP it lacks the prefix. App data, where pages are served.
#[derive(Debug, Clone, Copy)]
pub struct PagesCookie(pub &'static str);

/// The token that a request shows.
#[must_use]
pub fn shown(request: &HttpRequest) -> Option<SecretString> {
    if let Some(header) = request.headers().get(X_DEVICE_TOKEN) {
        return header.to_str().ok().map(SecretString::from);
    }
    let of_pages = || {
        let PagesCookie(name) = request.app_data()?;
        cookie::shown(request, name).filter(|value| !value.is_empty())
    };
    cookie::shown(request, DEVICE_COOKIE)
        .or_else(of_pages)
        .map(SecretString::from)
}

/// Hands a device its token: as a cookie for browsers, and as a header for a client that keeps none.
pub fn hand_out(answer: &mut HttpResponse, token: &SecretString) {
    let cookie = Cookie::build(DEVICE_COOKIE, token.expose_secret())
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(Duration::seconds(KNOWN_FOR.num_seconds()))
        .finish();
    // Both are of base64url's letters, which every header may hold.
    let _set = answer.add_cookie(&cookie);
    if let Ok(value) = HeaderValue::from_str(token.expose_secret()) {
        answer
            .headers_mut()
            .insert(HeaderName::from_static(X_DEVICE_TOKEN), value);
    }
}

/// 204, with a token for the device if there is one.
#[must_use]
pub fn done_by_device(token: Option<&SecretString>) -> HttpResponse {
    let mut answer = HttpResponse::NoContent().finish();
    if let Some(token) = token {
        hand_out(&mut answer, token);
    }
    answer
}
