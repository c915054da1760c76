//! A lineage of refresh tokens: each token replaces the one before, and one of them is current. A session has one lineage.
//! [`crate::rotation`] decides about a presented token, whatever the lineage belongs to.

use crate::{
    idempotency::IdempotencyDigest,
    time::{Span, Timestamp, after},
    user::Generation,
};

/// The newest rotation of a lineage: its one current refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// 0 at the beginning, one more at each refresh. Every lower number is a used token.
    pub number: u32,
    /// When this number was given out.
    pub rotated_at: Timestamp,
    /// When its refresh token expires.
    pub refresh_expires_at: Timestamp,
    /// The expiry of the last access token that the lineage was given, in any rotation.
    pub access_until: Timestamp,
    /// The digest of the `Idempotency-Key` of the refresh that made this rotation.
    pub key: Option<IdempotencyDigest>,
}

/// What a decision about a refresh token needs to know of its lineage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lineage {
    /// When it began: no token of it outlives [`Lifetimes::session`] from then on.
    pub began_at: Timestamp,
    /// The user's generation when the lineage began, or the one that it was carried over to.
    pub generation: Generation,
    /// Its current refresh token.
    pub rotation: Rotation,
    /// Whether it was ended, for any reason.
    pub ended: bool,
}

/// How long tokens and sessions live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// An access token: `tokens.access_ttl`.
    pub access: Span,
    /// A refresh token, from its issue: `tokens.refresh_ttl`.
    pub refresh: Span,
    /// A session, however often it is refreshed: `session.max_lifetime`.
    pub session: Span,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            access: Span::hours(1),
            refresh: Span::days(30),
            session: Span::days(365),
        }
    }
}

impl Lifetimes {
    /// When a refresh token given out now expires: after its own time, but never after the session that began then.
    ///
    /// ```
    /// use auth_domain::{
    ///     lineage::Lifetimes,
    ///     time::{Span, Timestamp},
    /// };
    ///
    /// let lifetimes = Lifetimes { refresh: Span::days(30), session: Span::days(365), ..Lifetimes::default() };
    /// let began_at = Timestamp::UNIX_EPOCH;
    /// let last_refresh = began_at + Span::days(360);
    /// assert_eq!(lifetimes.refresh_expiry(began_at, last_refresh), began_at + Span::days(365));
    /// ```
    #[must_use]
    pub fn refresh_expiry(&self, began_at: Timestamp, now: Timestamp) -> Timestamp {
        after(now, self.refresh).min(after(began_at, self.session))
    }

    /// When an access token given out now expires: no access token outlives its refresh token.
    #[must_use]
    pub fn access_expiry(&self, refresh_expires_at: Timestamp, now: Timestamp) -> Timestamp {
        after(now, self.access).min(refresh_expires_at)
    }

    /// Rotation 0 of a lineage that begins now.
    #[must_use]
    pub fn first_rotation(&self, now: Timestamp) -> Rotation {
        let refresh_expires_at = self.refresh_expiry(now, now);
        Rotation {
            number: 0,
            rotated_at: now,
            refresh_expires_at,
            access_until: self.access_expiry(refresh_expires_at, now),
            key: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn no_token_outlives_its_session() {
        let lifetimes = Lifetimes {
            access: Span::hours(1),
            refresh: Span::days(30),
            session: Span::days(40),
        };
        let born = DateTime::from_timestamp(0, 0).unwrap();
        let late = born + Span::days(39) + Span::minutes(23 * 60 + 30);
        let refresh = lifetimes.refresh_expiry(born, late);
        assert_eq!(refresh, born + Span::days(40));
        assert_eq!(lifetimes.access_expiry(refresh, late), refresh);
        let first = lifetimes.first_rotation(born);
        assert_eq!((first.number, first.access_until), (0, born + Span::hours(1)));
        assert_eq!(first.refresh_expires_at, born + Span::days(30));
        assert_eq!(Lifetimes::default().refresh, Span::days(30));
    }
}
