//! What the limits are called: in the configuration, in the keys, and in `RateLimit` headers, everywhere the same.

use std::fmt;

/// One of the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitName {
    /// Sign-ins from one address.
    SignInPerAddress,
    /// Registrations from one address.
    RegisterPerAddress,
    /// Mails that one address asks for.
    MailPerAddress,
    /// Mails to one recipient.
    MailPerRecipient,
    /// What one user does that issues or changes credentials.
    PerUser,
    /// Sign-ins, registrations and mails of unknown devices, in all.
    Service,
    /// Failed sign-ins to one account, by clients that it does not know.
    GuessesPerAccount,
    /// Failed sign-ins by one device that the account knows.
    GuessesPerDevice,
}

impl LimitName {
    /// All of them, in the order in which their counters are locked.
    pub const ALL: [Self; 8] = [
        Self::SignInPerAddress,
        Self::RegisterPerAddress,
        Self::MailPerAddress,
        Self::MailPerRecipient,
        Self::PerUser,
        Self::Service,
        Self::GuessesPerAccount,
        Self::GuessesPerDevice,
    ];

    /// The name, which is also the key of the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignInPerAddress => "sign_in_per_address",
            Self::RegisterPerAddress => "register_per_address",
            Self::MailPerAddress => "mail_per_address",
            Self::MailPerRecipient => "mail_per_recipient",
            Self::PerUser => "per_user",
            Self::Service => "service",
            Self::GuessesPerAccount => "guesses_per_account",
            Self::GuessesPerDevice => "guesses_per_device",
        }
    }
}

impl fmt::Display for LimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
