//! `GET /verify`: forward-auth for nginx `auth_request`, Traefik, Caddy and HAProxy. The answer has no body, and the fast path asks
//! no database.

use crate::http::{
    bearer::AnyBearer,
    problem::{Code, Problem},
    query::Query,
    route::{Parameter, Route, Tag, get, schema},
    state::HttpState,
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{HeaderName, HeaderValue},
    web::Data,
};
use auth_domain::role::Role;
use auth_service::Bearer;

/// The route that proxies call.
pub(crate) fn routes() -> [Route; 1] {
    [get("/verify")
        .id("verify")
        .summary(Tag::Services, "Forward-auth: whether the token is valid, and whose it is")
        .bearer()
        .with(Parameter::query("role", "The role that the user must have.", schema::text))
        .gives_status(204, "The token is valid")
        .gives_header(("X-Auth-User", "The user's id."))
        .gives_header((
            "X-Auth-Email",
            "The user's email address. An unconfirmed one is sent only with `server.forward_unverified_email`.",
        ))
        .gives_header((
            "X-Auth-Email-Verified",
            "`true` or `false`: whether the user's email address is confirmed.",
        ))
        .gives_header(("X-Auth-Role", "The user's role."))
        .gives_header(("X-Auth-Session", "The session's id. An API key has none."))
        .may_fail(&[Code::Forbidden])
        .to(verify)]
}

async fn verify(
    request: HttpRequest,
    http_state: Data<HttpState>,
    AnyBearer(bearer): AnyBearer,
) -> Result<HttpResponse, Problem> {
    // The user must have every role that is named: a role that does not exist, or two roles, let no user through. An API key has
    // permissions of its own and never its owner's role.
    let role = role_of(&bearer);
    if !Query::of(request.query_string())
        .all("role")
        .all(|wanted| role.is_some_and(|role| role.as_str() == wanted))
    {
        return Err(Code::Forbidden.into());
    }
    Ok(identity_answer(
        &bearer,
        http_state.config.forward_unverified_email,
    ))
}

fn role_of(bearer: &Bearer) -> Option<&Role> {
    match bearer {
        Bearer::Session(principal) => Some(principal.role()),
        Bearer::Key(_) => None,
    }
}

/// The answer, with the user's identity in its headers. An email address that is not confirmed may belong to another person, so an
/// application that relies on the address gets none, unless the operator wants it (`server.forward_unverified_email`).
fn identity_answer(bearer: &Bearer, forward_unverified_email: bool) -> HttpResponse {
    let mut answer = HttpResponse::NoContent();
    // An API key belongs to no session.
    let (email, verified, session) = match bearer {
        Bearer::Session(principal) => (
            principal.claims.email.as_str(),
            principal.claims.email_verified,
            Some(principal.session().to_string()),
        ),
        Bearer::Key(holder) => (
            holder.owner.email.as_str(),
            holder.owner.email_verified_at.is_some(),
            None,
        ),
    };
    let email = (verified || forward_unverified_email).then(|| email.to_owned());
    let says = [
        ("x-auth-user", Some(bearer.user().to_string())),
        ("x-auth-email", email),
        ("x-auth-email-verified", Some(verified.to_string())),
        ("x-auth-role", role_of(bearer).map(Role::to_string)),
        ("x-auth-session", session),
    ];
    for (name, value) in says {
        // An email address may have letters beyond ASCII; a header carries their UTF-8 bytes (RFC 9110 §5.5, obs-text).
        if let Some(Ok(value)) = value.map(|value| HeaderValue::from_bytes(value.as_bytes())) {
            answer.insert_header((HeaderName::from_static(name), value));
        }
    }
    answer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_domain::{
        claims::{AccessClaims, TokenType},
        ids::{SessionId, TokenId, UserId},
        user::Generation,
    };
    use auth_service::Principal;
    use std::sync::Arc;
    use uuid::Uuid;

    fn session_bearer(email_verified: bool) -> Bearer {
        let claims = AccessClaims {
            iss: "i".into(),
            sub: UserId::from_uuid(Uuid::from_u128(1)),
            aud: "a".into(),
            client_id: "keyward".into(),
            exp: 2,
            iat: 1,
            jti: TokenId::from_uuid(Uuid::from_u128(2)),
            sid: SessionId::from_uuid(Uuid::from_u128(3)),
            generation: Generation::FIRST,
            email: "jürgen@example.com".into(),
            email_verified,
            role: Role::ADMIN,
            kind: TokenType::Access,
            nbf: None,
        };
        Bearer::Session(Principal {
            claims: Arc::new(claims),
        })
    }

    fn header(answer: &HttpResponse, name: &str) -> Option<Vec<u8>> {
        Some(answer.headers().get(name)?.as_bytes().to_vec())
    }

    #[test]
    fn the_proxy_gets_the_identity_of_the_user() {
        let answer = identity_answer(&session_bearer(true), false);
        assert_eq!(answer.status(), 204);
        let header = |name: &str| header(&answer, name).unwrap();
        assert_eq!(header("x-auth-user"), b"00000000-0000-0000-0000-000000000001");
        assert_eq!(header("x-auth-email"), "jürgen@example.com".as_bytes());
        assert_eq!(header("x-auth-email-verified"), b"true");
        assert_eq!(header("x-auth-role"), b"admin");
        assert_eq!(header("x-auth-session"), b"00000000-0000-0000-0000-000000000003");
    }

    #[test]
    fn an_unconfirmed_address_is_forwarded_only_where_the_operator_wants_it_and_is_marked() {
        let by_default = identity_answer(&session_bearer(false), false);
        assert_eq!(header(&by_default, "x-auth-email"), None);
        assert_eq!(header(&by_default, "x-auth-email-verified").unwrap(), b"false");
        let wanted = identity_answer(&session_bearer(false), true);
        assert_eq!(
            header(&wanted, "x-auth-email").unwrap(),
            "jürgen@example.com".as_bytes()
        );
        assert_eq!(header(&wanted, "x-auth-email-verified").unwrap(), b"false");
    }
}
