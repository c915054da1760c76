//! `POST /email/verification`, `/email/verify`, `/email/change`: whose an address is.

use super::password::MailedTokenBody;
use crate::{
    bearer::{Acting, SignedInWith},
    call::Call,
    json::{FromMembers, Json, Members},
    problem::Problem,
    views::MessageJson,
};
use actix_web::{HttpResponse, web::Data};
use auth_service::Service;
use secrecy::SecretString;
use utoipa::ToSchema;
use validator::Validate;

/// The address to move to.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeEmailBody {
    /// The new address.
    #[schema(format = Email, min_length = 3, max_length = 254)]
    new_email: String,
    /// The current password.
    #[schema(value_type = String, format = Password)]
    current_password: SecretString,
}

impl FromMembers for ChangeEmailBody {
    fn from_members(members: &mut Members) -> Option<Self> {
        let (new_email, password) = (members.text("new_email"), members.secret("current_password"));
        Some(Self {
            new_email: new_email?,
            current_password: password?,
        })
    }
}

/// 202.
///
/// # Errors
/// [`Problem`].
pub async fn send_again(service: Data<Service>, acting: Acting) -> Result<HttpResponse, Problem> {
    service
        .send_verification(&acting.principal, &acting.caller)
        .await?;
    Ok(HttpResponse::Accepted().json(MessageJson {
        message: "If the address is not confirmed yet, a mail with a link is on its way to it",
    }))
}

/// 204; 400, 409.
///
/// # Errors
/// [`Problem`].
pub async fn verify(
    service: Data<Service>,
    call: Call,
    Json(body): Json<MailedTokenBody>,
) -> Result<HttpResponse, Problem> {
    service.confirm_email(&call.caller(&service), &body.token).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// 202; 403, 422.
///
/// # Errors
/// [`Problem`].
pub async fn change(
    service: Data<Service>,
    request: SignedInWith<ChangeEmailBody>,
) -> Result<HttpResponse, Problem> {
    let SignedInWith { acting, body } = request;
    service
        .ask_for_new_email(
            &acting.principal,
            &acting.caller,
            &body.new_email,
            body.current_password,
        )
        .await
        .map_err(|error| Problem::from(error).of_field("new_email"))?;
    Ok(HttpResponse::Accepted().json(MessageJson {
        message: "A mail with a link to confirm is on its way to the new address",
    }))
}
