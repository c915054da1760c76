//! The token of a known device. The rule: a client sends it in a header, or a browser in a cookie that scripts can't read.

use crate::http::{
    cookie,
    route::{Parameter, schema},
};
use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
    http::header::{HeaderName, HeaderValue},
};
use auth_service::KNOWN_DEVICE_LIFETIME;
use secrecy::{ExposeSecret, SecretString};

/// The header in which a client without cookies sends its device token and receives it.
pub const X_DEVICE_TOKEN: &str = "x-device-token";
/// The header as a parameter of the routes that sign users in.
pub const DEVICE_TOKEN: Parameter = Parameter::header(
    "X-Device-Token",
    "What the last sign-in on this device gave, for clients that keep no cookies: a known device has a budget of guesses \
     of its own.",
    schema::text,
);
/// The cookie that holds the token in browsers: bound to this host, and out of reach of scripts.
pub const DEVICE_COOKIE: &str = "__Host-kw_device";

/// The header of an answer that issues a device token.
pub const ISSUED_TOKEN: (&str, &str) = (
    "X-Device-Token",
    "What the device shows with its next sign-in; browsers get it as the cookie `__Host-kw_device`.",
);

/// The name of the cookie in which the pages keep the token. It has no prefix over plain HTTP. App data, where pages are served.
#[derive(Debug, Clone, Copy)]
pub struct PagesCookie(pub &'static str);

/// The token that a request presents.
#[must_use]
pub fn presented(request: &HttpRequest) -> Option<SecretString> {
    if let Some(header) = request.headers().get(X_DEVICE_TOKEN) {
        return header.to_str().ok().map(SecretString::from);
    }
    let of_pages = || {
        let PagesCookie(name) = request.app_data()?;
        cookie::value_of(request, name).filter(|value| !value.is_empty())
    };
    cookie::value_of(request, DEVICE_COOKIE)
        .or_else(of_pages)
        .map(SecretString::from)
}

/// Issues a token to a device: as a cookie for browsers, and as a header for clients without cookies.
pub fn set_token(answer: &mut HttpResponse, token: &SecretString) {
    let cookie = Cookie::build(DEVICE_COOKIE, token.expose_secret())
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(Duration::seconds(KNOWN_DEVICE_LIFETIME.num_seconds()))
        .finish();
    // A token is base64url, which every header may hold.
    let _set = answer.add_cookie(&cookie);
    if let Ok(value) = HeaderValue::from_str(token.expose_secret()) {
        answer
            .headers_mut()
            .insert(HeaderName::from_static(X_DEVICE_TOKEN), value);
    }
}

/// 204, with the token for the device if there is one.
#[must_use]
pub fn no_content(token: Option<&SecretString>) -> HttpResponse {
    let mut answer = HttpResponse::NoContent().finish();
    if let Some(token) = token {
        set_token(&mut answer, token);
    }
    answer
}
