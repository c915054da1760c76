//! `POST /introspect` (RFC 7662): tells another service what a token is. Members without a value are omitted. Of an inactive token the
//! answer says only that it is inactive.

use crate::{
    http::route::{Route, Tag, access::Client, post, schema::text},
    oauth::{client_auth::ClientForm, error::OauthError},
};
use actix_web::{HttpResponse, web::Data};
use auth_domain::{
    claims::{AccessClaims, OWN_CLIENT, RefreshClaims, TokenType},
    user::User,
};
use auth_service::{Introspection, Service};
use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema, schema::ObjectBuilder},
};

/// Where other services ask what a token is.
pub(crate) fn routes() -> [Route; 1] {
    [post("/introspect")
        .id("introspect")
        .summary(Tag::Services, "What a token is (RFC 7662)")
        .client()
        .takes_form::<TokenOfInterestForm>()
        .gives::<IntrospectionJson>(200)
        .to(introspect)]
}

/// The form of `/introspect` and `/revoke` (RFC 7662 §2.1, RFC 7009 §2.1).
pub enum TokenOfInterestForm {}

impl PartialSchema for TokenOfInterestForm {
    fn schema() -> RefOr<Schema> {
        let instead = || text().description(Some("Instead of the Basic header."));
        ObjectBuilder::new()
            .property("token", text().min_length(Some(1)))
            .property(
                "token_type_hint",
                text().description(Some("Accepted and not needed.")),
            )
            .property("client_id", instead())
            .property("client_secret", instead())
            .required("token")
            .into()
    }
}

impl ToSchema for TokenOfInterestForm {}

/// What a token is.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct IntrospectionJson {
    /// Whether the token is active now. If not, there are no other members.
    pub active: bool,
    /// The client that it was issued to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub client_id: Option<String>,
    /// The user's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub username: Option<String>,
    /// Whether that address is confirmed to be the user's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub email_verified: Option<bool>,
    /// `Bearer`; only for an access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub token_type: Option<&'static str>,
    /// `access` or `refresh`: a refresh token gives access to nothing.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub kind: Option<&'static str>,
    /// When it expires, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exp: Option<i64>,
    /// When it was issued, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub iat: Option<i64>,
    /// The user.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sub: Option<String>,
    /// The audience.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub aud: Option<String>,
    /// The issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub iss: Option<String>,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub jti: Option<String>,
    /// Its session.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sid: Option<String>,
    /// The user's role.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub role: Option<String>,
}

async fn introspect(
    service: Data<Service>,
    ClientForm { mut form, .. }: ClientForm<Client>,
) -> Result<HttpResponse, OauthError> {
    let token = form.require("token")?;
    let answer = match service.introspect(&token, service.now()?).await? {
        Introspection::Inactive => IntrospectionJson::default(),
        Introspection::Access(claims) => access(&claims),
        Introspection::Refresh { claims, user } => refresh(&claims, &user),
    };
    Ok(HttpResponse::Ok().json(answer))
}

fn access(claims: &AccessClaims) -> IntrospectionJson {
    IntrospectionJson {
        active: true,
        client_id: Some(claims.client_id.clone()),
        username: Some(claims.email.clone()),
        email_verified: Some(claims.email_verified),
        token_type: Some("Bearer"),
        kind: Some(word(claims.kind)),
        exp: Some(claims.exp),
        iat: Some(claims.iat),
        sub: Some(claims.sub.to_string()),
        aud: Some(claims.aud.clone()),
        iss: Some(claims.iss.clone()),
        jti: Some(claims.jti.to_string()),
        sid: Some(claims.sid.to_string()),
        role: Some(claims.role.to_string()),
    }
}

fn refresh(claims: &RefreshClaims, user: &User) -> IntrospectionJson {
    IntrospectionJson {
        active: true,
        client_id: Some(OWN_CLIENT.to_owned()),
        username: Some(user.email.as_str().to_owned()),
        email_verified: Some(user.email_verified_at.is_some()),
        kind: Some(word(claims.kind)),
        exp: Some(claims.exp),
        iat: Some(claims.iat),
        sub: Some(claims.sub.to_string()),
        iss: Some(claims.iss.clone()),
        jti: Some(claims.jti.to_string()),
        sid: Some(claims.sid.to_string()),
        ..IntrospectionJson::default()
    }
}

const fn word(kind: TokenType) -> &'static str {
    match kind {
        TokenType::Access => "access",
        TokenType::Refresh => "refresh",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_inactive_token_nothing_else_is_said() {
        assert_eq!(
            serde_json::to_string(&IntrospectionJson::default()).unwrap(),
            r#"{"active":false}"#
        );
    }
}
