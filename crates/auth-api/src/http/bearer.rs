//! Bearer tokens (RFC 6750). The rule: a token comes in one `Authorization` header and nowhere else.

use crate::http::{
    body,
    call::{Call, service_of},
    edge::SeenUser,
    form::{self, FORM},
    json::{self, FromMembers},
    problem::{Code, Problem},
    route::{
        access,
        argument::{Argument, JsonBody, Just, Nothing},
    },
};
use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::{Method, header::AUTHORIZATION},
};
use auth_domain::time::Timestamp;
use auth_service::{Bearer, Caller, Principal, Service};
use futures::future::LocalBoxFuture;

/// The longest token that is looked at, in bytes: several times what the server ever gives out.
const LONGEST: usize = 8 * 1024;

/// The extractor of a signed-in user: a handler that takes it can't be reached without a good access token.
pub struct SignedIn {
    /// Who, and in which session.
    pub principal: Principal,
    /// The moment at which the token was good.
    pub now: Timestamp,
}

impl Argument for SignedIn {
    type Access = Just<access::User>;
    type Body = Nothing;
}

impl FromRequest for SignedIn {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { sign_in(&request).await })
    }
}

/// The extractor of a signed-in user who is about to change something: with what the audit log says of it.
pub struct Acting {
    /// Who, and in which session.
    pub principal: Principal,
    /// When and from where.
    pub caller: Caller,
}

impl Argument for Acting {
    type Access = Just<access::User>;
    type Body = Nothing;
}

impl FromRequest for Acting {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { act(&request).await })
    }
}

async fn act(request: &HttpRequest) -> Result<Acting, Problem> {
    let principal = sign_in(request).await?.principal;
    let service = service_of(request)?;
    let caller = Call::of(request).caller(&service)?.signed_in(&principal);
    Ok(Acting { principal, caller })
}

/// The extractor of whoever shows a token that holds: a signed-in user, or a script with an API key.
pub struct AnyBearer(pub Bearer);

impl Argument for AnyBearer {
    type Access = Just<access::Bearer>;
    type Body = Nothing;
}

impl FromRequest for AnyBearer {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { any(&request).await.map(Self) })
    }
}

/// The caller, by a token that holds.
pub(super) async fn any(request: &HttpRequest) -> Result<Bearer, Problem> {
    let token = token_of(request)?;
    let service = service_of(request)?;
    let now = service.moment()?;
    let bearer = service.authenticate_bearer(token, now).await?;
    request.extensions_mut().insert(SeenUser(bearer.user()));
    Ok(bearer)
}

/// The extractor of a signed-in user and a JSON body.
///
/// The token is checked before the body is read, so that a stranger learns nothing about bodies, and once more after: a body
/// may take seconds to arrive, and a token that was revoked meanwhile must not act.
pub struct SignedInWith<T> {
    /// Who and when, after the body had arrived.
    pub acting: Acting,
    /// The body.
    pub body: T,
}

impl<T> Argument for SignedInWith<T> {
    type Access = Just<access::User>;
    type Body = Just<JsonBody<T>>;
}

impl<T: FromMembers> FromRequest for SignedInWith<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            sign_in(&request).await?;
            let body = json::read(&request, payload).await?;
            Ok(Self {
                acting: act(&request).await?,
                body,
            })
        })
    }
}

/// Who sent a request that needs no token.
pub enum Sender {
    /// A signed-in user.
    User(Acting),
    /// A caller without a token.
    Anybody(Call),
}

/// The extractor of a caller who may be signed in, and of a body (`Json` or `OptionalJson`). A token that is sent must be good, after the
/// body has arrived.
pub struct IfSignedIn<B> {
    /// Who and when.
    pub sender: Sender,
    /// The body.
    pub body: B,
}

impl<B: Argument> Argument for IfSignedIn<B> {
    type Access = Just<access::UserIfSent>;
    type Body = B::Body;
}

impl<B: FromRequest<Error = Problem> + 'static> FromRequest for IfSignedIn<B> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, body) = (request.clone(), B::from_request(request, payload));
        Box::pin(async move {
            let body = body.await?;
            let sender = match act(&request).await {
                Ok(acting) => Sender::User(acting),
                Err(problem) if problem.code() == Code::MissingToken => Sender::Anybody(Call::of(&request)),
                Err(problem) => return Err(problem),
            };
            Ok(Self { sender, body })
        })
    }
}

async fn sign_in(request: &HttpRequest) -> Result<SignedIn, Problem> {
    let token = token_of(request)?;
    let service = service_of(request)?;
    let signed_in = authenticate(&service, token).await?;
    request
        .extensions_mut()
        .insert(SeenUser(signed_in.principal.user()));
    Ok(signed_in)
}

async fn authenticate(service: &Service, token: &str) -> Result<SignedIn, Problem> {
    let now = service.moment()?;
    let principal = service.authenticate(token, now).await?;
    Ok(SignedIn { principal, now })
}

/// The token of a request.
///
/// # Errors
/// [`Code::MissingToken`] if none was sent, [`Code::InvalidRequest`] if it was sent twice or in another place too,
/// [`Code::InvalidToken`] if what was sent can't be one.
pub fn token_of(request: &HttpRequest) -> Result<&str, Problem> {
    let mut sent = request.headers().get_all(AUTHORIZATION);
    let header = sent.next();
    if sent.next().is_some() {
        return Err(Problem::with_detail(
            Code::InvalidRequest,
            "There are two Authorization headers; send one.",
        ));
    }
    if is_in_query(request.query_string()) || has_form(request) {
        return Err(Problem::with_detail(
            Code::InvalidRequest,
            "Send the token in the Authorization header alone.",
        ));
    }
    let value = header.ok_or(Code::MissingToken)?.as_bytes();
    let scheme_length = value.iter().position(|b| *b == b' ').unwrap_or(value.len());
    let (scheme, rest) = value.split_at_checked(scheme_length).unwrap_or((value, b""));
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Err(Code::MissingToken.into());
    }
    let token = rest.trim_ascii();
    if token.is_empty() || token.len() > LONGEST || !token.iter().all(|b| is_token_byte(*b)) {
        return Err(Code::InvalidToken.into());
    }
    std::str::from_utf8(token).map_err(|_| Code::InvalidToken.into())
}

/// RFC 6750 §2.1, `b64token`.
fn is_token_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
}

fn is_in_query(query: &str) -> bool {
    let is_token = |pair: &str| {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        form::decode(name.as_bytes()).is_some_and(|name| name == "access_token")
    };
    query.split('&').any(is_token)
}

/// No route that takes a bearer takes a form; a form is where RFC 6750 §2.2 would put a second token. GET is left out:
/// forward-auth proxies pass the headers of the request that they ask about.
fn has_form(request: &HttpRequest) -> bool {
    !matches!(*request.method(), Method::GET | Method::HEAD)
        && body::is_announced(request)
        && body::is_of_type(request, FORM)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::{http::header::CONTENT_TYPE, test::TestRequest};

    fn of(request: TestRequest) -> Result<String, Code> {
        token_of(&request.to_http_request())
            .map(ToOwned::to_owned)
            .map_err(|problem| problem.code())
    }

    fn with(value: &str) -> Result<String, Code> {
        of(TestRequest::get().insert_header((AUTHORIZATION, value)))
    }

    #[test]
    fn the_scheme_may_be_spelt_in_any_case() {
        for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
            assert_eq!(with(&format!("{scheme} a.b-c_d")), Ok("a.b-c_d".to_owned()));
        }
        assert_eq!(with("Bearer   a.b  "), Ok("a.b".to_owned()));
    }

    #[test]
    fn another_scheme_is_no_token_at_all() {
        for other in ["Basic YTpi", "Token a.b", "Bearera.b", "a.b", ""] {
            assert_eq!(with(other), Err(Code::MissingToken), "{other:?}");
        }
        assert_eq!(of(TestRequest::get()), Err(Code::MissingToken));
    }

    #[test]
    fn what_can_be_no_token_is_refused_before_anything_is_computed() {
        let long = format!("Bearer {}", "a".repeat(100_000));
        for bad in [
            "Bearer",
            "Bearer ",
            "Bearer a b",
            "Bearer a,b",
            "Bearer é",
            "Bearer a\tb",
            long.as_str(),
        ] {
            assert_eq!(with(bad), Err(Code::InvalidToken), "{:?}", bad.get(..20));
        }
    }

    #[test]
    fn a_token_in_two_places_is_an_invalid_request() {
        let twice = TestRequest::get()
            .append_header((AUTHORIZATION, "Bearer a"))
            .append_header((AUTHORIZATION, "Bearer a"));
        assert_eq!(of(twice), Err(Code::InvalidRequest));
        for query in [
            "/me?access_token=a",
            "/me?x=1&access_token=",
            "/me?access%5Ftoken=a",
        ] {
            let both = TestRequest::get()
                .uri(query)
                .insert_header((AUTHORIZATION, "Bearer a"));
            assert_eq!(of(both), Err(Code::InvalidRequest), "{query}");
            assert_eq!(
                of(TestRequest::get().uri(query)),
                Err(Code::InvalidRequest),
                "{query}"
            );
        }
        let form = || {
            TestRequest::post()
                .insert_header((CONTENT_TYPE, FORM))
                .insert_header(("content-length", "14"))
        };
        assert_eq!(
            of(form().insert_header((AUTHORIZATION, "Bearer a"))),
            Err(Code::InvalidRequest)
        );
        let forwarded = form()
            .method(Method::GET)
            .insert_header((AUTHORIZATION, "Bearer a"));
        assert_eq!(of(forwarded), Ok("a".to_owned()));
    }
}
