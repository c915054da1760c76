//! `POST /password/forgot`, `/password/reset`, `/password/change`; and `POST /not-me`, which takes everything back.

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

/// A forgotten password, a new one, and "this was not me".
pub(crate) fn routes() -> [Route; 4] {
    [
        post("/password/forgot")
            .id("forgotPassword")
            .summary(Tag::Account, "Have a reset link mailed")
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
            .summary(Tag::Account, "Change one's password")
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
                "Say of a mailed notice that this was not oneself: everything ends, and a reset is needed",
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

/// The address of a user who forgot their password. Only the length is looked at: the answer is the same for every address, real or not.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgotBody {
    /// The address.
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

/// A token that came by mail.
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

/// The device that did it is known from now on.
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

/// The device that did it stays known.
async fn change(
    service: Data<Service>,
    request: WithBody<Acting, ChangePasswordBody>,
) -> Result<HttpResponse, Problem> {
    let WithBody { caller: acting, body } = request;
    let current = PresentedProof::Password(body.current_password);
    let confirmed = service
        .confirm(&acting.principal, &acting.caller, current)
        .await?;
    let device = service
        .change_password(confirmed, body.new_password)
        .await
        .map_err(of_new_password)?;
    Ok(device::no_content(device.as_ref()))
}

/// What the policy refuses is the field `new_password` of these bodies.
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
