//! `POST /refresh`: rotates a refresh token and returns the next pair of tokens (docs/rules.md §3).

use crate::{
    http::{
        call::Call,
        idempotency::{IDEMPOTENCY_KEY, IdempotencyHeader},
        json::{FromMembers, Json, Members},
        problem::{Code, Problem},
        route::{Route, Tag, post},
    },
    views::tokens::{self, TokenAnswer},
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};
use auth_service::Service;
use secrecy::{ExposeSecret, SecretString};
use utoipa::ToSchema;
use validator::Validate;

/// The route that rotates a refresh token.
pub(crate) fn routes() -> [Route; 1] {
    [post("/refresh")
        .id("refresh")
        .summary(Tag::Tokens, "Rotate a refresh token")
        .anonymous()
        .takes::<RefreshBody>()
        .with(IDEMPOTENCY_KEY)
        .gives::<TokenAnswer<'_>>(200)
        .leads_to(&tokens::TOKEN_LINKS)
        .may_fail(&[
            Code::InvalidIdempotencyKey,
            Code::RateLimited,
            Code::TokenAlreadyUsed,
            Code::TokenRevoked,
            Code::TokenExpired,
            Code::InvalidToken,
        ])
        .to(refresh)]
}

/// A refresh token.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshBody {
    /// The newest refresh token of a session.
    #[schema(value_type = String)]
    refresh_token: SecretString,
}

impl FromMembers for RefreshBody {
    fn from_members(members: &mut Members) -> Option<Self> {
        Some(Self {
            refresh_token: members.secret("refresh_token")?,
        })
    }
}

async fn refresh(
    request: HttpRequest,
    service: Data<Service>,
    call: Call,
    Json(body): Json<RefreshBody>,
) -> Result<HttpResponse, Problem> {
    let key = IdempotencyHeader::of(&request);
    let token = body.refresh_token.expose_secret();
    let tokens = service
        .refresh(&call.caller(&service)?, token, key.as_deref())
        .await?;
    Ok(tokens::token_answer(StatusCode::OK, &tokens))
}
