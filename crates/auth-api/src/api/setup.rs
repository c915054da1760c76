//! `POST /setup`: creates the first administrator, with the one-time token that the first start printed.

use crate::{
    api::register,
    http::{
        call::Call,
        json::{FromMembers, Json, Members},
        problem::{Code, Problem},
        route::{Route, Tag, post},
    },
    views::tokens,
};
use actix_web::{HttpResponse, http::StatusCode, web::Data};
use auth_service::{Registration, Service, Setup};
use secrecy::SecretString;
use utoipa::ToSchema;
use validator::Validate;

/// The route that creates the first administrator.
pub(crate) fn routes() -> [Route; 1] {
    [post("/setup")
        .id("setup")
        .summary(
            Tag::Operation,
            "Create the first administrator with the one-time token of the first start",
        )
        .anonymous()
        .takes::<SetupBody>()
        .signs_in(201)
        .may_fail(&[Code::SetupClosed, Code::InvalidOrExpiredToken])
        .may_fail(&register::NOT_CREATED)
        .to(setup)]
}

/// The first administrator to create.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetupBody {
    /// The one-time token.
    #[schema(value_type = String)]
    token: SecretString,
    /// The email address.
    #[schema(format = Email, min_length = 3, max_length = 254)]
    email: String,
    /// The password: 8 to 128 characters that are not easy to guess.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
    /// The display name.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
}

impl FromMembers for SetupBody {
    fn from_members(members: &mut Members) -> Option<Self> {
        let (token, email) = (members.secret("token"), members.text("email"));
        let (password, name) = (members.secret("password"), members.optional_text("name"));
        Some(Self {
            token: token?,
            email: email?,
            password: password?,
            name: name?,
        })
    }
}

async fn setup(
    service: Data<Service>,
    call: Call,
    Json(body): Json<SetupBody>,
) -> Result<HttpResponse, Problem> {
    let setup = Setup {
        token: body.token,
        account: Registration {
            email: body.email,
            password: body.password,
            name: body.name,
        },
    };
    let step = service.setup(&call.caller(&service)?, setup).await?;
    tokens::sign_in_answer(StatusCode::CREATED, step)
}
