//! A user as stored, and the generation that revokes all sessions of the user at once.

use crate::{
    credential::SecurityEvent, email::EmailAddress, ids::UserId, invisible::shows_all, role::Role,
    time::Timestamp, word::NewerWord,
};
use serde::{Deserialize, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// A user's token generation. A session or token born below it is dead: "sign out everywhere" is one increment, and no clock
/// takes part (docs/rules.md §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(i64);

impl Generation {
    /// What a new user starts with.
    pub const FIRST: Self = Self(0);
    /// The generation of a deleted user: no token reaches it.
    pub const DELETED: Self = Self(i64::MAX);

    /// The generation that a stored number stands for; `None` for a negative one.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        if number < 0 { None } else { Some(Self(number)) }
    }

    /// The number, for storing and for the `gen` claim.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// The next one: every token issued before it is revoked.
    #[must_use]
    pub const fn raised(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Whether a user may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserStatus {
    /// May sign in.
    Active,
    /// May not sign in; the sessions ended when the user was disabled.
    Disabled,
    /// A status that only a newer version knows. Such a user may not sign in here: this version can't know what the status
    /// requires.
    Newer(NewerWord),
}

impl UserStatus {
    /// The word that is stored and shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Newer(word) => word.as_str(),
        }
    }

    /// Reads what is stored. `None`: no version would store such a text.
    #[must_use]
    pub fn stored(text: &str) -> Option<Self> {
        let known = text.parse().ok();
        known.or_else(|| NewerWord::parse(text).map(Self::Newer))
    }
}

impl Serialize for UserStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The text is no user status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a status is active or disabled")]
pub struct NotAStatus;

impl FromStr for UserStatus {
    type Err = NotAStatus;

    fn from_str(text: &str) -> Result<Self, NotAStatus> {
        match text {
            "active" => Ok(Self::Active),
            "disabled" => Ok(Self::Disabled),
            _ => Err(NotAStatus),
        }
    }
}

/// A display name: 1–100 characters, trimmed, all of which show ([`crate::invisible`]), so that two names that look alike are
/// alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct DisplayName(String);

/// Why a text can't be a display name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotADisplayName {
    /// Nothing is left after trimming.
    #[error("A name has at least one visible character; leave it out to have none.")]
    Empty,
    /// Longer than 100 characters.
    #[error("A name has at most 100 characters.")]
    TooLong,
    /// A control character, a NUL, a line break or a bidirectional control.
    #[error("A name has no control characters and no text-direction marks.")]
    ControlCharacter,
    /// Another character that shows nothing: a zero-width space, a soft hyphen, a filler, a joiner that joins nothing.
    #[error("A name has no invisible characters; type it again instead of pasting it.")]
    Invisible,
}

impl DisplayName {
    /// Parses a name.
    ///
    /// ```
    /// use auth_domain::user::{DisplayName, NotADisplayName};
    ///
    /// assert_eq!(DisplayName::parse(" Ada Lovelace ")?.as_str(), "Ada Lovelace");
    /// // A zero-width space would make it look like another name.
    /// assert_eq!(DisplayName::parse("A\u{200B}da"), Err(NotADisplayName::Invisible));
    /// # Ok::<(), NotADisplayName>(())
    /// ```
    pub fn parse(raw: &str) -> Result<Self, NotADisplayName> {
        let name = Self::stored(raw)?;
        if shows_all(&name.0) {
            Ok(name)
        } else {
            Err(NotADisplayName::Invisible)
        }
    }

    /// Reads a name that was accepted before. Names used to take invisible characters; one that has some stays readable until it
    /// is changed.
    pub fn stored(raw: &str) -> Result<Self, NotADisplayName> {
        let name = raw.trim();
        if name.is_empty() {
            return Err(NotADisplayName::Empty);
        }
        if name.chars().count() > 100 {
            return Err(NotADisplayName::TooLong);
        }
        if name.chars().any(is_invisible_control) {
            return Err(NotADisplayName::ControlCharacter);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Control characters, line and paragraph separators, and the marks that turn the direction of text (UAX #9): they make a
/// line look like another one.
#[must_use]
pub fn is_invisible_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// A user as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// The address that mail goes to.
    pub email: EmailAddress,
    /// The display name, if the user gave one.
    pub name: Option<DisplayName>,
    /// The role.
    pub role: Role,
    /// Whether the user may sign in.
    pub status: UserStatus,
    /// Since when the address is known to be the user's; `None` while it is not.
    pub email_verified_at: Option<Timestamp>,
    /// When the account was created.
    pub created_at: Timestamp,
    /// When the user last signed in with the password.
    pub last_login_at: Option<Timestamp>,
    /// Sessions and tokens below this generation are revoked.
    pub generation: Generation,
}

impl User {
    /// The security event of a change from this user to `after`. Of several events it is the one that ends the most: it ends what
    /// the others end, too. `None`: nothing ends.
    ///
    /// ```
    /// use auth_domain::{
    ///     credential::SecurityEvent,
    ///     email::EmailAddress,
    ///     ids::UserId,
    ///     role::Role,
    ///     time::Timestamp,
    ///     user::{Generation, User, UserStatus},
    /// };
    ///
    /// let before = User {
    ///     id: UserId::from_parts(Timestamp::UNIX_EPOCH, [1; 10]),
    ///     email: EmailAddress::parse("ada@example.com")?,
    ///     name: None,
    ///     role: Role::USER,
    ///     status: UserStatus::Active,
    ///     email_verified_at: None,
    ///     created_at: Timestamp::UNIX_EPOCH,
    ///     last_login_at: None,
    ///     generation: Generation::FIRST,
    /// };
    /// let after = User { role: Role::ADMIN, ..before.clone() };
    /// assert_eq!(before.event_of_change_to(&after), Some(SecurityEvent::RoleChanged));
    /// # Ok::<(), auth_domain::email::EmailError>(())
    /// ```
    #[must_use]
    pub fn event_of_change_to(&self, after: &Self) -> Option<SecurityEvent> {
        if self.status != UserStatus::Disabled && after.status == UserStatus::Disabled {
            Some(SecurityEvent::Disabled)
        } else if self.role != after.role {
            Some(SecurityEvent::RoleChanged)
        } else if self.email_verified_at.is_some() && after.email_verified_at.is_none() {
            Some(SecurityEvent::VerificationRemoved)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(status: UserStatus, role: Role, email_verified_at: Option<Timestamp>) -> User {
        User {
            id: UserId::from_uuid(uuid::Uuid::nil()),
            email: EmailAddress::parse("ada@example.com").unwrap(),
            name: None,
            role,
            status,
            email_verified_at,
            created_at: Timestamp::UNIX_EPOCH,
            last_login_at: None,
            generation: Generation::FIRST,
        }
    }

    #[test]
    fn a_raised_generation_is_higher_and_deletion_is_highest() {
        assert!(Generation::FIRST.raised() > Generation::FIRST);
        assert_eq!(Generation::DELETED.raised(), Generation::DELETED);
        assert_eq!(Generation::from_number(-1), None);
        assert_eq!(Generation::from_number(3).unwrap().number(), 3);
    }

    #[test]
    fn of_several_changes_the_one_that_ends_the_most_is_the_event() {
        let verified = Some(Timestamp::UNIX_EPOCH);
        let before = user(UserStatus::Active, Role::USER, verified);
        for (status, role, confirmed, event) in [
            (UserStatus::Disabled, Role::ADMIN, None, SecurityEvent::Disabled),
            (
                UserStatus::Disabled,
                Role::USER,
                verified,
                SecurityEvent::Disabled,
            ),
            (UserStatus::Active, Role::ADMIN, None, SecurityEvent::RoleChanged),
            (
                UserStatus::Active,
                Role::USER,
                None,
                SecurityEvent::VerificationRemoved,
            ),
        ] {
            let after = user(status, role, confirmed);
            assert_eq!(before.event_of_change_to(&after), Some(event));
        }
    }

    #[test]
    fn what_takes_nothing_away_is_no_event() {
        let disabled = user(UserStatus::Disabled, Role::USER, None);
        let enabled = User {
            status: UserStatus::Active,
            email_verified_at: Some(Timestamp::UNIX_EPOCH),
            name: DisplayName::parse("Ada").ok(),
            ..disabled.clone()
        };
        assert_eq!(disabled.event_of_change_to(&enabled), None);
        assert_eq!(disabled.event_of_change_to(&disabled), None);
    }

    #[test]
    fn a_status_is_one_of_two_words() {
        for status in [UserStatus::Active, UserStatus::Disabled] {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert_eq!("banned".parse::<UserStatus>(), Err(NotAStatus));
    }

    #[test]
    fn a_name_shows_what_it_is() {
        assert_eq!(
            DisplayName::parse("  Ada Lovelace ").unwrap().to_string(),
            "Ada Lovelace"
        );
        assert_eq!(DisplayName::parse("王小明").unwrap().as_str(), "王小明");
        assert_eq!(DisplayName::parse(" \t"), Err(NotADisplayName::Empty));
        assert_eq!(
            DisplayName::parse(&"é".repeat(101)),
            Err(NotADisplayName::TooLong)
        );
        assert!(DisplayName::parse(&"é".repeat(100)).is_ok());
        for bad in [
            "a\0b",
            "a\nb",
            "a\u{202E}b",
            "a\u{1b}[31m",
            "a\u{2066}b",
            "a\u{FEFF}b",
        ] {
            assert_eq!(
                DisplayName::parse(bad),
                Err(NotADisplayName::ControlCharacter),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn a_name_has_nothing_invisible_but_what_its_script_needs() {
        for bad in [
            "A\u{200B}da",
            "Ada\u{200C}",
            "A\u{200D}da",
            "A\u{2060}da",
            "A\u{AD}da",
            "A\u{34F}da",
            "A\u{180E}da",
            "Ada\u{3164}",
            "\u{115F}Ada",
            "Ada\u{2800}",
            "Ada\u{FE0F}",
            "Ada\u{E0041}",
            "Ada\u{E0100}",
            "Ada\u{206A}",
            "\u{200B}",
            "\u{FFA0}",
        ] {
            assert_eq!(
                DisplayName::parse(bad),
                Err(NotADisplayName::Invisible),
                "{bad:?}"
            );
            assert_eq!(
                DisplayName::stored(bad).unwrap().as_str(),
                bad,
                "it stays readable: {bad:?}"
            );
        }
        for good in ["علی\u{200C}رضا", "👩\u{200D}💻", "ශ්\u{200D}රී", "Ada ❤\u{FE0F}"] {
            assert_eq!(DisplayName::parse(good).unwrap().as_str(), good);
        }
    }
}
