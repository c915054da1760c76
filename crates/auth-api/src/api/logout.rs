//! `POST /logout`: ends the session of the access token, or, without one, of a refresh token.

use crate::{
    http::{
        bearer::{MaybeSignedIn, Sender},
        json::{FromMembers, Members, OptionalJson},
        problem::{Code, Problem},
        route::{Route, Tag, post},
    },
    views::MessageJson,
};
use actix_web::{HttpResponse, web::Data};
use auth_service::Service;
use secrecy::{ExposeSecret, SecretString};
use utoipa::ToSchema;
use validator::Validate;

/// The route that ends a session.
pub(crate) fn routes() -> [Route; 1] {
    [post("/logout")
        .id("logout")
        .summary(
            Tag::Tokens,
            "End the session of an access token or of a refresh token",
        )
        .maybe_signed_in()
        .may_take::<LogoutBody>()
        .gives::<MessageJson>(200)
        .may_fail(&[Code::MissingToken])
        .to(logout)]
}

/// What identifies the session when there is no access token. With an access token the body is ignored: the session of the access
/// token ends, with its refresh token.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogoutBody {
    /// A refresh token of the session.
    #[schema(value_type = Option<String>)]
    refresh_token: Option<SecretString>,
}

impl FromMembers for LogoutBody {
    fn from_members(members: &mut Members) -> Option<Self> {
        Some(Self {
            refresh_token: members.optional_text("refresh_token")?.map(SecretString::from),
        })
    }
}

async fn logout(
    service: Data<Service>,
    request: MaybeSignedIn<OptionalJson<LogoutBody>>,
) -> Result<HttpResponse, Problem> {
    let MaybeSignedIn { sender, body } = request;
    match sender {
        Sender::User(acting) => service.logout(&acting.principal, &acting.caller).await?,
        Sender::Anonymous(call) => {
            let token = body
                .0
                .and_then(|body| body.refresh_token)
                .ok_or(Code::MissingToken)?;
            service
                .logout_with_refresh_token(token.expose_secret(), &call.caller(&service)?)
                .await?;
        }
    }
    Ok(HttpResponse::Ok().json(MessageJson {
        message: "Successfully logged out",
    }))
}
