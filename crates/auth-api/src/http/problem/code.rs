//! The table of error codes: each with its status, its title and its detail.

use actix_web::http::StatusCode;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal, $title:literal, $detail:literal;)+) => {
        /// An error code, for programs. Codes are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $detail] $(#[$doc])* $name,)+ }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The code as text.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// Its HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// Its title, the same for every occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// Its detail, where nothing more exact is known.
            #[must_use]
            pub const fn detail(self) -> &'static str {
                match self { $(Self::$name => $detail,)+ }
            }
        }
    };
}

codes! {
    MalformedJson = "malformed_json", 400, "Malformed JSON", "The body is not valid JSON.";
    InvalidRequest = "invalid_request", 400, "Invalid request", "The request is malformed.";
    ReturnToNotAllowed = "return_to_not_allowed", 400, "Return address not allowed", "This sign-in link leads to a site that is not allowed.";
    InvalidIdempotencyKey = "invalid_idempotency_key", 400, "Invalid Idempotency-Key", "An Idempotency-Key has 16 to 128 visible ASCII characters and is random for each refresh.";
    InvalidOrExpiredToken = "invalid_or_expired_token", 400, "Invalid or expired token", "The token is invalid, or it was used, replaced by a newer one, or has expired.";
    MissingToken = "missing_token", 401, "Access token required", "Send an access token in the Authorization header, as a Bearer token.";
    InvalidCredentials = "invalid_credentials", 401, "Invalid credentials", "Incorrect email or password";
    InvalidToken = "invalid_token", 401, "Invalid token", "The token is invalid";
    TokenExpired = "token_expired", 401, "Token expired", "Token has expired";
    TokenRevoked = "token_revoked", 401, "Token revoked", "Token has been revoked";
    AllSessionsRevoked = "all_sessions_revoked", 401, "All sessions revoked", "All user sessions have been revoked";
    TokenAlreadyUsed = "token_already_used", 401, "Refresh token already used", "Refresh token already used";
    InvalidClient = "invalid_client", 401, "Invalid client", "The client is unknown or its secret is wrong.";
    EmailNotVerified = "email_not_verified", 403, "Email address not confirmed", "Confirm your email address first: open the link in the email that was sent to it.";
    MfaRequired = "mfa_required", 403, "Second factor required", "The first factor was accepted. A second factor is required.";
    RegistrationClosed = "registration_closed", 403, "Registration is closed", "Registration is turned off. Ask an administrator for an account.";
    WrongCurrentPassword = "wrong_current_password", 403, "Wrong current password", "The current password is wrong.";
    PermissionNotHeld = "permission_not_held", 403, "Permission not held", "You can't grant a permission, by a role or an API key, that you don't hold yourself.";
    SetupClosed = "setup_closed", 403, "Set-up is closed", "An administrator already exists.";
    Forbidden = "forbidden", 403, "Forbidden", "You don't have permission to do this.";
    ForeignForm = "foreign_form", 403, "Request from another site", "The form was sent from another site. Nothing was changed.";
    FormExpired = "form_expired", 403, "Form expired", "The form was open for too long, or belongs to another session. Nothing was changed.";
    NotFound = "not_found", 404, "Not found", "There is nothing at this address.";
    MethodNotAllowed = "method_not_allowed", 405, "Method not allowed", "This address does not support that method.";
    RequestTimeout = "request_timeout", 408, "Request timeout", "The body did not arrive in time.";
    EmailTaken = "email_taken", 409, "Email address already in use", "An account with this email address already exists.";
    LastAdmin = "last_admin", 409, "Last administrator", "The last active administrator can't be demoted, disabled or deleted.";
    TooManyApiKeys = "too_many_api_keys", 409, "Too many API keys", "The account has the maximum number of API keys. Revoke one first.";
    KeyTooYoung = "key_too_young", 409, "Key too young", "The next signing key has not been published for long enough.";
    NoKeysToRotate = "no_keys_to_rotate", 409, "No keys to rotate", "Tokens are signed with a shared secret; change the secret.";
    BodyTooLarge = "body_too_large", 413, "Body too large", "The request body is too large.";
    UnsupportedMediaType = "unsupported_media_type", 415, "Unsupported media type", "Send the body as application/json, in UTF-8.";
    InvalidInput = "invalid_input", 422, "Invalid input", "Some of the input is invalid; see errors.";
    UnknownField = "unknown_field", 422, "Unknown field", "The body has a field that the route does not know; see errors.";
    UnknownParameter = "unknown_parameter", 422, "Unknown parameter", "The URL has a query parameter that the route does not know; see errors.";
    InvalidEmail = "invalid_email", 422, "Invalid email address", "The email address is invalid.";
    PasswordRequired = "password_required", 422, "Password required", "The link alone is not enough: prove that the account is yours, with its password or in one of its sessions. When an address is confirmed for the first time, you can choose a new password instead.";
    InvalidName = "invalid_name", 422, "Invalid name", "The name is invalid.";
    WeakPassword = "weak_password", 422, "Weak password", "The password does not meet the policy; see errors.";
    UnknownRole = "unknown_role", 422, "Unknown role", "The role does not exist.";
    InvalidClientId = "invalid_client_id", 422, "Invalid client id", "The client id is invalid or taken.";
    RateLimited = "rate_limited", 429, "Too many requests", "Too many attempts. Try again later.";
    Internal = "internal_error", 500, "Internal error", "Something went wrong on our side. The log has the details under the request ID.";
    Unavailable = "unavailable", 503, "Unavailable", "A part of the service is unavailable. Try again shortly.";
    Overloaded = "overloaded", 503, "Overloaded", "The service is overloaded. Try again shortly.";
}

impl Code {
    /// The status, typed.
    #[must_use]
    pub fn status_code(self) -> StatusCode {
        StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The `type` of the problem: a URN, not an address to fetch.
    #[must_use]
    pub fn type_uri(self) -> String {
        format!("urn:keyward:problem:{}", self.as_str())
    }

    /// The `WWW-Authenticate` header of a 401 (RFC 6750 §3). It has no error attribute where no token was sent.
    pub(super) fn challenge(self) -> Option<String> {
        const REALM: &str = "Bearer realm=\"keyward\"";
        match self {
            Self::MissingToken | Self::InvalidCredentials => Some(REALM.to_owned()),
            Self::InvalidClient => Some("Basic realm=\"keyward\", charset=\"UTF-8\"".to_owned()),
            _ if self.status() == 401 => Some(format!(
                "{REALM}, error=\"invalid_token\", error_description=\"{}\"",
                self.detail()
            )),
            _ => None,
        }
    }

    /// The code for an error of the web framework.
    #[must_use]
    pub fn for_status(status: StatusCode) -> Self {
        match status.as_u16() {
            401 => Self::MissingToken,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            405 => Self::MethodNotAllowed,
            408 => Self::RequestTimeout,
            413 => Self::BodyTooLarge,
            415 => Self::UnsupportedMediaType,
            422 => Self::InvalidInput,
            503 => Self::Unavailable,
            400..=499 => Self::InvalidRequest,
            _ => Self::Internal,
        }
    }
}
