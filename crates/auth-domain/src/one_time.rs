//! One-time tokens: what each does, and how long it is valid. They are stored as digests and used up by one guarded update.

use crate::time::Span;
use std::str::FromStr;

/// What a one-time token does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TokenKind {
    /// Creates the first administrator.
    Setup,
    /// Sets a new password.
    PasswordReset,
    /// Shows that an address is the user's.
    EmailVerification,
    /// Completes a change of address.
    EmailChange,
    /// Says "this was not me", and ends every credential.
    Report,
}

/// The text is no kind of one-time token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such kind of one-time token")]
pub struct NotATokenKind;

impl TokenKind {
    /// Every kind there is.
    pub const ALL: [Self; 5] = [
        Self::Setup,
        Self::PasswordReset,
        Self::EmailVerification,
        Self::EmailChange,
        Self::Report,
    ];

    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::PasswordReset => "password_reset",
            Self::EmailVerification => "email_verification",
            Self::EmailChange => "email_change",
            Self::Report => "report",
        }
    }

    /// Whether a new one voids the earlier ones. Each of several notices keeps its report link. Of several pending registrations
    /// the one whose link is used counts.
    #[must_use]
    pub const fn voids_older(self) -> bool {
        matches!(self, Self::PasswordReset | Self::EmailChange)
    }

    /// How long it is valid. A reset link gives access to the account: an hour. A report link only ends credentials: a week.
    #[must_use]
    pub const fn lifetime(self) -> Span {
        match self {
            Self::Setup => Span::minutes(15),
            Self::PasswordReset => Span::hours(1),
            Self::EmailVerification | Self::EmailChange => Span::hours(24),
            Self::Report => Span::days(7),
        }
    }
}

impl FromStr for TokenKind {
    type Err = NotATokenKind;

    fn from_str(text: &str) -> Result<Self, NotATokenKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(NotATokenKind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_word_and_an_end() {
        for kind in TokenKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert!(kind.lifetime() > Span::zero() && kind.lifetime() <= Span::days(7));
        }
        assert_eq!("invite".parse::<TokenKind>(), Err(NotATokenKind));
    }
}
