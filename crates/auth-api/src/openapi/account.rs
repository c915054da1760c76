//! The operations on one's own account beyond signing in: passwords, addresses, API keys, export and deletion.

use super::{
    operation::{Auth, BEARER_ERRORS, Gives, Operation, Takes},
    operations::id,
};
use crate::http::problem::Code;
use utoipa::openapi::HttpMethod::{Delete, Get, Post};

/// Every one of them below this base path.
pub(super) fn all(base: &str) -> Vec<Operation> {
    let at = |method, path: &str, name, summary| {
        Operation::new(method, format!("{base}{path}"), name, "account", summary)
    };
    vec![
        at(Delete, "/me", "deleteMe", "Delete one's account and all it owns")
            .by(Auth::SignedIn)
            .takes(Takes::Json("DeleteMeBody"))
            .gives(Gives::Nothing(204))
            .or(&PASSWORD_ASKED)
            .or(&[Code::LastAdmin]),
        at(
            Get,
            "/me/export",
            "exportMe",
            "Everything that is stored about oneself",
        )
        .by(Auth::SignedIn)
        .gives(Gives::Json(200, "ExportJson"))
        .or(&[Code::RateLimited]),
        at(
            Post,
            "/password/forgot",
            "forgotPassword",
            "Have a reset link mailed",
        )
        .takes(Takes::Json("ForgotBody"))
        .gives(Gives::Json(202, "MessageJson"))
        .or(&[Code::RateLimited]),
        at(
            Post,
            "/password/reset",
            "resetPassword",
            "Choose a new password with a mailed token",
        )
        .takes(Takes::Json("ResetBody"))
        .gives(Gives::Nothing(204))
        .or(&[
            Code::InvalidOrExpiredToken,
            Code::WeakPassword,
            Code::RateLimited,
            Code::Overloaded,
        ]),
        at(
            Post,
            "/password/change",
            "changePassword",
            "Change one's password",
        )
        .by(Auth::SignedIn)
        .takes(Takes::Json("ChangePasswordBody"))
        .gives(Gives::Nothing(204))
        .or(&PASSWORD_ASKED)
        .or(&[Code::WeakPassword]),
        at(
            Post,
            "/not-me",
            "reportNotMe",
            "Say of a mailed notice that this was not oneself: everything ends, and a reset is needed",
        )
        .takes(Takes::Json("MailedTokenBody"))
        .gives(Gives::Nothing(204))
        .or(&[Code::InvalidOrExpiredToken, Code::EmailTaken, Code::RateLimited]),
        at(
            Post,
            "/email/verification",
            "sendVerification",
            "Have the link that confirms an address mailed again: one's own with an access token, any other without",
        )
        .by(Auth::MaybeSignedIn)
        .takes(Takes::MaybeJson("SendVerificationBody"))
        .gives(Gives::Json(202, "MessageJson"))
        .or(&BEARER_ERRORS)
        .or(&[Code::RateLimited]),
        at(
            Post,
            "/email/verify",
            "verifyEmail",
            "Confirm an address with a mailed token, and show by a bearer token or a password that the account is one's own",
        )
        .by(Auth::MaybeSignedIn)
        .takes(Takes::Json("VerifyEmailBody"))
        .gives(Gives::Nothing(204))
        .or(&BEARER_TOKEN_REFUSED)
        .or(&PASSWORD_ASKED)
        .or(&[
            Code::InvalidOrExpiredToken,
            Code::EmailTaken,
            Code::PasswordRequired,
            Code::WeakPassword,
        ]),
        at(
            Post,
            "/email/change",
            "changeEmail",
            "Move to another address, once it confirms",
        )
        .by(Auth::SignedIn)
        .takes(Takes::Json("ChangeEmailBody"))
        .gives(Gives::Json(202, "MessageJson"))
        .or(&PASSWORD_ASKED)
        .or(&[Code::InvalidEmail]),
        at(Get, "/api-keys", "listApiKeys", "One's own API keys")
            .by(Auth::SignedIn)
            .gives(Gives::Json(200, "ApiKeyList")),
        at(
            Post,
            "/api-keys",
            "createApiKey",
            "Make an API key; it is shown this once",
        )
        .by(Auth::SignedIn)
        .takes(Takes::Json("ApiKeyBody"))
        .gives(Gives::Json(201, "NewApiKeyJson"))
        .or(&API_KEY_REFUSED),
        at(Delete, "/api-keys/{id}", "revokeApiKey", "Take an API key away")
            .by(Auth::SignedIn)
            .gives(Gives::Nothing(204))
            .with(id("id", "The key's id. Another user's is not found."))
            .or(&[Code::NotFound]),
    ]
}

/// Why a call that asks for the password may be refused.
const PASSWORD_ASKED: [Code; 3] = [Code::WrongCurrentPassword, Code::RateLimited, Code::Overloaded];

/// Why a call may be refused for the access token that came with it, where none has to.
const BEARER_TOKEN_REFUSED: [Code; 5] = [
    Code::InvalidRequest,
    Code::InvalidToken,
    Code::TokenExpired,
    Code::TokenRevoked,
    Code::AllSessionsRevoked,
];

/// Why an API key may not be made.
pub(super) const API_KEY_REFUSED: [Code; 4] = [
    Code::InvalidName,
    Code::PermissionNotHeld,
    Code::TooManyApiKeys,
    Code::RateLimited,
];
