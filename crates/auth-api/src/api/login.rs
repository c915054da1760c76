//! `POST /login`: signs a user in.

use crate::{
    api::typed_address,
    http::{
        call::Call,
        device::DEVICE_TOKEN,
        json::{FromMembers, Json, Members},
        problem::{Code, Problem},
        route::{Route, Tag, post},
    },
    views::tokens,
};
use actix_web::{HttpResponse, http::StatusCode, web::Data};
use auth_service::Service;
use secrecy::SecretString;
use utoipa::ToSchema;
use validator::Validate;

/// The route that signs a user in.
pub(crate) fn routes() -> [Route; 1] {
    [post("/login")
        .id("login")
        .summary(Tag::Tokens, "Sign in")
        .anonymous()
        .takes::<LoginBody>()
        .with(DEVICE_TOKEN)
        .signs_in(200)
        .may_fail(&[Code::InvalidCredentials, Code::EmailNotVerified])
        .to(login)]
}

/// The credentials. Only their length is checked here: an email address or a password that can't exist is answered like a wrong
/// one.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginBody {
    /// The email address.
    #[validate(custom(function = "typed_address::is_bounded"))]
    #[schema(schema_with = typed_address::schema)]
    email: String,
    /// The password.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

impl FromMembers for LoginBody {
    fn from_members(members: &mut Members) -> Option<Self> {
        let (email, password) = (members.text("email"), members.secret("password"));
        Some(Self {
            email: email?,
            password: password?,
        })
    }
}

async fn login(
    service: Data<Service>,
    call: Call,
    Json(body): Json<LoginBody>,
) -> Result<HttpResponse, Problem> {
    let step = service
        .login(&call.caller(&service)?, &body.email, body.password)
        .await?;
    tokens::sign_in_answer(StatusCode::OK, step)
}
