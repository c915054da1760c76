//! `POST /email/verification`, `/email/verify`, `/email/change`: users confirm and change their email address.

use super::{password::PASSWORD_ASKED, typed_address};
use crate::{
    http::{
        bearer::{Acting, MaybeSignedIn, Sender, WithBody},
        device,
        json::{FromMembers, Json, Members, OptionalJson},
        problem::{Code, Problem},
        route::{Route, Tag, post},
    },
    views::MessageJson,
};
use actix_web::{HttpResponse, web::Data};
use auth_domain::address_link::LinkProof;
use auth_service::{PresentedProof, Service};
use secrecy::SecretString;
use utoipa::ToSchema;
use validator::Validate;

/// The routes that confirm or change an email address.
pub(crate) fn routes() -> [Route; 3] {
    [
        post("/email/verification")
            .id("sendVerification")
            .summary(
                Tag::Account,
                "Send the confirmation link again: to your own email address with an access token, to any other without",
            )
            .maybe_signed_in()
            .may_take::<SendVerificationBody>()
            .gives::<MessageJson>(202)
            .may_fail(&[Code::MissingToken, Code::RateLimited])
            .to(send_again),
        post("/email/verify")
            .id("verifyEmail")
            .summary(
                Tag::Account,
                "Confirm an email address with a mailed token, and prove with a bearer token or a password that the account is yours",
            )
            .maybe_signed_in()
            .takes::<VerifyEmailBody>()
            .gives_nothing(204)
            .gives_header(device::ISSUED_TOKEN)
            .may_fail(&PASSWORD_ASKED)
            .may_fail(&[
                Code::InvalidOrExpiredToken,
                Code::EmailTaken,
                Code::PasswordRequired,
                Code::WeakPassword,
            ])
            .to(verify),
        post("/email/change")
            .id("changeEmail")
            .summary(Tag::Account, "Change your email address; the change takes effect once the new address is confirmed")
            .signed_in()
            .takes::<ChangeEmailBody>()
            .gives::<MessageJson>(202)
            .may_fail(&PASSWORD_ASKED)
            .may_fail(&[Code::InvalidEmail])
            .to(change),
    ]
}

/// The address to send the link to, from a caller who can't sign in yet. With an access token it is ignored: the link then goes to
/// the email address of the token's user. Only the length is checked, because the answer is the same for every address.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendVerificationBody {
    /// The email address.
    #[validate(custom(function = "typed_address::is_bounded"))]
    #[schema(schema_with = typed_address::optional_schema)]
    email: Option<String>,
}

impl FromMembers for SendVerificationBody {
    fn from_members(members: &mut Members) -> Option<Self> {
        Some(Self {
            email: members.optional_text("email")?,
        })
    }
}

/// A change of the email address.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeEmailBody {
    /// The new email address.
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

/// The token of a mailed link, and proof that the account is the caller's: a bearer token of the account, or one of the passwords.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyEmailBody {
    /// The token of the mailed link.
    #[schema(value_type = String)]
    token: SecretString,
    /// The account's password.
    #[schema(value_type = Option<String>, format = Password)]
    current_password: Option<SecretString>,
    /// A new password for the account, when its email address is confirmed for the first time: 8 to 128 characters that are not
    /// easy to guess.
    #[schema(value_type = Option<String>, format = Password)]
    new_password: Option<SecretString>,
}

impl FromMembers for VerifyEmailBody {
    fn from_members(members: &mut Members) -> Option<Self> {
        let token = members.secret("token");
        let current = members.optional_text("current_password");
        let new = members.optional_text("new_password");
        if matches!((&current, &new), (Some(Some(_)), Some(Some(_)))) {
            members.fault::<()>(
                "new_password",
                "not_both",
                "Send current_password or new_password, not both.",
            );
        }
        Some(Self {
            token: token?,
            current_password: current?.map(SecretString::from),
            new_password: new?.map(SecretString::from),
        })
    }
}

impl VerifyEmailBody {
    fn into_proof(self) -> (SecretString, LinkProof<SecretString>) {
        let proof = match (self.current_password, self.new_password) {
            (None, None) => LinkProof::LinkAlone,
            (Some(current), None) => LinkProof::Password(current),
            (_, Some(new)) => LinkProof::NewPassword(new),
        };
        (self.token, proof)
    }
}

/// The link goes to the email address of the token's user or, without an access token, to the one in the body.
async fn send_again(
    service: Data<Service>,
    request: MaybeSignedIn<OptionalJson<SendVerificationBody>>,
) -> Result<HttpResponse, Problem> {
    let MaybeSignedIn { sender, body } = request;
    match sender {
        Sender::User(acting) => {
            service
                .send_verification(&acting.principal, &acting.caller)
                .await?;
        }
        Sender::Anonymous(call) => {
            let email = body.0.and_then(|body| body.email).ok_or(Code::MissingToken)?;
            service
                .send_verification_to(&call.caller(&service)?, &email)
                .await?;
        }
    }
    Ok(HttpResponse::Accepted().json(MessageJson {
        message: "If the address is waiting to be confirmed, an email with a link is on its way to it",
    }))
}

/// From now on the device is known.
async fn verify(
    service: Data<Service>,
    request: MaybeSignedIn<Json<VerifyEmailBody>>,
) -> Result<HttpResponse, Problem> {
    let MaybeSignedIn { sender, body } = request;
    let (token, proof) = body.0.into_proof();
    let (principal, caller) = match sender {
        Sender::User(acting) => (Some(acting.principal), acting.caller),
        Sender::Anonymous(call) => (None, call.caller(&service)?),
    };
    let confirmed = service
        .confirm_email(principal.as_ref(), &caller, &token, proof)
        .await
        .map_err(|error| Problem::from(error).field("new_password"))?;
    Ok(device::no_content(confirmed.device.as_ref()))
}

async fn change(
    service: Data<Service>,
    request: WithBody<Acting, ChangeEmailBody>,
) -> Result<HttpResponse, Problem> {
    let WithBody { caller: acting, body } = request;
    let new = service
        .new_address(&body.new_email)
        .map_err(|error| Problem::from(error).field("new_email"))?;
    let current = PresentedProof::Password(body.current_password);
    let reauthenticated = service
        .reauthenticate(&acting.principal, &acting.caller, current)
        .await?;
    service.ask_for_new_email(reauthenticated, new).await?;
    Ok(HttpResponse::Accepted().json(MessageJson {
        message: "An email with a link to confirm is on its way to the new address",
    }))
}
