//! What happened and why, in English: the actions of the audit log and the ends of sessions.

use auth_domain::{audit::Action, session::EndReason, sign_in_failure::SignInFailure};

/// What happened, for the person that it happened to.
pub(super) fn action(action: &Action) -> &str {
    match action {
        Action::Registered => "Account opened",
        Action::RegistrationRefused => "Somebody tried to register with this address",
        Action::SetUp => "First administrator made",
        Action::SetupTokenIssued => "Set-up token made",
        Action::SignedIn => "Signed in",
        Action::SignInFailed => "Failed sign-in",
        Action::SessionEnded => "Session ended",
        Action::TokenRevoked => "Access token revoked",
        Action::AllSessionsEnded => "All sessions ended",
        Action::Refreshed => "Session refreshed",
        Action::RefreshTokenReused => "A used token came back: its session was ended",
        Action::PasswordResetRequested => "Link for a new password asked for",
        Action::PasswordReset => "Password reset by mail",
        Action::PasswordChanged => "Password changed",
        Action::PasswordSet => "Password set by the operator",
        Action::EmailVerified => "Address confirmed",
        Action::EmailChangeRequested => "Change of address asked for",
        Action::EmailChanged => "Address changed",
        Action::Reported => "Reported: “this was not me”",
        Action::UserCreated => "Account made",
        Action::UsersImported => "Users imported",
        Action::UserUpdated => "Account changed",
        Action::RoleChanged => "Role changed",
        Action::UserDisabled => "Account disabled",
        Action::UserEnabled => "Account enabled again",
        Action::UserLockedOut => "Locked out",
        Action::UserDeleted => "Account deleted",
        Action::Exported => "Data taken along",
        Action::ApiKeyCreated => "API key made",
        Action::ApiKeyRevoked => "API key revoked",
        Action::KeysRotated => "Signing keys rotated",
        Action::KeysResealed => "Signing keys sealed anew",
        Action::ClientCreated => "Client registered",
        Action::ClientDeleted => "Client removed",
        Action::LimitRefused => "Refused by a limit",
        Action::AuditPruned => "Old audit events removed",
        Action::AuditAccepted => "Audit log accepted as it stands",
        Action::Newer(word) => word.as_str(),
    }
}

/// Why a sign-in failed.
fn sign_in_failure(word: &str) -> Option<&'static str> {
    let why = SignInFailure::ALL.into_iter().find(|why| why.as_str() == word)?;
    Some(match why {
        SignInFailure::UnknownAccount => "no account has this address",
        SignInFailure::Disabled => "the account is disabled",
        SignInFailure::LockedOut => "the account is locked until the password is reset",
        SignInFailure::NoPassword => "the account has no password",
        SignInFailure::WrongPassword => "wrong password",
        SignInFailure::EmailNotVerified => "the address is not confirmed",
    })
}

/// Why a session ended.
pub(super) fn end_reason(word: &str) -> &str {
    let Ok(why) = word.parse() else {
        return if word == super::EXPIRED {
            "it was not used for too long"
        } else {
            sign_in_failure(word).unwrap_or(word)
        };
    };
    match why {
        EndReason::Logout => "signed out",
        EndReason::LogoutAll => "signed out everywhere",
        EndReason::EndedByUser => "ended from another session",
        EndReason::EndedByAdmin => "ended by an administrator",
        EndReason::Reuse => "a used token came back, so a copy of it may be about",
        EndReason::Displaced => "there were too many sessions, and this was the oldest",
        EndReason::PasswordChanged => "the password was changed",
        EndReason::UserDisabled => "the account was disabled",
        EndReason::Revoked => "an application signed out",
        EndReason::EmailChanged => "the address was changed",
        EndReason::LockedOut => "the account was locked",
        EndReason::Reported => "it was reported: “this was not me”",
        EndReason::Newer(_) => word,
    }
}
