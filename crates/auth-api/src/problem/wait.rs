//! When to come back: the headers of whatever is refused for now.

use actix_web::{
    HttpResponseBuilder,
    http::header::{HeaderName, RETRY_AFTER},
};
use auth_service::Standing;
use std::time::Duration;

/// Sets `Retry-After` in whole seconds, at least one (RFC 9110 §10.2.3).
pub(crate) fn insert_retry_after(answer: &mut HttpResponseBuilder, wait: Duration) {
    answer.insert_header((RETRY_AFTER, whole_seconds(wait)));
}

/// Sets `RateLimit` and `RateLimit-Policy`, as the IETF's draft (draft-ietf-httpapi-ratelimit-headers) writes them: units that
/// are left and seconds until there is one; units at once and the seconds that they come back in.
pub(crate) fn insert_limit(answer: &mut HttpResponseBuilder, standing: &Standing) {
    let (name, limit) = (standing.name.as_str(), standing.limit);
    answer.insert_header((
        HeaderName::from_static("ratelimit"),
        format!(
            "\"{name}\";r={};t={}",
            standing.remaining,
            whole_seconds(standing.retry_after)
        ),
    ));
    answer.insert_header((
        HeaderName::from_static("ratelimit-policy"),
        format!("\"{name}\";q={};w={}", limit.burst(), whole_seconds(limit.per())),
    ));
}

/// Whole seconds, rounded up, and at least one.
fn whole_seconds(span: Duration) -> u64 {
    (span.as_secs() + u64::from(span.subsec_nanos() > 0)).max(1)
}
