//! `POST /token` (RFC 6749): the sign-in and the refresh of the JSON routes, for OAuth 2.0 clients.

use crate::{
    http::{
        call::Call,
        device::{self, DEVICE_TOKEN},
        idempotency::{IDEMPOTENCY_KEY, IdempotencyHeader},
        route::{Link, Route, Tag, access::ClientIfSent, post, schema::text},
    },
    oauth::{
        client_auth::ClientForm,
        error::{OauthCode, OauthError},
        form::Form,
    },
    views::tokens::{self, OauthTokenAnswer},
};
use actix_web::{HttpRequest, HttpResponse, web::Data};
use auth_service::{Service, Tokens};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{ObjectBuilder, OneOfBuilder},
    },
};

/// Where OAuth clients get tokens.
pub(crate) fn routes() -> [Route; 1] {
    [post("/token")
        .id("token")
        .summary(Tag::Tokens, "Sign in or refresh, as OAuth 2.0 does it (RFC 6749)")
        .maybe_client()
        .takes_form::<TokenForm>()
        .with(DEVICE_TOKEN)
        .with(IDEMPOTENCY_KEY)
        .gives::<OauthTokenAnswer<'_>>(200)
        .gives_header(device::ISSUED_TOKEN)
        .leads_to(&tokens::TOKEN_LINKS)
        .leads_to(&OAUTH_LINKS)
        .to(token)]
}

/// Where else the OAuth routes take the tokens of an answer.
const OAUTH_LINKS: [Link; 3] = [
    Link::with_body(
        "token",
        "token",
        r#"{"grant_type":"refresh_token","refresh_token":"$response.body#/refresh_token"}"#,
        "The next pair.",
    ),
    Link::with_body(
        "introspect",
        "introspect",
        r#"{"token":"$response.body#/access_token"}"#,
        "What the access token is.",
    ),
    Link::with_body(
        "revoke",
        "revoke",
        r#"{"token":"$response.body#/refresh_token"}"#,
        "Revokes the refresh token.",
    ),
];

/// The form of `/token`: one schema for each grant.
pub enum TokenForm {}

impl PartialSchema for TokenForm {
    fn schema() -> RefOr<Schema> {
        let password = grant("password")
            .property("username", text().min_length(Some(1)))
            .property("password", text().min_length(Some(1)))
            .required("username")
            .required("password");
        let refresh = grant("refresh_token")
            .property("refresh_token", text().min_length(Some(1)))
            .required("refresh_token");
        OneOfBuilder::new().item(password).item(refresh).into()
    }
}

impl ToSchema for TokenForm {}

fn grant(word: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .property("grant_type", text().enum_values(Some([word])))
        .property("client_id", text())
        .property("client_secret", text())
        .required("grant_type")
}

async fn token(
    request: HttpRequest,
    service: Data<Service>,
    call: Call,
    ClientForm { mut form, .. }: ClientForm<ClientIfSent>,
) -> Result<HttpResponse, OauthError> {
    let tokens = match form.require("grant_type")?.as_str() {
        "password" if service.password_grant_allowed() => by_password(&service, call, form).await?,
        "refresh_token" => by_refresh_token(&request, &service, call, form).await?,
        _ => {
            return Err(OauthError::new(
                OauthCode::UnsupportedGrantType,
                "This grant is not offered here",
            ));
        }
    };
    Ok(tokens::oauth_token_answer(&tokens))
}

/// RFC 6749 §4.3, for the older services' clients.
async fn by_password(service: &Service, call: Call, mut form: Form) -> Result<Tokens, OauthError> {
    let (username, password) = (form.require("username")?, form.require_secret("password")?);
    refuse_scope(&mut form)?;
    let step = service.login(&call.caller(service)?, &username, password).await?;
    Ok(step.done()?)
}

/// RFC 6749 §6.
async fn by_refresh_token(
    request: &HttpRequest,
    service: &Service,
    call: Call,
    mut form: Form,
) -> Result<Tokens, OauthError> {
    let token = form.require("refresh_token")?;
    refuse_scope(&mut form)?;
    let key = IdempotencyHeader::of(request);
    Ok(service
        .refresh(&call.caller(service)?, &token, key.as_deref())
        .await?)
}

/// No scopes are granted here, so a request for any exceeds what the user granted (RFC 6749 §6, RFC 9700 §4.14.2).
fn refuse_scope(form: &mut Form) -> Result<(), OauthError> {
    match form.take("scope") {
        None => Ok(()),
        Some(_) => Err(OauthError::new(
            OauthCode::InvalidScope,
            "No scopes are granted here",
        )),
    }
}
