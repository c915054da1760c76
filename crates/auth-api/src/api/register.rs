//! `POST /register`: creates a user and signs them in.

use crate::{
    http::{
        call::Call,
        json::{FromMembers, Json, Members},
        problem::{Code, Problem},
        route::{Link, Route, Tag, post},
    },
    views::{MessageJson, tokens},
};
use actix_web::{HttpResponse, http::StatusCode, web::Data};
use auth_service::{Registered, Registration, Service};
use secrecy::SecretString;
use utoipa::ToSchema;
use validator::Validate;

/// The route that creates an account.
pub(crate) fn routes() -> [Route; 1] {
    [post("/register")
        .id("register")
        .summary(Tag::Account, "Create an account and sign in")
        .anonymous()
        .takes::<RegisterBody>()
        .signs_in(201)
        .leads_to(&SIGN_IN_AGAIN)
        .or_gives::<MessageJson>(202, "A mail is on its way (registration.require_verified_email)")
        .may_fail(&[Code::RegistrationClosed])
        .may_fail(&NOT_CREATED)
        .to(register)]
}

/// Why an account can't be created.
pub(super) const NOT_CREATED: [Code; 4] = [
    Code::EmailTaken,
    Code::InvalidEmail,
    Code::InvalidName,
    Code::WeakPassword,
];

const SIGN_IN_AGAIN: [Link; 1] = [Link::with_body(
    "login",
    "login",
    r#"{"email":"$request.body#/email","password":"$request.body#/password"}"#,
    "Starts another session of the new account.",
)];

/// The account to create. The domain checks the email address, the name and the password, and reports every fault at once.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterBody {
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

impl FromMembers for RegisterBody {
    fn from_members(members: &mut Members) -> Option<Self> {
        let (email, password) = (members.text("email"), members.secret("password"));
        let name = members.optional_text("name");
        Some(Self {
            email: email?,
            password: password?,
            name: name?,
        })
    }
}

/// The answer when the email address has to be confirmed first. It is the same for a new and for a known address.
const TO_BE_VERIFIED: MessageJson = MessageJson {
    message: "An email with a link to confirm the address is on its way, if the address can be used",
};

/// The answer instead when the mail server can't deliver to the address. It depends on the address alone.
const UNREACHABLE: MessageJson = MessageJson {
    message: "The mail server does not accept addresses with characters such as é before the @, so no email can reach this one",
};

async fn register(
    service: Data<Service>,
    call: Call,
    Json(body): Json<RegisterBody>,
) -> Result<HttpResponse, Problem> {
    let account = Registration {
        email: body.email,
        password: body.password,
        name: body.name,
    };
    let unreachable = service.mail_cannot_reach(&account.email);
    match service.register(&call.caller(&service)?, account).await? {
        Registered::SignIn(step) => tokens::sign_in_answer(StatusCode::CREATED, step),
        Registered::VerificationPending if unreachable => Ok(HttpResponse::Accepted().json(UNREACHABLE)),
        Registered::VerificationPending => Ok(HttpResponse::Accepted().json(TO_BE_VERIFIED)),
    }
}
