//! The texts of audit events and of the reasons why sessions ended, in English.

use auth_domain::{audit::Action, session::EndReason, sign_in_failure::SignInFailure};

/// What happened, in words for the user that it happened to.
pub(super) fn action(action: &Action) -> &str {
    match action {
        Action::Registered => "Account registered",
        Action::RegistrationRefused => "Registration attempted with this email address",
        Action::SetUp => "First administrator created",
        Action::SetupTokenIssued => "Set-up token created",
        Action::SignedIn => "Signed in",
        Action::SignInFailed => "Failed sign-in",
        Action::SessionEnded => "Session ended",
        Action::TokenRevoked => "Access token revoked",
        Action::AllSessionsEnded => "All sessions ended",
        Action::Refreshed => "Session refreshed",
        Action::RefreshTokenReused => "Refresh token reused: session ended",
        Action::PasswordResetRequested => "Password reset requested",
        Action::PasswordReset => "Password reset by email",
        Action::PasswordChanged => "Password changed",
        Action::PasswordSet => "Password set by the operator",
        Action::EmailVerified => "Email address confirmed",
        Action::EmailChangeRequested => "Change of email address requested",
        Action::EmailChanged => "Email address changed",
        Action::Reported => "Reported: “this was not me”",
        Action::UserCreated => "Account created",
        Action::UsersImported => "Users imported",
        Action::UserUpdated => "Account changed",
        Action::RoleChanged => "Role changed",
        Action::UserDisabled => "Account disabled",
        Action::UserEnabled => "Account enabled",
        Action::UserLockedOut => "Locked out",
        Action::UserDeleted => "Account deleted",
        Action::Exported => "Data exported",
        Action::ApiKeyCreated => "API key created",
        Action::ApiKeyRevoked => "API key revoked",
        Action::KeysRotated => "Signing keys rotated",
        Action::KeysResealed => "Signing keys re-encrypted",
        Action::ClientCreated => "Client created",
        Action::ClientDeleted => "Client deleted",
        Action::LimitRefused => "Refused by a rate limit",
        Action::AuditPruned => "Old audit events deleted",
        Action::AuditAccepted => "Audit log accepted as it is",
        Action::Newer(word) => word.as_str(),
    }
}

/// Why a sign-in failed.
fn sign_in_failure(word: &str) -> Option<&'static str> {
    let why = SignInFailure::ALL.into_iter().find(|why| why.as_str() == word)?;
    Some(match why {
        SignInFailure::UnknownAccount => "no account has this email address",
        SignInFailure::Disabled => "the account is disabled",
        SignInFailure::LockedOut => "the account is locked until the password is reset",
        SignInFailure::NoPassword => "the account has no password",
        SignInFailure::WrongPassword => "wrong password",
        SignInFailure::EmailNotVerified => "the email address is not confirmed",
    })
}

/// Why a session ended.
pub(super) fn end_reason(word: &str) -> &str {
    let Ok(why) = word.parse() else {
        return if word == super::EXPIRED {
            "it expired"
        } else {
            sign_in_failure(word).unwrap_or(word)
        };
    };
    match why {
        EndReason::Logout => "signed out",
        EndReason::LogoutAll => "signed out everywhere",
        EndReason::EndedByUser => "ended from another session",
        EndReason::EndedByAdmin => "ended by an administrator",
        EndReason::Reuse => "its refresh token was used twice, so someone may have a copy",
        EndReason::Displaced => "there were too many sessions, and this was the oldest",
        EndReason::PasswordChanged => "the password was changed",
        EndReason::UserDisabled => "the account was disabled",
        EndReason::Revoked => "an application signed out",
        EndReason::EmailChanged => "the email address was changed",
        EndReason::LockedOut => "the account was locked",
        EndReason::Reported => "reported: “this was not me”",
        EndReason::Newer(_) => word,
    }
}
