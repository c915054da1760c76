//! The security headers of every answer. The rule: the strictest value that works. A route that needs another value sets it itself.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};

/// The policy of answers that are not pages: they load nothing, and no site may frame them.
pub const CSP_NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

/// Two years, as the browsers' preload list requires (RFC 6797).
const HSTS: &str = "max-age=63072000";

/// Adds the headers that are missing.
pub fn complete(headers: &mut HeaderMap, over_tls: bool) {
    let mut unless_set = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    unless_set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    unless_set(CONTENT_SECURITY_POLICY, CSP_NOTHING);
    unless_set(REFERRER_POLICY, "no-referrer");
    // Nearly every answer carries a token or is about one. The few public ones set how long they may be cached.
    unless_set(CACHE_CONTROL, "no-store");
    unless_set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    if over_tls {
        unless_set(STRICT_TRANSPORT_SECURITY, HSTS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_is_locked_down() {
        let mut headers = HeaderMap::new();
        complete(&mut headers, false);
        assert_eq!(headers.get("x-content-type-options").unwrap(), "nosniff");
        assert_eq!(headers.get("content-security-policy").unwrap(), CSP_NOTHING);
        assert_eq!(headers.get("referrer-policy").unwrap(), "no-referrer");
        assert_eq!(headers.get("cache-control").unwrap(), "no-store");
        assert_eq!(headers.get("cross-origin-opener-policy").unwrap(), "same-origin");
        assert!(
            !headers.contains_key("strict-transport-security"),
            "not without TLS (RFC 6797 §7.2)"
        );
        complete(&mut headers, true);
        let hsts = headers
            .get("strict-transport-security")
            .unwrap()
            .to_str()
            .unwrap();
        let seconds: u64 = hsts.strip_prefix("max-age=").unwrap().parse().unwrap();
        assert!(seconds >= 365 * 24 * 3600);
    }

    #[test]
    fn what_a_route_set_stays() {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=600"));
        complete(&mut headers, false);
        assert_eq!(headers.get("cache-control").unwrap(), "public, max-age=600");
    }
}
