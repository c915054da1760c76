//! The shapes in bodies and answers.

use crate::{
    api::{
        account::{DeleteMeBody, ExportJson},
        admin::{
            audit::{ActorJson, AuditEventJson},
            keys::{RotateBody, SigningKeyJson, SigningKeyList},
            stats::{StatsJson, UserCountJson},
            users::{ChangeUserBody, CreateUserBody},
        },
        api_keys::{ApiKeyBody, ApiKeyJson, ApiKeyList, NewApiKeyJson},
        email::{ChangeEmailBody, SendVerificationBody, VerifyEmailBody},
        health::{ReadinessJson, StatusJson},
        login::LoginBody,
        logout::LogoutBody,
        me::RenameBody,
        password::{ChangePasswordBody, ForgotBody, MailedTokenBody, ResetBody},
        refresh::RefreshBody,
        register::RegisterBody,
        setup::SetupBody,
        views::{LoggedOutAllJson, MessageJson, OauthTokenAnswer, SessionJson, TokenAnswer, UserJson},
    },
    http::problem::Code,
    oauth::{error::OauthCode, introspect::IntrospectionJson},
};
use utoipa::openapi::{
    ComponentsBuilder, Ref, RefOr, Schema,
    schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, SchemaType, Type},
};

/// Every shape that has a name.
pub(super) fn components() -> ComponentsBuilder {
    ComponentsBuilder::new()
        .schema_from::<RegisterBody>()
        .schema_from::<LoginBody>()
        .schema_from::<RefreshBody>()
        .schema_from::<LogoutBody>()
        .schema_from::<RenameBody>()
        .schema_from::<SetupBody>()
        .schema_from::<ForgotBody>()
        .schema_from::<SendVerificationBody>()
        .schema_from::<ResetBody>()
        .schema_from::<ChangePasswordBody>()
        .schema_from::<MailedTokenBody>()
        .schema_from::<VerifyEmailBody>()
        .schema_from::<ChangeEmailBody>()
        .schema_from::<DeleteMeBody>()
        .schema_from::<ExportJson>()
        .schema_from::<ApiKeyBody>()
        .schema_from::<ApiKeyJson>()
        .schema_from::<ApiKeyList>()
        .schema_from::<NewApiKeyJson<'_>>()
        .schema_from::<CreateUserBody>()
        .schema_from::<ChangeUserBody>()
        .schema_from::<ActorJson>()
        .schema_from::<AuditEventJson>()
        .schema_from::<StatsJson>()
        .schema_from::<UserCountJson>()
        .schema_from::<RotateBody>()
        .schema_from::<SigningKeyJson>()
        .schema_from::<SigningKeyList>()
        .schema_from::<UserJson>()
        .schema_from::<TokenAnswer<'_>>()
        .schema_from::<OauthTokenAnswer<'_>>()
        .schema_from::<SessionJson>()
        .schema_from::<MessageJson>()
        .schema_from::<LoggedOutAllJson>()
        .schema_from::<IntrospectionJson>()
        .schema_from::<StatusJson>()
        .schema_from::<ReadinessJson>()
        .schema("SessionList", list_of("SessionJson"))
        .schema("UserList", list_of("UserJson"))
        .schema("AuditList", list_of("AuditEventJson"))
        .schema("Problem", problem())
        .schema("OauthError", oauth_error())
        .schema("TokenForm", token_form())
        .schema("TokenOfInterestForm", token_of_interest_form())
        .schema("KeySet", key_set())
}

/// A reference to a shape.
pub(super) fn named(name: &str) -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(name))
}

/// A text.
pub(super) fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn list_of(item: &str) -> Schema {
    let nullable = SchemaType::from_iter([Type::String, Type::Null]);
    ObjectBuilder::new()
        .property("items", ArrayBuilder::new().items(named(item)))
        .property("next_cursor", ObjectBuilder::new().schema_type(nullable))
        .required("items")
        .required("next_cursor")
        .into()
}

fn problem() -> Schema {
    let words = Code::ALL.iter().map(|code| code.word());
    let fault = ObjectBuilder::new()
        .property("field", text())
        .property("code", text())
        .property("message", text())
        .required("field")
        .required("code")
        .required("message");
    ObjectBuilder::new()
        .description(Some("An error (RFC 9457)."))
        .property("type", text())
        .property("title", text())
        .property(
            "status",
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .minimum(Some(400))
                .maximum(Some(599)),
        )
        .property("detail", text())
        .property("code", text().enum_values(Some(words)))
        .property("instance", text().description(Some("The request id.")))
        .property("retry_after", retry_after())
        .property("errors", ArrayBuilder::new().items(fault))
        .required("type")
        .required("title")
        .required("status")
        .required("detail")
        .required("code")
        .into()
}

fn retry_after() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .description(Some(
            "When to try again, in seconds: with every 429 and every 503 that has the header Retry-After.",
        ))
}

fn oauth_error() -> Schema {
    ObjectBuilder::new()
        .description(Some("An error (RFC 6749 §5.2)."))
        .property(
            "error",
            text().enum_values(Some(OauthCode::ALL.map(OauthCode::word))),
        )
        .property("error_description", text())
        .property("retry_after", retry_after())
        .required("error")
        .required("error_description")
        .into()
}

fn grant(word: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .property("grant_type", text().enum_values(Some([word])))
        .property("client_id", text())
        .property("client_secret", text())
        .required("grant_type")
}

fn token_form() -> Schema {
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

fn token_of_interest_form() -> Schema {
    ObjectBuilder::new()
        .property("token", text().min_length(Some(1)))
        .property(
            "token_type_hint",
            text().description(Some("Accepted and not needed.")),
        )
        .property(
            "client_id",
            text().description(Some("Instead of the Basic header.")),
        )
        .property(
            "client_secret",
            text().description(Some("Instead of the Basic header.")),
        )
        .required("token")
        .into()
}

fn key_set() -> Schema {
    let key = ObjectBuilder::new()
        .property("kty", text())
        .property("kid", text())
        .required("kty")
        .additional_properties(Some(AdditionalProperties::FreeForm(true)));
    ObjectBuilder::new()
        .description(Some("Public keys (RFC 7517)."))
        .property("keys", ArrayBuilder::new().items(key))
        .required("keys")
        .into()
}
