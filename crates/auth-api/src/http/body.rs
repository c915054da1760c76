//! Reading a request's body. The rule: never more than the size limit and never longer than the time limit, whatever the client announces.
//!
//! actix has no time limit on bodies: the server would wait for a client that sends its headers and withholds the rest.

use crate::http::{
    problem::{Code, Problem},
    state::HttpState,
};
use actix_web::{
    HttpRequest,
    dev::Payload,
    error::PayloadError,
    http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING},
    web::{Bytes, BytesMut},
};
use futures::{Stream, StreamExt};
use std::time::Duration;

/// Why a body can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// Longer than the limit.
    TooLarge,
    /// It did not arrive in time.
    TimedOut,
    /// Cut short, or malformed in its framing.
    Broken,
    /// Compressed, which is not accepted: a small body could decompress into a large one.
    Encoded,
}

impl BodyError {
    /// Its error code.
    #[must_use]
    pub fn code(self) -> Code {
        match self {
            Self::TooLarge => Code::BodyTooLarge,
            Self::TimedOut => Code::RequestTimeout,
            Self::Broken => Code::InvalidRequest,
            Self::Encoded => Code::UnsupportedMediaType,
        }
    }

    /// The detail for people.
    #[must_use]
    pub fn detail(self) -> &'static str {
        match self {
            Self::TooLarge => Code::BodyTooLarge.detail(),
            Self::TimedOut => Code::RequestTimeout.detail(),
            Self::Broken => "The body was cut short.",
            Self::Encoded => "Send the body as it is, without a Content-Encoding.",
        }
    }
}

impl From<BodyError> for Problem {
    fn from(fault: BodyError) -> Self {
        Self::with_detail(fault.code(), fault.detail())
    }
}

/// Reads the body of a request, within the limits of the configuration.
///
/// # Errors
/// [`BodyError`].
pub async fn read(request: &HttpRequest, payload: Payload) -> Result<Bytes, BodyError> {
    let (limit, time) = HttpState::of(request).map_or((16 * 1024, Duration::from_secs(10)), |http_state| {
        (http_state.config.max_body, http_state.config.body_timeout)
    });
    let headers = request.headers();
    if headers
        .get_all(CONTENT_ENCODING)
        .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Err(BodyError::Encoded);
    }
    // A body that is announced as too long is refused before a byte of it is read.
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > limit)) {
        return Err(BodyError::TooLarge);
    }
    collect(payload, limit, time).await
}

async fn collect<S>(mut chunks: S, limit: usize, time: Duration) -> Result<Bytes, BodyError>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    let whole = async {
        let mut body = BytesMut::new();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| BodyError::Broken)?;
            if body.len().saturating_add(chunk.len()) > limit {
                return Err(BodyError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    tokio::time::timeout(time, whole)
        .await
        .unwrap_or(Err(BodyError::TimedOut))
}

/// Whether the request says that it has a body (RFC 9112 §6).
#[must_use]
pub fn is_announced(request: &HttpRequest) -> bool {
    let headers = request.headers();
    headers.contains_key(TRANSFER_ENCODING)
        || headers
            .get(CONTENT_LENGTH)
            .is_some_and(|length| length.as_bytes().iter().any(|digit| *digit != b'0'))
}

/// Whether the body is announced as this media type, in UTF-8, and as nothing else.
#[must_use]
pub fn is_of_type(request: &HttpRequest, essence: &str) -> bool {
    let mut announced = request.headers().get_all(CONTENT_TYPE);
    let (Some(first), None) = (announced.next(), announced.next()) else {
        return false;
    };
    let Ok(text) = first.to_str() else { return false };
    let mut parts = text.split(';').map(str::trim);
    let named = parts
        .next()
        .is_some_and(|name| name.eq_ignore_ascii_case(essence));
    let charset_fits = |parameter: &str| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    };
    named && parts.all(charset_fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use futures::{channel::mpsc, stream};

    const LONG: Duration = Duration::from_secs(60);

    #[actix_web::test]
    async fn a_body_up_to_the_limit_is_read_whole() {
        let (send, receive) = mpsc::unbounded();
        send.unbounded_send(Ok(Bytes::from_static(b"ab"))).unwrap();
        send.unbounded_send(Ok(Bytes::from_static(b"cd"))).unwrap();
        drop(send);
        assert_eq!(collect(receive, 4, LONG).await, Ok(Bytes::from_static(b"abcd")));
    }

    #[actix_web::test]
    async fn a_body_past_the_limit_is_refused_while_it_still_comes() {
        let endless = stream::repeat_with(|| Ok(Bytes::from_static(b"0123456789")));
        assert_eq!(collect(endless, 16, LONG).await, Err(BodyError::TooLarge));
    }

    #[actix_web::test]
    async fn a_withheld_body_is_not_waited_for() {
        let (send, receive) = mpsc::unbounded();
        send.unbounded_send(Ok(Bytes::from_static(b"{"))).unwrap();
        assert_eq!(
            collect(receive, 16, Duration::from_millis(1)).await,
            Err(BodyError::TimedOut)
        );
        drop(send);
    }

    #[actix_web::test]
    async fn a_body_that_breaks_off_is_refused() {
        let broken = stream::iter([Ok(Bytes::from_static(b"{")), Err(PayloadError::Incomplete(None))]);
        assert_eq!(collect(broken, 16, LONG).await, Err(BodyError::Broken));
    }

    #[actix_web::test]
    async fn an_announced_length_or_encoding_is_refused_unread() {
        let long = TestRequest::post()
            .insert_header((CONTENT_LENGTH, "16385"))
            .to_http_request();
        assert_eq!(read(&long, Payload::None).await, Err(BodyError::TooLarge));
        let huge = TestRequest::post()
            .insert_header((CONTENT_LENGTH, u64::MAX))
            .to_http_request();
        assert_eq!(read(&huge, Payload::None).await, Err(BodyError::TooLarge));
        let zipped = TestRequest::post()
            .insert_header((CONTENT_ENCODING, "gzip"))
            .to_http_request();
        assert_eq!(read(&zipped, Payload::None).await, Err(BodyError::Encoded));
    }

    #[test]
    fn a_media_type_is_matched_by_its_name_and_charset() {
        let typed = |value: &str| {
            let request = TestRequest::post()
                .insert_header((CONTENT_TYPE, value))
                .to_http_request();
            is_of_type(&request, "application/json")
        };
        for good in [
            "application/json",
            "Application/JSON",
            "application/json; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
        ] {
            assert!(typed(good), "{good}");
        }
        for bad in [
            "text/plain",
            "application/jsonp",
            "application/problem+json",
            "application/json; charset=latin1",
            "",
        ] {
            assert!(!typed(bad), "{bad}");
        }
        let twice = TestRequest::post()
            .append_header((CONTENT_TYPE, "application/json"))
            .append_header((CONTENT_TYPE, "text/plain"))
            .to_http_request();
        assert!(!is_of_type(&twice, "application/json"));
        assert!(!is_of_type(
            &TestRequest::post().to_http_request(),
            "application/json"
        ));
    }

    #[test]
    fn a_body_is_announced_by_its_length_or_its_framing() {
        let with = |name: &'static str, value: &'static str| {
            is_announced(&TestRequest::post().insert_header((name, value)).to_http_request())
        };
        assert!(with("content-length", "2"));
        assert!(with("transfer-encoding", "chunked"));
        assert!(!with("content-length", "0"));
        assert!(!is_announced(&TestRequest::post().to_http_request()));
    }
}
