//! The operations of administrators; each names the permission that it needs.

use super::{
    account::API_KEY_REFUSED,
    operation::{Auth, Gives, Operation, Takes},
    operations::{id, query, session_status},
    schemas,
};
use crate::http::problem::Code;
use auth_domain::{audit::Action, role::Permission as P};
use utoipa::openapi::{
    HttpMethod::{Delete, Get, Patch, Post},
    path::Parameter,
    schema::{KnownFormat, SchemaFormat},
};

/// Every one of them below this base path.
pub(super) fn all(base: &str) -> Vec<Operation> {
    let at = |method, path: &str, name, needs, summary| {
        Operation::new(method, format!("{base}{path}"), name, "admin", summary).by(Auth::Holds(needs))
    };
    let on_user = |method, path: &str, name, needs, summary| {
        at(method, &format!("/users/{{id}}{path}"), name, needs, summary)
            .with(id("id", "The user's id."))
            .or(&[Code::NotFound])
    };
    vec![
        at(
            Get,
            "/users",
            "adminListUsers",
            P::UsersRead,
            "Users, newest first",
        )
        .gives(Gives::Json(200, "UserList"))
        .with(query(
            "query",
            "What the address or the name begins with; @example finds by domain.",
            schemas::text(),
        ))
        .with(query("role", "Their role.", schemas::text().pattern(Some(ROLE))))
        .with(query(
            "status",
            "Their status.",
            schemas::text().enum_values(Some(["active", "disabled"])),
        ))
        .paged(),
        at(
            Post,
            "/users",
            "adminCreateUser",
            P::UsersWrite,
            "Make a user; a link to choose a password is mailed to it",
        )
        .takes(Takes::Json("CreateUserBody"))
        .gives(Gives::Json(201, "UserJson"))
        .or(&[
            Code::PermissionNotHeld,
            Code::EmailTaken,
            Code::InvalidEmail,
            Code::InvalidName,
            Code::UnknownRole,
        ]),
        on_user(Get, "", "adminShowUser", P::UsersRead, "One user").gives(Gives::Json(200, "UserJson")),
        on_user(
            Patch,
            "",
            "adminChangeUser",
            P::UsersWrite,
            "Change a user; role and status act on its tokens at once",
        )
        .takes(Takes::Json("ChangeUserBody"))
        .gives(Gives::Json(200, "UserJson"))
        .or(&[
            Code::PermissionNotHeld,
            Code::LastAdmin,
            Code::InvalidName,
            Code::UnknownRole,
        ]),
        on_user(
            Delete,
            "",
            "adminDeleteUser",
            P::UsersWrite,
            "Delete a user and all it owns",
        )
        .gives(Gives::Nothing(204))
        .or(&[Code::LastAdmin]),
        on_user(
            Post,
            "/password-reset",
            "adminSendReset",
            P::UsersWrite,
            "Mail a user a link to choose a new password",
        )
        .gives(Gives::Json(202, "MessageJson")),
        on_user(
            Post,
            "/lock-out",
            "adminLockOut",
            P::UsersWrite,
            "End every credential of a user; it needs a reset to come back",
        )
        .gives(Gives::Nothing(204)),
        on_user(
            Get,
            "/sessions",
            "adminListSessions",
            P::SessionsRead,
            "A user's sessions, newest first",
        )
        .gives(Gives::Json(200, "SessionList"))
        .with(session_status())
        .paged(),
        on_user(
            Delete,
            "/sessions",
            "adminEndSessions",
            P::SessionsRevoke,
            "End all sessions of a user",
        )
        .gives(Gives::Json(200, "LoggedOutAllJson")),
        on_user(
            Delete,
            "/sessions/{session}",
            "adminEndSession",
            P::SessionsRevoke,
            "End one session of a user",
        )
        .with(id("session", "The session's id."))
        .gives(Gives::Nothing(204)),
        on_user(
            Get,
            "/api-keys",
            "adminListApiKeys",
            P::UsersRead,
            "A user's API keys",
        )
        .gives(Gives::Json(200, "ApiKeyList")),
        on_user(
            Post,
            "/api-keys",
            "adminCreateApiKey",
            P::UsersWrite,
            "Make an API key for a user; it is shown this once",
        )
        .takes(Takes::Json("ApiKeyBody"))
        .gives(Gives::Json(201, "NewApiKeyJson"))
        .or(&API_KEY_REFUSED),
        on_user(
            Delete,
            "/api-keys/{key}",
            "adminRevokeApiKey",
            P::UsersWrite,
            "Take a user's API key away",
        )
        .with(id("key", "The key's id."))
        .gives(Gives::Nothing(204)),
        at(
            Get,
            "/audit",
            "adminListAudit",
            P::AuditRead,
            "What happened, newest first",
        )
        .gives(Gives::Json(200, "AuditList"))
        .with(query(
            "user",
            "What concerns this user, or was done by it.",
            uuid(),
        ))
        .with(query(
            "action",
            "What was done.",
            schemas::text().enum_values(Some(Action::ALL.iter().map(|action| action.as_str()))),
        ))
        .with(moment("since", "From then on."))
        .with(moment("until", "Until before then."))
        .paged(),
        at(
            Get,
            "/stats",
            "adminStats",
            P::StatsRead,
            "The service at a glance, at most half a minute old",
        )
        .gives(Gives::Json(200, "StatsJson")),
        at(Get, "/keys", "adminListKeys", P::KeysRead, "The signing keys")
            .gives(Gives::Json(200, "SigningKeyList")),
        at(
            Post,
            "/keys/rotate",
            "adminRotateKeys",
            P::KeysRotate,
            "Sign with the next key from now on",
        )
        .takes(Takes::MaybeJson("RotateBody"))
        .gives(Gives::Json(200, "SigningKeyList"))
        .or(&[Code::KeyTooYoung, Code::NoKeysToRotate]),
    ]
}

/// What a role's name looks like.
const ROLE: &str = "^[a-z][a-z0-9_-]{0,31}$";

fn uuid() -> utoipa::openapi::schema::ObjectBuilder {
    schemas::text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
}

fn moment(name: &str, says: &str) -> Parameter {
    let schema = schemas::text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    query(name, says, schema)
}
