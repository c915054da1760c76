//! The `Idempotency-Key` header of `/refresh` and `/token`.

use super::route::{Parameter, schema};
use actix_web::HttpRequest;

/// The header as a parameter of the routes that read it.
pub const IDEMPOTENCY_KEY: Parameter = Parameter::header(
    "Idempotency-Key",
    "A random value for each refresh. With it, a refresh whose answer was lost can be repeated.",
    || {
        schema::text()
            .min_length(Some(16))
            .max_length(Some(128))
            .pattern(Some("^[!-~]+$"))
    },
);

/// The header as it was sent. The domain decides whether it is a valid key.
pub struct IdempotencyHeader;

impl IdempotencyHeader {
    /// The header's value, if it was sent. A header that was sent twice or is not text gives an empty value, which the domain
    /// refuses.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Option<String> {
        let mut sent = request.headers().get_all("idempotency-key");
        let first = sent.next()?;
        let once = sent.next().is_none();
        Some(
            first
                .to_str()
                .ok()
                .filter(|_| once)
                .unwrap_or_default()
                .to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn a_key_that_is_sent_twice_is_none_at_all() {
        let sent = |values: &[&'static str]| {
            let request = values.iter().fold(TestRequest::post(), |r, v| {
                r.append_header(("idempotency-key", *v))
            });
            IdempotencyHeader::of(&request.to_http_request())
        };
        assert_eq!(sent(&[]), None);
        assert_eq!(sent(&["0123456789abcdef"]).unwrap(), "0123456789abcdef");
        assert_eq!(sent(&["0123456789abcdef", "0123456789abcdef"]).unwrap(), "");
    }
}
