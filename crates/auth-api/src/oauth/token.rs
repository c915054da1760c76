//! `POST /token` (RFC 6749): the same sign-in and the same refresh, for clients that speak OAuth.

use crate::{
    api::views,
    http::{call::Call, edge::Edge, form::Form, idempotency::IdempotencyHeader},
    oauth::{
        client_auth,
        error::{OauthCode, OauthError},
    },
};
use actix_web::{HttpRequest, HttpResponse, web::Data};
use auth_service::{Service, Tokens};

/// 200 with tokens; 400, 401.
///
/// # Errors
/// [`OauthError`].
pub async fn token(
    request: HttpRequest,
    service: Data<Service>,
    edge: Data<Edge>,
    call: Call,
    mut form: Form,
) -> Result<HttpResponse, OauthError> {
    client_auth::check_if_sent(&request, &mut form, &service).await?;
    let tokens = match form.need("grant_type")?.as_str() {
        "password" if service.password_grant_allowed() => by_password(&service, &edge, call, form).await?,
        "refresh_token" => by_refresh_token(&request, &service, &edge, call, form).await?,
        _ => {
            return Err(OauthError::new(
                OauthCode::UnsupportedGrantType,
                "This grant is not offered here",
            ));
        }
    };
    Ok(views::oauth_token_answer(&tokens))
}

/// RFC 6749 §4.3, for the older services' clients.
async fn by_password(
    service: &Service,
    edge: &Edge,
    call: Call,
    mut form: Form,
) -> Result<Tokens, OauthError> {
    let (username, password) = (form.need("username")?, form.need_secret("password")?);
    refuse_scope(&mut form)?;
    let outcome = service.login(&call.caller(service)?, &username, password).await;
    edge.metrics.sign_in(&outcome);
    Ok(outcome?)
}

/// RFC 6749 §6.
async fn by_refresh_token(
    request: &HttpRequest,
    service: &Service,
    edge: &Edge,
    call: Call,
    mut form: Form,
) -> Result<Tokens, OauthError> {
    let token = form.need("refresh_token")?;
    refuse_scope(&mut form)?;
    let key = IdempotencyHeader::of(request);
    let outcome = service
        .refresh(&call.caller(service)?, &token, key.as_deref())
        .await;
    edge.metrics.refresh(&outcome);
    Ok(outcome?)
}

/// No scopes are given out here, so any wish for one is a wish for more than there is (RFC 6749 §6, RFC 9700 §4.14.2).
fn refuse_scope(form: &mut Form) -> Result<(), OauthError> {
    match form.take("scope") {
        None => Ok(()),
        Some(_) => Err(OauthError::new(
            OauthCode::InvalidScope,
            "No scopes are given out here",
        )),
    }
}
