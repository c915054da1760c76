//! What the limits are called: in the configuration, in the keys, and in `RateLimit` headers, everywhere the same.

use std::fmt;

/// One of the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitName {
    /// Failed sign-ins from one address, by clients that the account does not know.
    SignInPerAddress,
    /// Registrations from one address.
    RegisterPerAddress,
    /// Mails that one address asks for.
    MailPerAddress,
    /// Mails to one recipient.
    MailPerRecipient,
    /// What one user does that issues or changes credentials.
    PerUser,
    /// Failed sign-ins, registrations and mails of unknown devices, in all.
    Service,
    /// Failed sign-ins to one account, by clients that it does not know.
    GuessesPerAccount,
    /// Failed sign-ins by one device that the account knows.
    GuessesPerDevice,
    /// Failed sign-ins by all devices together that the account knows.
    GuessesOverDevices,
    /// Sign-ins to one account, right ones too.
    SignInPerAccount,
    /// Input that one client sends, whether or not it is refused for its form.
    InputPerClient,
}

impl LimitName {
    /// All of them, in the order in which their counters are locked.
    pub const ALL: [Self; 11] = [
        Self::SignInPerAddress,
        Self::RegisterPerAddress,
        Self::MailPerAddress,
        Self::MailPerRecipient,
        Self::PerUser,
        Self::Service,
        Self::GuessesPerAccount,
        Self::GuessesPerDevice,
        Self::GuessesOverDevices,
        Self::SignInPerAccount,
        Self::InputPerClient,
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
            Self::GuessesOverDevices => "guesses_over_devices",
            Self::SignInPerAccount => "sign_in_per_account",
            Self::InputPerClient => "input_per_client",
        }
    }
}

impl fmt::Display for LimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
