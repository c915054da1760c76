//! The operations, one after another, as the URL table has them.

use super::{
    operation::{Auth, BEARER_ERRORS, Gives, Operation, Takes},
    schemas,
};
use crate::http::problem::Code;
use utoipa::openapi::{
    HttpMethod, Required,
    path::{Parameter, ParameterBuilder, ParameterIn},
    schema::{KnownFormat, ObjectBuilder, SchemaFormat},
};

/// Every operation below this base path.
pub(super) fn all(base: &str) -> Vec<Operation> {
    use HttpMethod::{Delete, Get, Patch, Post};
    let at = |method, path: &str, name, tag, summary| {
        Operation::new(method, format!("{base}{path}"), name, tag, summary)
    };
    vec![
        at(
            Post,
            "/register",
            "register",
            "account",
            "Make an account and sign in",
        )
        .takes(Takes::Json("RegisterBody"))
        .gives(Gives::Json(201, "TokenAnswer"))
        .or(&[
            Code::RegistrationClosed,
            Code::EmailTaken,
            Code::InvalidEmail,
            Code::InvalidName,
            Code::WeakPassword,
            Code::RateLimited,
            Code::Overloaded,
        ])
        .also(
            202,
            "MessageJson",
            "A mail is on its way (registration.require_verified_email)",
        ),
        at(Post, "/login", "login", "tokens", "Sign in")
            .takes(Takes::Json("LoginBody"))
            .with(device_token())
            .gives(Gives::Json(200, "TokenAnswer"))
            .or(&[
                Code::InvalidCredentials,
                Code::EmailNotVerified,
                Code::RateLimited,
                Code::Overloaded,
            ]),
        at(
            Post,
            "/token",
            "token",
            "tokens",
            "Sign in or refresh, as OAuth 2.0 does it (RFC 6749)",
        )
        .by(Auth::MaybeClient)
        .takes(Takes::Form("TokenForm"))
        .gives(Gives::Json(200, "OauthTokenAnswer"))
        .with(device_token())
        .with(idempotency_key()),
        at(
            Post,
            "/refresh",
            "refresh",
            "tokens",
            "Exchange a refresh token for the next pair",
        )
        .takes(Takes::Json("RefreshBody"))
        .gives(Gives::Json(200, "TokenAnswer"))
        .with(idempotency_key())
        .or(&[
            Code::InvalidIdempotencyKey,
            Code::RateLimited,
            Code::TokenAlreadyUsed,
            Code::TokenRevoked,
            Code::TokenExpired,
            Code::InvalidToken,
        ]),
        at(
            Post,
            "/logout",
            "logout",
            "tokens",
            "End this session, by its access token or a refresh token",
        )
        .by(Auth::MaybeSignedIn)
        .takes(Takes::MaybeJson("LogoutBody"))
        .gives(Gives::Json(200, "MessageJson"))
        .or(&BEARER_ERRORS),
        at(
            Post,
            "/logout-all",
            "logoutAll",
            "tokens",
            "End every session of the user",
        )
        .by(Auth::SignedIn)
        .gives(Gives::Json(200, "LoggedOutAllJson")),
        at(Get, "/me", "me", "account", "The user as stored now")
            .by(Auth::SignedIn)
            .gives(Gives::Json(200, "UserJson")),
        at(Patch, "/me", "rename", "account", "Change one's name")
            .by(Auth::SignedIn)
            .takes(Takes::Json("RenameBody"))
            .gives(Gives::Json(200, "UserJson"))
            .or(&[Code::InvalidName, Code::RateLimited]),
        at(
            Get,
            "/sessions",
            "listSessions",
            "sessions",
            "One's own sessions, newest first",
        )
        .by(Auth::SignedIn)
        .gives(Gives::Json(200, "SessionList"))
        .with(session_status())
        .paged(),
        at(
            Get,
            "/sessions/{id}",
            "showSession",
            "sessions",
            "One of one's own sessions",
        )
        .by(Auth::SignedIn)
        .gives(Gives::Json(200, "SessionJson"))
        .with(session_id())
        .or(&[Code::NotFound]),
        at(
            Delete,
            "/sessions/{id}",
            "endSession",
            "sessions",
            "End one of one's own sessions",
        )
        .by(Auth::SignedIn)
        .gives(Gives::Nothing(204))
        .with(session_id())
        .or(&[Code::NotFound]),
        at(
            Get,
            "/verify",
            "verify",
            "services",
            "Forward-auth: who is it, and is the token good",
        )
        .by(Auth::SignedIn)
        .gives(Gives::Nothing(204))
        .with(query("role", "The role that is needed.", schemas::text()))
        .or(&[Code::Forbidden]),
        at(
            Post,
            "/introspect",
            "introspect",
            "services",
            "What a token is (RFC 7662)",
        )
        .by(Auth::Client)
        .takes(Takes::Form("TokenOfInterestForm"))
        .gives(Gives::Json(200, "IntrospectionJson")),
        at(
            Post,
            "/revoke",
            "revoke",
            "services",
            "Give a token back (RFC 7009)",
        )
        .by(Auth::Client)
        .takes(Takes::Form("TokenOfInterestForm"))
        .gives(Gives::Nothing(200)),
        at(
            Post,
            "/setup",
            "setup",
            "operation",
            "Make the first administrator with the one-time token of the first start",
        )
        .takes(Takes::Json("SetupBody"))
        .gives(Gives::Json(201, "TokenAnswer"))
        .or(&[
            Code::SetupClosed,
            Code::InvalidOrExpiredToken,
            Code::EmailTaken,
            Code::InvalidEmail,
            Code::InvalidName,
            Code::WeakPassword,
            Code::RateLimited,
            Code::Overloaded,
        ]),
        at(
            Get,
            "/health",
            "health",
            "operation",
            "Whether the process answers",
        )
        .gives(Gives::Json(200, "StatusJson")),
        root("/health/live", "live", "Whether the process answers").gives(Gives::Json(200, "StatusJson")),
        root("/health/ready", "ready", "Whether it may be sent requests")
            .gives(Gives::Json(200, "ReadinessJson"))
            .not_ready("ReadinessJson"),
        root(
            "/.well-known/jwks.json",
            "jwks",
            "The public keys of access tokens",
        )
        .gives(Gives::Json(200, "KeySet")),
        root("/openapi.json", "openapi", "This document").gives(Gives::Script),
        root("/docs", "docs", "This document, to look at").gives(Gives::Page("text/html")),
    ]
}

fn root(path: &str, name: &'static str, summary: &'static str) -> Operation {
    Operation::new(HttpMethod::Get, path.to_owned(), name, "operation", summary)
}

pub(super) fn query(name: &str, says: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(says))
        .schema(Some(schema))
        .build()
}

pub(super) fn session_status() -> Parameter {
    query(
        "status",
        "Which ones; the live ones if left out.",
        schemas::text().enum_values(Some(["active", "ended", "all"])),
    )
}

fn session_id() -> Parameter {
    id("id", "The session's id. Another user's is not found.")
}

/// An id in the path.
pub(super) fn id(name: &str, says: &str) -> Parameter {
    let uuid = schemas::text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(says))
        .schema(Some(uuid))
        .build()
}

fn device_token() -> Parameter {
    ParameterBuilder::new()
        .name("X-Device-Token")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "What the last sign-in on this device gave, for clients that keep no cookies: a known device has a budget of guesses \
             of its own.",
        ))
        .schema(Some(schemas::text()))
        .build()
}

fn idempotency_key() -> Parameter {
    let key = schemas::text()
        .min_length(Some(16))
        .max_length(Some(128))
        .pattern(Some("^[!-~]+$"));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Random for each refresh: with it, a refresh whose answer was lost can be asked for again.",
        ))
        .schema(Some(key))
        .build()
}
