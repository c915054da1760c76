//! The names of the limits: the same in the configuration, in Redis keys and in `RateLimit` headers.

use std::fmt;

/// One of the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitName {
    /// Failed sign-ins from one IP address, by clients that are not known devices.
    SignInPerAddress,
    /// Registrations from one IP address.
    RegisterPerAddress,
    /// Emails requested from one IP address.
    MailPerAddress,
    /// Emails to one recipient.
    MailPerRecipient,
    /// Requests by one user that issue or change credentials.
    PerUser,
    /// Failed sign-ins, registrations and email requests by unknown devices, in total.
    Service,
    /// Failed sign-ins to one account, by clients that are not known devices.
    GuessesPerAccount,
    /// Failed sign-ins by one known device.
    GuessesPerDevice,
    /// Failed sign-ins by all known devices of an account together.
    GuessesOverDevices,
    /// Sign-ins to one account, successful ones included.
    SignInPerAccount,
    /// Forms that one client sends, valid or not.
    InputPerClient,
}

impl LimitName {
    /// All limits, in the order in which their counters are locked.
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
