//! What each security event ends: one table, event by credential. [`fate`] matches without a wildcard: a new event or a new kind
//! of credential does not compile before this file says what happens to it. Storage applies the table, its contract test runs
//! every event against every credential, and `docs/accounts.md` shows the table.

/// A kind of credential: everything that lets a person or a program act as a user.
///
/// "Current" means the session whose token the request carries, and the device that it comes from. Events from outside of a
/// session (a mailed link, an administrator, the command line) treat current and other ones alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credential {
    /// Access tokens of the current session (RFC 9068).
    CurrentAccessTokens,
    /// Access tokens of the user's other sessions.
    OtherAccessTokens,
    /// The current session: its refresh token.
    CurrentSession,
    /// The user's other sessions: their refresh tokens.
    OtherSessions,
    /// The password.
    Password,
    /// API keys.
    ApiKeys,
    /// Mailed links that set a new password, and the mails that wait to carry one.
    ResetLinks,
    /// Mailed links that confirm the address, and the mails that wait to carry one.
    VerificationLinks,
    /// Pending changes of address: the mailed link that puts a new address in force.
    EmailChangeLinks,
    /// Links of notices that say "this was not me". They end every credential and grant nothing.
    ReportLinks,
    /// The device that the request comes from, if it is a known one. Password guesses from other devices do not throttle it.
    CurrentDevice,
    /// The user's other known devices.
    OtherDevices,
}

impl Credential {
    /// Every kind there is.
    pub const ALL: [Self; 12] = [
        Self::CurrentAccessTokens,
        Self::OtherAccessTokens,
        Self::CurrentSession,
        Self::OtherSessions,
        Self::Password,
        Self::ApiKeys,
        Self::ResetLinks,
        Self::VerificationLinks,
        Self::EmailChangeLinks,
        Self::ReportLinks,
        Self::CurrentDevice,
        Self::OtherDevices,
    ];

    /// The kinds of mailed links.
    pub const LINKS: [Self; 4] = [
        Self::ResetLinks,
        Self::VerificationLinks,
        Self::EmailChangeLinks,
        Self::ReportLinks,
    ];

    /// Its name in the documentation's table.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::CurrentAccessTokens => "access tokens: current",
            Self::OtherAccessTokens => "other",
            Self::CurrentSession => "sessions: current",
            Self::OtherSessions => "other",
            Self::Password => "password",
            Self::ApiKeys => "API keys",
            Self::ResetLinks => "links: reset",
            Self::VerificationLinks => "verification",
            Self::EmailChangeLinks => "change of address",
            Self::ReportLinks => "not-me",
            Self::CurrentDevice => "devices: current",
            Self::OtherDevices => "other",
        }
    }
}

/// Something that happens to an account and may end credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecurityEvent {
    /// One session ended: its user signed out, it was ended from another session or by an administrator, its refresh token was
    /// reused, or a newer session took its place.
    SignedOut,
    /// All sessions ended: `/logout-all`, or by an administrator.
    AllSessionsEnded,
    /// All sessions but the current one ended.
    OtherSessionsEnded,
    /// The user changed the password in a session.
    PasswordChanged,
    /// The operator set a password.
    PasswordSet,
    /// A mailed link set a new password.
    PasswordReset,
    /// A new address was confirmed and is in force.
    AddressChanged,
    /// The address was confirmed for the first time, in a session of the account.
    ConfirmedInSession,
    /// The address was confirmed for the first time, with the account's password.
    ConfirmedWithPassword,
    /// The address was confirmed for the first time, with a new password.
    ConfirmedWithNewPassword,
    /// An administrator took the confirmation of the address back.
    VerificationRemoved,
    /// The role changed.
    RoleChanged,
    /// The account was disabled.
    Disabled,
    /// An administrator or the operator locked the account out: every credential ends.
    LockedOut,
    /// The owner said of a notice "this was not me".
    Reported,
    /// The account was deleted.
    Deleted,
}

impl SecurityEvent {
    /// Every event there is.
    pub const ALL: [Self; 16] = [
        Self::SignedOut,
        Self::AllSessionsEnded,
        Self::OtherSessionsEnded,
        Self::PasswordChanged,
        Self::PasswordSet,
        Self::PasswordReset,
        Self::AddressChanged,
        Self::ConfirmedInSession,
        Self::ConfirmedWithPassword,
        Self::ConfirmedWithNewPassword,
        Self::VerificationRemoved,
        Self::RoleChanged,
        Self::Disabled,
        Self::LockedOut,
        Self::Reported,
        Self::Deleted,
    ];

    /// Its name in the documentation's table.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::SignedOut => "signed out of one session",
            Self::AllSessionsEnded => "all sessions ended",
            Self::OtherSessionsEnded => "other sessions ended",
            Self::PasswordChanged => "password changed",
            Self::PasswordSet => "password set by the operator",
            Self::PasswordReset => "password reset",
            Self::AddressChanged => "address changed",
            Self::ConfirmedInSession => "first confirmation, in a session",
            Self::ConfirmedWithPassword => "first confirmation, password typed",
            Self::ConfirmedWithNewPassword => "first confirmation, password chosen",
            Self::VerificationRemoved => "confirmation taken back",
            Self::RoleChanged => "role changed",
            Self::Disabled => "disabled",
            Self::LockedOut => "locked out",
            Self::Reported => "\"this was not me\"",
            Self::Deleted => "deleted",
        }
    }
}

/// What an event does to a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It works no longer, on any node, once the event is answered. A password that ends is replaced by the new one, if the event
    /// brings one.
    Ends,
    /// It goes on as it was.
    Stays,
    /// It goes on over a cut that ends others of its kind: a session keeps its refresh token, a device is given a fresh token.
    CarriedOver,
}

impl Fate {
    /// Its word in the documentation's table.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Ends => "ends",
            Self::Stays => "–",
            Self::CarriedOver => "goes on",
        }
    }
}

/// What an event does to a credential.
///
/// ```
/// use auth_domain::credential::{Credential, Fate, SecurityEvent, fate};
///
/// // A reset ends everything that another person may have; a change in a session leaves the session and the API keys.
/// assert_eq!(fate(SecurityEvent::PasswordReset, Credential::ApiKeys), Fate::Ends);
/// assert_eq!(fate(SecurityEvent::PasswordChanged, Credential::ApiKeys), Fate::Stays);
/// assert_eq!(fate(SecurityEvent::PasswordChanged, Credential::CurrentSession), Fate::CarriedOver);
/// ```
#[must_use]
pub const fn fate(event: SecurityEvent, credential: Credential) -> Fate {
    use Fate::{CarriedOver, Ends, Stays};
    use SecurityEvent as E;
    match credential {
        // A cut names every token by its generation or its session: none outlives it.
        Credential::CurrentAccessTokens => match event {
            E::SignedOut | E::AllSessionsEnded | E::OtherSessionsEnded => Ends,
            E::PasswordChanged | E::PasswordSet | E::PasswordReset => Ends,
            E::AddressChanged => Ends,
            E::ConfirmedInSession | E::ConfirmedWithPassword | E::ConfirmedWithNewPassword => Ends,
            // The tokens name the role, and say that the address is confirmed.
            E::VerificationRemoved | E::RoleChanged => Ends,
            E::Disabled | E::LockedOut | E::Reported | E::Deleted => Ends,
        },
        Credential::OtherAccessTokens => match event {
            E::SignedOut => Stays,
            E::AllSessionsEnded | E::OtherSessionsEnded => Ends,
            E::PasswordChanged | E::PasswordSet | E::PasswordReset => Ends,
            E::AddressChanged => Ends,
            E::ConfirmedInSession | E::ConfirmedWithPassword | E::ConfirmedWithNewPassword => Ends,
            E::VerificationRemoved | E::RoleChanged => Ends,
            E::Disabled | E::LockedOut | E::Reported | E::Deleted => Ends,
        },
        Credential::CurrentSession => match event {
            E::SignedOut | E::AllSessionsEnded => Ends,
            E::OtherSessionsEnded | E::PasswordChanged | E::ConfirmedInSession => CarriedOver,
            E::PasswordSet | E::PasswordReset => Ends,
            E::AddressChanged | E::ConfirmedWithPassword | E::ConfirmedWithNewPassword => Ends,
            E::VerificationRemoved | E::RoleChanged => CarriedOver,
            E::Disabled | E::LockedOut | E::Reported | E::Deleted => Ends,
        },
        Credential::OtherSessions => match event {
            E::SignedOut => Stays,
            E::AllSessionsEnded | E::OtherSessionsEnded => Ends,
            E::PasswordChanged | E::PasswordSet | E::PasswordReset => Ends,
            E::AddressChanged => Ends,
            E::ConfirmedInSession | E::ConfirmedWithPassword | E::ConfirmedWithNewPassword => Ends,
            E::VerificationRemoved | E::RoleChanged => CarriedOver,
            E::Disabled | E::LockedOut | E::Reported | E::Deleted => Ends,
        },
        Credential::Password => match event {
            E::SignedOut | E::AllSessionsEnded | E::OtherSessionsEnded => Stays,
            E::PasswordChanged | E::PasswordSet | E::PasswordReset => Ends,
            E::AddressChanged => Stays,
            E::ConfirmedInSession | E::ConfirmedWithPassword => Stays,
            E::ConfirmedWithNewPassword => Ends,
            E::VerificationRemoved | E::RoleChanged | E::Disabled => Stays,
            E::LockedOut | E::Reported | E::Deleted => Ends,
        },
        // They stay where their owner is known to act, so that programs keep running. They end where another person may have
        // created them. A key is refused while its owner is disabled, and never does more than its owner's role allows.
        Credential::ApiKeys => match event {
            E::SignedOut | E::AllSessionsEnded | E::OtherSessionsEnded => Stays,
            E::PasswordChanged => Stays,
            E::PasswordSet | E::PasswordReset => Ends,
            E::AddressChanged => Ends,
            E::ConfirmedInSession | E::ConfirmedWithPassword | E::ConfirmedWithNewPassword => Ends,
            E::VerificationRemoved | E::RoleChanged | E::Disabled => Stays,
            E::LockedOut | E::Reported | E::Deleted => Ends,
        },
        // They are the owner's way back in: they stay where only sessions end.
        Credential::ResetLinks => match event {
            E::SignedOut | E::AllSessionsEnded | E::OtherSessionsEnded => Stays,
            E::PasswordChanged | E::PasswordSet | E::PasswordReset => Ends,
            E::AddressChanged => Ends,
            E::ConfirmedInSession | E::ConfirmedWithPassword | E::ConfirmedWithNewPassword => Ends,
            E::VerificationRemoved | E::RoleChanged => Stays,
            E::Disabled | E::LockedOut | E::Reported | E::Deleted => Ends,
        },
        Credential::VerificationLinks => match event {
            E::SignedOut | E::AllSessionsEnded | E::OtherSessionsEnded => Stays,
            E::PasswordChanged | E::PasswordSet => Stays,
            // A reset confirms the address itself.
            E::PasswordReset => Ends,
            E::AddressChanged => Ends,
            E::ConfirmedInSession | E::ConfirmedWithPassword | E::ConfirmedWithNewPassword => Ends,
            E::VerificationRemoved | E::RoleChanged => Stays,
            E::Disabled | E::LockedOut | E::Reported | E::Deleted => Ends,
        },
        // A session that ends here may have requested the change.
        Credential::EmailChangeLinks => match event {
            E::SignedOut => Stays,
            E::AllSessionsEnded | E::OtherSessionsEnded => Ends,
            E::PasswordChanged | E::PasswordSet | E::PasswordReset => Ends,
            E::AddressChanged => Ends,
            E::ConfirmedInSession | E::ConfirmedWithPassword | E::ConfirmedWithNewPassword => Ends,
            E::VerificationRemoved | E::RoleChanged => Stays,
            E::Disabled | E::LockedOut | E::Reported | E::Deleted => Ends,
        },
        // They only end credentials. Of several addresses the earliest is the owner's, so its link stays valid until everything
        // ends.
        Credential::ReportLinks => match event {
            E::SignedOut | E::AllSessionsEnded | E::OtherSessionsEnded => Stays,
            E::PasswordChanged | E::PasswordSet | E::PasswordReset => Stays,
            E::AddressChanged => Stays,
            E::ConfirmedInSession | E::ConfirmedWithPassword | E::ConfirmedWithNewPassword => Stays,
            E::VerificationRemoved | E::RoleChanged => Stays,
            E::Disabled | E::LockedOut | E::Reported | E::Deleted => Ends,
        },
        // An event that ends other sessions makes their devices unknown. The device that proved the password, or holds the
        // session that continues, stays known.
        Credential::CurrentDevice => match event {
            E::SignedOut => Stays,
            E::AllSessionsEnded => Ends,
            E::OtherSessionsEnded | E::PasswordChanged | E::PasswordReset => CarriedOver,
            E::PasswordSet => Ends,
            E::AddressChanged => CarriedOver,
            E::ConfirmedInSession | E::ConfirmedWithPassword | E::ConfirmedWithNewPassword => CarriedOver,
            E::VerificationRemoved | E::RoleChanged => Stays,
            E::Disabled | E::LockedOut | E::Reported | E::Deleted => Ends,
        },
        Credential::OtherDevices => match event {
            E::SignedOut => Stays,
            E::AllSessionsEnded | E::OtherSessionsEnded => Ends,
            E::PasswordChanged | E::PasswordSet | E::PasswordReset => Ends,
            E::AddressChanged => Ends,
            E::ConfirmedInSession | E::ConfirmedWithPassword | E::ConfirmedWithNewPassword => Ends,
            E::VerificationRemoved | E::RoleChanged => Stays,
            E::Disabled | E::LockedOut | E::Reported | E::Deleted => Ends,
        },
    }
}

#[cfg(test)]
mod tests;
