//! A session is one sign-in on one device. Only the state of an ended session has the time and the reason of its end.

use crate::{
    authentication::Assurance,
    ids::{SessionId, UserId},
    lineage::{Lineage, Rotation},
    time::Timestamp,
    user::Generation,
    word::NewerWord,
};
use serde::{Serialize, Serializer};
use std::{net::IpAddr, str::FromStr};

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// Its user signed out of it.
    Logout,
    /// Its user signed out everywhere.
    LogoutAll,
    /// Its user ended it from another session.
    EndedByUser,
    /// An administrator ended it.
    EndedByAdmin,
    /// A used refresh token was presented again: a copy exists (RFC 9700 §4.14.2).
    Reuse,
    /// A newer session took its place (`session.max_per_user`).
    Displaced,
    /// The password was changed or reset.
    PasswordChanged,
    /// The user was disabled.
    UserDisabled,
    /// A client revoked its refresh token (RFC 7009).
    Revoked,
    /// The user's address was changed.
    EmailChanged,
    /// The user was locked out: every credential ended.
    LockedOut,
    /// The user answered a mailed notice with "this was not me".
    Reported,
    /// A reason that only a newer version knows. It is read and shown, and never written.
    Newer(NewerWord),
}

impl EndReason {
    /// Every reason that this version gives.
    pub const ALL: [Self; 12] = [
        Self::Logout,
        Self::LogoutAll,
        Self::EndedByUser,
        Self::EndedByAdmin,
        Self::Reuse,
        Self::Displaced,
        Self::PasswordChanged,
        Self::UserDisabled,
        Self::Revoked,
        Self::EmailChanged,
        Self::LockedOut,
        Self::Reported,
    ];

    /// The word that is stored and shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Logout => "logout",
            Self::LogoutAll => "logout_all",
            Self::EndedByUser => "ended_by_user",
            Self::EndedByAdmin => "ended_by_admin",
            Self::Reuse => "reuse",
            Self::Displaced => "displaced",
            Self::PasswordChanged => "password_changed",
            Self::UserDisabled => "user_disabled",
            Self::Revoked => "revoked",
            Self::EmailChanged => "email_changed",
            Self::LockedOut => "locked_out",
            Self::Reported => "reported",
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

impl Serialize for EndReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The text is no reason for an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such reason for the end of a session")]
pub struct NotAnEndReason;

impl FromStr for EndReason {
    type Err = NotAnEndReason;

    fn from_str(text: &str) -> Result<Self, NotAnEndReason> {
        Self::ALL
            .into_iter()
            .find(|why| why.as_str() == text)
            .ok_or(NotAnEndReason)
    }
}

/// Whether a session is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// It was not ended. It may still have expired, or be below its user's generation.
    Active,
    /// It was ended, once.
    Ended {
        /// When.
        at: Timestamp,
        /// Why.
        why: EndReason,
    },
}

/// Where a session was opened from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// The client's `User-Agent`, cut to [`Origin::MAX_USER_AGENT`] characters.
    pub user_agent: Option<String>,
}

impl Origin {
    /// The longest user agent that is kept, in characters.
    pub const MAX_USER_AGENT: usize = 256;

    /// An origin, its user agent cut to length and stripped of control characters (a NUL can't be stored in PostgreSQL).
    #[must_use]
    pub fn new(ip: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        let plain = |text: &str| {
            let kept = text.chars().filter(|c| !crate::user::is_invisible_control(*c));
            kept.take(Self::MAX_USER_AGENT).collect::<String>()
        };
        Self {
            ip,
            user_agent: user_agent.map(plain).filter(|text| !text.is_empty()),
        }
    }
}

/// A session as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id, the `sid` of its tokens.
    pub id: SessionId,
    /// The user it belongs to.
    pub user: UserId,
    /// The user's generation when the session began, or the one that it was carried over to.
    pub generation: Generation,
    /// When it began.
    pub created_at: Timestamp,
    /// Its current refresh token.
    pub rotation: Rotation,
    /// Whether it is active.
    pub state: SessionState,
    /// Where it was opened from.
    pub origin: Origin,
    /// How its user last proved who they are, and when.
    pub assurance: Assurance,
    /// How often its user proved it: 1 from the sign-in on, one more each time that they prove it anew.
    pub authentications: u32,
}

impl Session {
    /// The lineage of its refresh tokens.
    #[must_use]
    pub fn lineage(&self) -> Lineage {
        Lineage {
            began_at: self.created_at,
            generation: self.generation,
            rotation: self.rotation,
            ended: self.state != SessionState::Active,
        }
    }

    /// Whether the session can still be refreshed: not ended, not expired, not below its user's generation.
    #[must_use]
    pub fn is_live(&self, user_generation: Generation, now: Timestamp) -> bool {
        self.state == SessionState::Active
            && self.generation >= user_generation
            && now < self.rotation.refresh_expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_word() {
        for why in EndReason::ALL {
            assert_eq!(why.as_str().parse(), Ok(why));
            assert_eq!(serde_json::to_value(why).unwrap(), why.as_str());
        }
        assert_eq!("bored".parse::<EndReason>(), Err(NotAnEndReason));
        for why in EndReason::ALL {
            assert_eq!(EndReason::stored(why.as_str()), Some(why));
        }
        assert_eq!(EndReason::stored("bored").unwrap().as_str(), "bored");
        assert_eq!(EndReason::stored("No Word"), None);
    }

    #[test]
    fn an_origin_keeps_nothing_that_could_break_a_line_or_a_column() {
        let long = format!("a\0b\r\n{}", "x".repeat(1000));
        let origin = Origin::new(None, Some(&long));
        let kept = origin.user_agent.unwrap();
        assert!(kept.starts_with("abx"));
        assert_eq!(kept.chars().count(), Origin::MAX_USER_AGENT);
        assert_eq!(Origin::new(None, Some("\0")).user_agent, None);
    }
}
