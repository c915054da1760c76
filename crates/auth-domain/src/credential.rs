//! Everything that lets somebody act as a user. The rule: whoever adds a kind here has to say, in storage's lock-out and in its
//! test, how it ends; both match without a wildcard, so a kind that can't be revoked does not compile.

/// A kind of credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credential {
    /// Access tokens that were given out (RFC 9068).
    AccessTokens,
    /// Refresh tokens, by their sessions.
    RefreshTokens,
    /// The password.
    Password,
    /// API keys.
    ApiKeys,
    /// Links that were mailed, and those that are about to be.
    MailedLinks,
    /// Known devices, which guessing from elsewhere does not slow down.
    KnownDevices,
}

impl Credential {
    /// Every kind there is.
    pub const ALL: [Self; 6] = [
        Self::AccessTokens,
        Self::RefreshTokens,
        Self::Password,
        Self::ApiKeys,
        Self::MailedLinks,
        Self::KnownDevices,
    ];
}
