//! The answers of a sign-in and a refresh. The rule: they carry tokens, so they are never stored.

use super::user::UserJson;
use crate::http::{
    device,
    problem::{Code, Problem},
    route::{Answered, Declaration, Link, Unanswered},
    state::SeenUser,
};
use actix_web::{HttpResponse, http::StatusCode};
use auth_service::{SignInStep, Tokens};
use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;

/// The operations that a pair of tokens is used for.
pub const TOKEN_LINKS: [Link; 7] = [
    Link::with_parameters("me", "me", &WITH_ACCESS_TOKEN, "The user of the token."),
    Link::with_parameters(
        "sessions",
        "listSessions",
        &WITH_ACCESS_TOKEN,
        "The user's sessions, including this one.",
    ),
    Link::with_parameters(
        "verify",
        "verify",
        &WITH_ACCESS_TOKEN,
        "Whether the access token is valid.",
    ),
    Link::with_parameters("logout", "logout", &WITH_ACCESS_TOKEN, "Ends the session."),
    Link::with_parameters(
        "logoutAll",
        "logoutAll",
        &WITH_ACCESS_TOKEN,
        "Ends every session.",
    ),
    Link::with_body("refresh", "refresh", REFRESH_TOKEN, "The next pair of tokens."),
    Link::with_body(
        "logoutByRefreshToken",
        "logout",
        REFRESH_TOKEN,
        "Ends the session without an access token.",
    ),
];

const WITH_ACCESS_TOKEN: [(&str, &str); 1] =
    [("header.Authorization", "Bearer {$response.body#/access_token}")];
const REFRESH_TOKEN: &str = r#"{"refresh_token":"$response.body#/refresh_token"}"#;

/// The answer of a sign-in and of a refresh.
#[derive(Serialize, ToSchema)]
pub struct TokenAnswer<'a> {
    /// The access token (RFC 9068).
    pub access_token: &'a str,
    /// The refresh token. It can be used once.
    pub refresh_token: &'a str,
    /// The type of the access token.
    #[schema(pattern = "^bearer$")]
    pub token_type: &'static str,
    /// The lifetime of the access token, in seconds.
    pub expires_in: i64,
    /// The lifetime of the refresh token, in seconds.
    pub refresh_expires_in: i64,
    /// The user that the tokens belong to.
    pub user: UserJson,
}

/// The answer of `/token` (RFC 6749 §5.1).
#[derive(Serialize, ToSchema)]
pub struct OauthTokenAnswer<'a> {
    /// The access token.
    pub access_token: &'a str,
    /// The type of the access token.
    #[schema(pattern = "^bearer$")]
    pub token_type: &'static str,
    /// The lifetime of the access token, in seconds.
    pub expires_in: i64,
    /// The refresh token. It can be used once.
    pub refresh_token: &'a str,
}

impl<A, B> Declaration<A, B, Unanswered> {
    /// Declares that the route signs a user in: it answers with this status and tokens, or names the proofs that are still needed.
    pub fn signs_in(self, status: u16) -> Declaration<A, B, Answered> {
        self.gives::<TokenAnswer<'_>>(status)
            .gives_header(device::ISSUED_TOKEN)
            .leads_to(&TOKEN_LINKS)
            .may_fail(&[Code::MfaRequired, Code::RateLimited, Code::Overloaded])
    }
}

/// The answer of a route that [signs in](Declaration::signs_in).
///
/// # Errors
/// [`Code::MfaRequired`] while a proof is missing.
pub fn sign_in_answer(status: StatusCode, step: SignInStep) -> Result<HttpResponse, Problem> {
    Ok(token_answer(status, &step.done()?))
}

/// The answer to a sign-in or a refresh. Never stored: it carries tokens.
#[must_use]
pub fn token_answer(status: StatusCode, tokens: &Tokens) -> HttpResponse {
    let body = TokenAnswer {
        access_token: tokens.access_token.expose_secret(),
        refresh_token: tokens.refresh_token.expose_secret(),
        token_type: "bearer",
        expires_in: tokens.expires_in,
        refresh_expires_in: tokens.refresh_expires_in,
        user: UserJson::from(&tokens.user),
    };
    with_user(HttpResponse::build(status).json(body), tokens)
}

/// The answer of `/token`.
#[must_use]
pub fn oauth_token_answer(tokens: &Tokens) -> HttpResponse {
    let body = OauthTokenAnswer {
        access_token: tokens.access_token.expose_secret(),
        token_type: "bearer",
        expires_in: tokens.expires_in,
        refresh_token: tokens.refresh_token.expose_secret(),
    };
    // RFC 6749 §5.1 asks for both headers; Cache-Control is set on every answer.
    with_user(
        HttpResponse::Ok()
            .insert_header(("Pragma", "no-cache"))
            .json(body),
        tokens,
    )
}

fn with_user(mut answer: HttpResponse, tokens: &Tokens) -> HttpResponse {
    answer.extensions_mut().insert(SeenUser(tokens.user.id));
    if let Some(token) = &tokens.device_token {
        device::set_token(&mut answer, token);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::{super::user::tests::ada, *};
    use auth_domain::ids::SessionId;
    use uuid::Uuid;

    #[actix_web::test]
    async fn a_token_answer_has_the_members_of_the_contract() {
        let tokens = Tokens {
            access_token: "a.b.c".to_owned().into(),
            refresh_token: "d.e.f".to_owned().into(),
            expires_in: 3600,
            refresh_expires_in: 2_592_000,
            user: ada(),
            session: SessionId::from_uuid(Uuid::from_u128(2)),
            device_token: Some("dev".to_owned().into()),
        };
        let answer = token_answer(StatusCode::CREATED, &tokens);
        assert_eq!(answer.status(), 201);
        assert_eq!(answer.headers().get("x-device-token").unwrap(), "dev");
        assert_eq!(
            answer.headers().get("set-cookie").unwrap(),
            "__Host-kw_device=dev; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=15552000"
        );
        let body = actix_web::body::to_bytes(answer.into_body()).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["token_type"], "bearer");
        assert_eq!(body["expires_in"], 3600);
        assert_eq!(body["user"]["email"], "ada@example.com");
        assert_eq!(body.as_object().unwrap().len(), 6);
        assert_eq!(
            oauth_token_answer(&tokens).headers().get("pragma").unwrap(),
            "no-cache"
        );
    }
}
