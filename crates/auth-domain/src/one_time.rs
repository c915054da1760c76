//! One-time tokens: what each is good for, and for how long. They are stored as digests and used up by one guarded update.

use crate::time::Span;
use std::str::FromStr;

/// What a one-time token does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TokenKind {
    /// Makes the first administrator.
    Setup,
    /// Sets a new password.
    PasswordReset,
    /// Shows that an address is the user's.
    EmailVerification,
    /// Puts a new address in force.
    EmailChange,
    /// Says "this was not me", and ends everything.
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

    /// Whether a new one voids those before. Of several notices each keeps its report link; and of several registrations that
    /// wait, the one counts whose link is used.
    #[must_use]
    pub const fn voids_older(self) -> bool {
        matches!(self, Self::PasswordReset | Self::EmailChange)
    }

    /// How long it holds. A reset link opens the account to whoever has it: an hour. A report only closes: a week.
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
