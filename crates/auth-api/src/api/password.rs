//! `POST /password/forgot`, `/password/reset`, `/password/change`; and `POST /not-me`, which locks the account.

use crate::{
    api::typed_address,
    http::{
        bearer::{Acting, WithBody},
        call::Call,
        device,
        json::{FromMembers, Json, Members},
        problem::{Code, Problem},
        route::{Route, Tag, post},
    },
    views::MessageJson,
};
use actix_web::{HttpResponse, web::Data};
use auth_service::{PresentedProof, Service};
use secrecy::SecretString;
use utoipa::ToSchema;
use validator::Validate;

/// The routes that reset and change a password, and "this was not me".
pub(crate) fn routes() -> [Route; 4] {
    [
        post("/password/forgot")
            .id("forgotPassword")
            .summary(Tag::Account, "Send a password reset link")
            .anonymous()
            .takes::<ForgotBody>()
            .gives::<MessageJson>(202)
            .may_fail(&[Code::RateLimited])
            .to(forgot),
        post("/password/reset")
            .id("resetPassword")
            .summary(Tag::Account, "Choose a new password with a mailed token")
            .anonymous()
            .takes::<ResetBody>()
            .gives_nothing(204)
            .gives_header(device::ISSUED_TOKEN)
            .may_fail(&[
                Code::InvalidOrExpiredToken,
                Code::WeakPassword,
                Code::RateLimited,
                Code::Overloaded,
            ])
            .to(reset),
        post("/password/change")
            .id("changePassword")
            .summary(Tag::Account, "Change your password")
            .signed_in()
            .takes::<ChangePasswordBody>()
            .gives_nothing(204)
            .gives_header(device::ISSUED_TOKEN)
            .may_fail(&PASSWORD_ASKED)
            .may_fail(&[Code::WeakPassword])
            .to(change),
        post("/not-me")
            .id("reportNotMe")
            .summary(
                Tag::Account,
                "Report that a mailed notice was not your doing: every session and credential ends, and a password reset is needed",
            )
            .anonymous()
            .takes::<MailedTokenBody>()
            .gives_nothing(204)
            .may_fail(&[Code::InvalidOrExpiredToken, Code::EmailTaken, Code::RateLimited])
            .to(not_me),
    ]
}

/// Why a route that asks for the current password may refuse.
pub(super) const PASSWORD_ASKED: [Code; 3] =
    [Code::WrongCurrentPassword, Code::RateLimited, Code::Overloaded];

/// The email address of a user who forgot their password. Only the length is checked, because the answer is the same for every
/// address.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgotBody {
    /// The email address.
    #[validate(custom(function = "typed_address::is_bounded"))]
    #[schema(schema_with = typed_address::schema)]
    email: String,
}

impl FromMembers for ForgotBody {
    fn from_members(members: &mut Members) -> Option<Self> {
        Some(Self {
            email: members.text("email")?,
        })
    }
}

/// A mailed token and a new password.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetBody {
    /// The token of the mailed link.
    #[schema(value_type = String)]
    token: SecretString,
    /// The new password: 8 to 128 characters that are not easy to guess.
    #[schema(value_type = String, format = Password)]
    new_password: SecretString,
}

impl FromMembers for ResetBody {
    fn from_members(members: &mut Members) -> Option<Self> {
        let (token, new_password) = (members.secret("token"), members.secret("new_password"));
        Some(Self {
            token: token?,
            new_password: new_password?,
        })
    }
}

/// The current password and a new one.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePasswordBody {
    /// The current password.
    #[schema(value_type = String, format = Password)]
    current_password: SecretString,
    /// The new password: 8 to 128 characters that are not easy to guess.
    #[schema(value_type = String, format = Password)]
    new_password: SecretString,
}

impl FromMembers for ChangePasswordBody {
    fn from_members(members: &mut Members) -> Option<Self> {
        let (current, new) = (members.secret("current_password"), members.secret("new_password"));
        Some(Self {
            current_password: current?,
            new_password: new?,
        })
    }
}

/// The token of a mailed link.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailedTokenBody {
    /// The token of the mailed link.
    #[schema(value_type = String)]
    token: SecretString,
}

impl FromMembers for MailedTokenBody {
    fn from_members(members: &mut Members) -> Option<Self> {
        Some(Self {
            token: members.secret("token")?,
        })
    }
}

/// The answer is the same for every address.
async fn forgot(
    service: Data<Service>,
    call: Call,
    Json(body): Json<ForgotBody>,
) -> Result<HttpResponse, Problem> {
    service
        .forgot_password(&call.caller(&service)?, &body.email)
        .await?;
    Ok(HttpResponse::Accepted().json(MessageJson {
        message: "If there is an account with this address, an email with a link is on its way to it",
    }))
}

/// From now on the device is known.
async fn reset(
    service: Data<Service>,
    call: Call,
    Json(body): Json<ResetBody>,
) -> Result<HttpResponse, Problem> {
    let caller = call.caller(&service)?;
    let device = service
        .reset_password(&caller, &body.token, body.new_password)
        .await
        .map_err(of_new_password)?;
    Ok(device::no_content(Some(&device)))
}

/// The device stays known.
async fn change(
    service: Data<Service>,
    request: WithBody<Acting, ChangePasswordBody>,
) -> Result<HttpResponse, Problem> {
    let WithBody { caller: acting, body } = request;
    let current = PresentedProof::Password(body.current_password);
    let reauthenticated = service
        .reauthenticate(&acting.principal, &acting.caller, current)
        .await?;
    let device = service
        .change_password(reauthenticated, body.new_password)
        .await
        .map_err(of_new_password)?;
    Ok(device::no_content(device.as_ref()))
}

/// The bodies of these routes call the field that the policy refuses `new_password`.
fn of_new_password(error: auth_service::AccountError) -> Problem {
    Problem::from(error).field("new_password")
}

async fn not_me(
    service: Data<Service>,
    call: Call,
    Json(body): Json<MailedTokenBody>,
) -> Result<HttpResponse, Problem> {
    service.report(&call.caller(&service)?, &body.token).await?;
    Ok(HttpResponse::NoContent().finish())
}
