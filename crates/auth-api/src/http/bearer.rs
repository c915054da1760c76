//! Bearer tokens (RFC 6750). The rule: a token comes in one `Authorization` header and nowhere else.

use crate::http::{
    body,
    call::{Call, service_of},
    form::{self, FORM},
    json::{self, FromMembers},
    problem::{Code, Problem},
    route::{
        access,
        argument::{Argument, JsonBody, Specified, Unspecified},
    },
    state::SeenUser,
};
use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::{Method, header::AUTHORIZATION},
};
use auth_domain::time::Timestamp;
use auth_service::{Bearer, Caller, Principal};
use futures::future::LocalBoxFuture;

/// The longest token that is read, in bytes: several times the length of any that the server issues.
const MAX_LENGTH: usize = 8 * 1024;

/// A caller who is let in by the headers of a request. Handlers take one as an argument, alone or [with a body](WithBody).
pub trait Admitted: Argument<Body = Unspecified> + Sized + 'static {
    /// Lets the caller in.
    ///
    /// # Errors
    /// Why they are not let in.
    fn admit(request: &HttpRequest) -> impl Future<Output = Result<Self, Problem>>;
}

/// Makes an argument of handlers of a type that is [`Admitted`].
macro_rules! admitted_argument {
    ($caller:ty, $guard:ty $(, $($generics:tt)+)?) => {
        impl$(<$($generics)+>)? Argument for $caller {
            type Access = Specified<$guard>;
            type Body = Unspecified;
        }

        impl$(<$($generics)+>)? FromRequest for $caller {
            type Error = Problem;
            type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let request = request.clone();
                Box::pin(async move { Self::admit(&request).await })
            }
        }
    };
}

pub(super) use admitted_argument;

/// A signed-in user, by an access token that is valid.
pub struct SignedIn {
    /// The user and their session.
    pub principal: Principal,
    /// When the token was valid.
    pub now: Timestamp,
}

admitted_argument!(SignedIn, access::User);

impl Admitted for SignedIn {
    async fn admit(request: &HttpRequest) -> Result<Self, Problem> {
        let token = token_of(request)?;
        let service = service_of(request)?;
        let now = service.now()?;
        let principal = service.authenticate(token, now).await?;
        request.extensions_mut().insert(SeenUser(principal.user()));
        Ok(Self { principal, now })
    }
}

/// A signed-in user who is about to change something, with what the audit log records of the caller.
pub struct Acting {
    /// The user and their session.
    pub principal: Principal,
    /// When and from where they act.
    pub caller: Caller,
}

admitted_argument!(Acting, access::User);

impl Admitted for Acting {
    async fn admit(request: &HttpRequest) -> Result<Self, Problem> {
        let principal = SignedIn::admit(request).await?.principal;
        let service = service_of(request)?;
        let caller = Call::of(request).caller(&service)?.signed_in(&principal);
        Ok(Self { principal, caller })
    }
}

/// The holder of any bearer token that is valid: a signed-in user, or a script with an API key.
pub struct AnyBearer(pub Bearer);

admitted_argument!(AnyBearer, access::Bearer);

impl Admitted for AnyBearer {
    async fn admit(request: &HttpRequest) -> Result<Self, Problem> {
        let token = token_of(request)?;
        let service = service_of(request)?;
        let bearer = service.authenticate_bearer(token, service.now()?).await?;
        request.extensions_mut().insert(SeenUser(bearer.user()));
        Ok(Self(bearer))
    }
}

/// A caller and a JSON body.
///
/// The caller is checked before the body is read, so that a stranger learns nothing about bodies, and once more after: a body
/// may take seconds to arrive, and a token that was revoked meanwhile must not act.
pub struct WithBody<C, T> {
    /// The caller, as let in after the body had arrived.
    pub caller: C,
    /// The body.
    pub body: T,
}

impl<C: Argument, T> Argument for WithBody<C, T> {
    type Access = C::Access;
    type Body = Specified<JsonBody<T>>;
}

impl<C: Admitted, T: FromMembers> FromRequest for WithBody<C, T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            C::admit(&request).await?;
            let body = json::read(&request, payload).await?;
            let caller = C::admit(&request).await?;
            Ok(Self { caller, body })
        })
    }
}

/// The sender of a request for which a token is optional.
pub enum Sender {
    /// A signed-in user.
    User(Acting),
    /// A caller without a token.
    Anonymous(Call),
}

/// A caller who may be signed in, and a body (`Json` or `OptionalJson`). A token that is sent must be valid once the body has arrived.
pub struct MaybeSignedIn<B> {
    /// The sender, as of when the body had arrived.
    pub sender: Sender,
    /// The body.
    pub body: B,
}

impl<B: Argument> Argument for MaybeSignedIn<B> {
    type Access = Specified<access::UserIfSent>;
    type Body = B::Body;
}

impl<B: FromRequest<Error = Problem> + 'static> FromRequest for MaybeSignedIn<B> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, body) = (request.clone(), B::from_request(request, payload));
        Box::pin(async move {
            let body = body.await?;
            let sender = match Acting::admit(&request).await {
                Ok(acting) => Sender::User(acting),
                Err(problem) if problem.code() == Code::MissingToken => Sender::Anonymous(Call::of(&request)),
                Err(problem) => return Err(problem),
            };
            Ok(Self { sender, body })
        })
    }
}

/// The token of a request.
///
/// # Errors
/// [`Code::MissingToken`] if none was sent, [`Code::InvalidRequest`] if it was sent twice or in another place too,
/// [`Code::InvalidToken`] if what was sent can't be a token.
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
    if token.is_empty() || token.len() > MAX_LENGTH || !token.iter().all(|b| is_token_byte(*b)) {
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
