//! Why a sign-in failed, as the audit log tells administrators. The answer to the client reveals only
//! [`SignInFailure::EmailNotVerified`], and that only after the right password.

use crate::user::UserStatus;

/// Why a sign-in failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignInFailure {
    /// No account has this address.
    UnknownAccount,
    /// The account is disabled.
    Disabled,
    /// The account was locked out: its password was taken away until it is reset.
    LockedOut,
    /// The account never had a password.
    NoPassword,
    /// The password is wrong.
    WrongPassword,
    /// The password is right, and the address has to be verified first.
    EmailNotVerified,
}

/// The facts that decide a sign-in, besides the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignInFacts {
    /// The status of the account.
    pub status: UserStatus,
    /// Whether a password is stored.
    pub has_password: bool,
    /// Whether one was ever set or taken away since the account was made.
    pub password_changed: bool,
    /// Whether the password that was presented is the stored one.
    pub password_right: bool,
    /// Whether the address is verified, or need not be.
    pub verified: bool,
}

impl SignInFailure {
    /// Every reason there is.
    pub const ALL: [Self; 6] = [
        Self::UnknownAccount,
        Self::Disabled,
        Self::LockedOut,
        Self::NoPassword,
        Self::WrongPassword,
        Self::EmailNotVerified,
    ];

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownAccount => "unknown_account",
            Self::Disabled => "disabled",
            Self::LockedOut => "locked_out",
            Self::NoPassword => "no_password",
            Self::WrongPassword => "wrong_password",
            Self::EmailNotVerified => "email_not_verified",
        }
    }

    /// Why a sign-in with these facts fails: what has to change first. `None`: it succeeds.
    ///
    /// ```
    /// use auth_domain::{
    ///     sign_in_failure::{SignInFacts, SignInFailure},
    ///     user::UserStatus,
    /// };
    ///
    /// let facts = SignInFacts {
    ///     status: UserStatus::Active,
    ///     has_password: true,
    ///     password_changed: false,
    ///     password_right: true,
    ///     verified: false,
    /// };
    /// assert_eq!(SignInFailure::of(Some(&facts)), Some(SignInFailure::EmailNotVerified));
    /// assert_eq!(SignInFailure::of(None), Some(SignInFailure::UnknownAccount));
    /// ```
    #[must_use]
    pub fn of(account: Option<&SignInFacts>) -> Option<Self> {
        let Some(facts) = account else {
            return Some(Self::UnknownAccount);
        };
        if facts.status != UserStatus::Active {
            return Some(Self::Disabled);
        }
        if !facts.has_password {
            return Some(if facts.password_changed {
                Self::LockedOut
            } else {
                Self::NoPassword
            });
        }
        if !facts.password_right {
            return Some(Self::WrongPassword);
        }
        (!facts.verified).then_some(Self::EmailNotVerified)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: SignInFacts = SignInFacts {
        status: UserStatus::Active,
        has_password: true,
        password_changed: true,
        password_right: true,
        verified: true,
    };

    #[test]
    fn the_first_thing_that_has_to_change_is_the_reason() {
        use SignInFailure as F;
        let wrong = SignInFacts {
            password_right: false,
            verified: false,
            ..GOOD
        };
        let table = [
            (GOOD, None),
            (
                SignInFacts {
                    verified: false,
                    ..GOOD
                },
                Some(F::EmailNotVerified),
            ),
            (wrong, Some(F::WrongPassword)),
            (
                SignInFacts {
                    has_password: false,
                    ..wrong
                },
                Some(F::LockedOut),
            ),
            (
                SignInFacts {
                    has_password: false,
                    password_changed: false,
                    ..wrong
                },
                Some(F::NoPassword),
            ),
            (
                SignInFacts {
                    status: UserStatus::Disabled,
                    ..wrong
                },
                Some(F::Disabled),
            ),
            (
                SignInFacts {
                    status: UserStatus::Disabled,
                    ..GOOD
                },
                Some(F::Disabled),
            ),
        ];
        for (facts, expected) in table {
            assert_eq!(F::of(Some(&facts)), expected, "{facts:?}");
        }
        assert_eq!(F::of(None), Some(F::UnknownAccount));
    }

    #[test]
    fn every_reason_has_a_word_of_its_own() {
        let words: std::collections::BTreeSet<_> =
            SignInFailure::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(words.len(), SignInFailure::ALL.len());
    }
}
