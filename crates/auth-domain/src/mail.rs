//! The kinds of mail: a closed list. Each kind says when it is sent and to whom; its text is a template of auth-mail.
//!
//! A mail never carries a password or a session. At most it carries links. A link opens a page, and nothing happens before the
//! person confirms it there.

use crate::{
    one_time::TokenKind,
    time::{Timestamp, after},
};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// A link that a mail carries: a token, and the page where the person confirms what the token does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Link {
    /// Leads to the choice of a new password.
    ChoosePassword,
    /// Confirms the address of an account.
    ConfirmAddress,
    /// Confirms the address that an account is to have.
    ConfirmNewAddress,
    /// Says "this was not me".
    Report,
}

impl Link {
    /// Every link there is.
    pub const ALL: [Self; 4] = [
        Self::ChoosePassword,
        Self::ConfirmAddress,
        Self::ConfirmNewAddress,
        Self::Report,
    ];

    /// The page that it opens, below the address that the configuration gives to mailed links.
    #[must_use]
    pub const fn page(self) -> &'static str {
        match self {
            Self::ChoosePassword => "reset",
            Self::ConfirmAddress | Self::ConfirmNewAddress => "verify-email",
            Self::Report => "not-me",
        }
    }

    /// What its token does.
    #[must_use]
    pub const fn token(self) -> TokenKind {
        match self {
            Self::ChoosePassword => TokenKind::PasswordReset,
            Self::ConfirmAddress => TokenKind::EmailVerification,
            Self::ConfirmNewAddress => TokenKind::EmailChange,
            Self::Report => TokenKind::Report,
        }
    }
}

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailKind {
    /// To the owner, when a password reset is requested: the link to choose a new password.
    PasswordReset,
    /// To the owner, once the password was changed or reset: a notice.
    PasswordChanged,
    /// To the address that was given at registration: the link that shows it is the person's own.
    EmailVerification,
    /// To the owner, when a registration uses an address that has an account. The answer to the request is the
    /// same as for a new address, so only the owner of the mailbox learns of it.
    AlreadyRegistered,
    /// To the **new** address, when the owner asks for a change of address: the link that completes it.
    EmailChangeConfirm,
    /// To the **old** address, when the owner asks for a change of address: a notice.
    EmailChangeRequested,
    /// To the **old** address, once the change is complete: a notice.
    EmailChanged,
    /// To the owner, after a sign-in from a device that was not seen before: a notice.
    NewDevice,
    /// To the owner, when a used refresh token was presented again and its session was ended: a notice.
    RefreshTokenReuse,
    /// To the owner, when an administrator or the operator locked the account: a new password is needed to sign in again.
    LockedOut,
    /// To the owner, once a "this was not me" link was used: every credential ended, and a new password is needed to sign in
    /// again.
    Reported,
    /// To the owner, once the account was deleted: a notice.
    AccountDeleted,
    /// To the owner, when an API key of the account was made: a notice.
    ApiKeyCreated,
}

impl MailKind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::PasswordReset,
        Self::PasswordChanged,
        Self::EmailVerification,
        Self::AlreadyRegistered,
        Self::EmailChangeConfirm,
        Self::EmailChangeRequested,
        Self::EmailChanged,
        Self::NewDevice,
        Self::RefreshTokenReuse,
        Self::LockedOut,
        Self::Reported,
        Self::AccountDeleted,
        Self::ApiKeyCreated,
    ];

    /// The word that is stored, and that names the templates.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PasswordReset => "password_reset",
            Self::PasswordChanged => "password_changed",
            Self::EmailVerification => "email_verification",
            Self::AlreadyRegistered => "already_registered",
            Self::EmailChangeConfirm => "email_change_confirm",
            Self::EmailChangeRequested => "email_change_requested",
            Self::EmailChanged => "email_changed",
            Self::NewDevice => "new_device",
            Self::RefreshTokenReuse => "refresh_token_reuse",
            Self::LockedOut => "locked_out",
            Self::Reported => "reported",
            Self::AccountDeleted => "account_deleted",
            Self::ApiKeyCreated => "api_key_created",
        }
    }

    /// The link that the mail is sent for: without it the mail would be useless.
    ///
    /// ```
    /// use auth_domain::{
    ///     mail::{Link, MailKind},
    ///     time::{Span, Timestamp},
    /// };
    ///
    /// assert_eq!(MailKind::PasswordReset.link(), Some(Link::ChoosePassword));
    /// assert_eq!(MailKind::PasswordChanged.link(), None);
    /// // A reset mail that waited for two hours carries an expired link, so it is not sent.
    /// let asked_at = Timestamp::UNIX_EPOCH;
    /// assert!(MailKind::PasswordReset.has_lapsed(asked_at, asked_at + Span::hours(2)));
    /// ```
    #[must_use]
    pub const fn link(self) -> Option<Link> {
        match self {
            Self::PasswordReset => Some(Link::ChoosePassword),
            Self::EmailVerification => Some(Link::ConfirmAddress),
            Self::EmailChangeConfirm => Some(Link::ConfirmNewAddress),
            Self::PasswordChanged
            | Self::AlreadyRegistered
            | Self::EmailChangeRequested
            | Self::EmailChanged
            | Self::NewDevice
            | Self::RefreshTokenReuse
            | Self::LockedOut
            | Self::Reported
            | Self::AccountDeleted
            | Self::ApiKeyCreated => None,
        }
    }

    /// Whether the mail is sent for a link.
    #[must_use]
    pub const fn carries_link(self) -> bool {
        self.link().is_some()
    }

    /// Whether a link that was requested at `asked_at` has expired: sent now, the mail would be useless.
    #[must_use]
    pub fn has_lapsed(self, asked_at: Timestamp, now: Timestamp) -> bool {
        self.link()
            .is_some_and(|link| now >= after(asked_at, link.token().lifetime()))
    }

    /// Whether it carries the link that says "this was not me".
    #[must_use]
    pub const fn carries_report_link(self) -> bool {
        matches!(
            self,
            Self::PasswordChanged
                | Self::EmailVerification
                | Self::EmailChangeRequested
                | Self::EmailChanged
                | Self::NewDevice
                | Self::RefreshTokenReuse
                | Self::ApiKeyCreated
        )
    }
}

/// The text is no kind of mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such kind of mail")]
pub struct NotAMailKind;

impl FromStr for MailKind {
    type Err = NotAMailKind;

    fn from_str(text: &str) -> Result<Self, NotAMailKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(NotAMailKind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_kind_is_read_back_from_its_word() {
        for kind in MailKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert_eq!("newsletter".parse::<MailKind>(), Err(NotAMailKind));
        assert_eq!(
            MailKind::ALL
                .map(MailKind::as_str)
                .into_iter()
                .collect::<BTreeSet<_>>()
                .len(),
            13
        );
    }

    #[test]
    fn a_mail_lapses_with_its_link_and_one_without_a_link_never() {
        let asked = Timestamp::UNIX_EPOCH;
        for kind in MailKind::ALL {
            let Some(link) = kind.link() else {
                assert!(!kind.has_lapsed(asked, Timestamp::MAX_UTC), "{kind:?}");
                continue;
            };
            let end = after(asked, link.token().lifetime());
            assert!(kind.has_lapsed(asked, end), "{kind:?}");
            assert!(
                !kind.has_lapsed(asked, end - crate::time::Span::seconds(1)),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn a_link_opens_one_page_and_carries_a_token_of_its_own() {
        let tokens: BTreeSet<_> = Link::ALL.map(Link::token).into_iter().collect();
        assert_eq!(tokens.len(), Link::ALL.len());
        let pages = Link::ALL.map(|link| (link.token().as_str(), link.page()));
        let expected = [
            ("password_reset", "reset"),
            ("email_verification", "verify-email"),
            ("email_change", "verify-email"),
            ("report", "not-me"),
        ];
        assert_eq!(pages, expected);
    }

    #[test]
    fn every_link_but_the_report_is_what_one_kind_of_mail_is_sent_for() {
        for link in Link::ALL {
            let kinds = MailKind::ALL.into_iter().filter(|kind| kind.link() == Some(link));
            assert_eq!(kinds.count(), usize::from(link != Link::Report), "{link:?}");
        }
    }

    #[test]
    fn a_link_that_does_something_and_a_report_link_go_together_only_to_a_new_address() {
        let both = |kind: &MailKind| kind.carries_link() && kind.carries_report_link();
        assert_eq!(
            MailKind::ALL.iter().filter(|kind| both(kind)).collect::<Vec<_>>(),
            [&MailKind::EmailVerification]
        );
    }
}
