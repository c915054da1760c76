//! What was revoked, and whether an access token is still valid. Every source of revocations (the database, a node's memory,
//! Redis) answers with the same [`RevocationFacts`], and one function turns them into a [`Verdict`].

use crate::{
    ids::{SessionId, TokenId, UserId},
    time::{Span, Timestamp, after},
    user::Generation,
};

/// What a revocation applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Revoked {
    /// One access token.
    Token(TokenId),
    /// Every token of a session.
    Session(SessionId),
    /// Every token of a user that was issued below a generation.
    User(UserId, Generation),
}

/// A revocation as the table `revocations` stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Revocation {
    /// What it applies to.
    pub what: Revoked,
    /// Until when it has to be known: the expiry of the last token it could concern, plus [`grace`].
    pub until: Timestamp,
}

impl Revocation {
    /// A revocation that is kept until tokens that expire at `last_expiry` are no longer accepted.
    #[must_use]
    pub fn new(what: Revoked, last_expiry: Timestamp, leeway: Span) -> Self {
        Self {
            what,
            until: after(last_expiry, grace(leeway)),
        }
    }
}

/// How long a revocation outlives the tokens it concerns: the leeway in which an expired token still passes, a second, and the
/// two seconds by which the clock of a node that is ready may be behind.
#[must_use]
pub fn grace(leeway: Span) -> Span {
    leeway + Span::seconds(3)
}

/// What identifies an access token when its revocation is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRef {
    /// Its `jti`.
    pub token: TokenId,
    /// Its `sid`.
    pub session: SessionId,
    /// Its `sub`.
    pub user: UserId,
    /// Its `gen`.
    pub generation: Generation,
}

/// What one source of revocations knows about a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RevocationFacts {
    /// The token itself was revoked.
    pub token: bool,
    /// Its session was ended.
    pub session: bool,
    /// The least generation that its user's tokens may have.
    pub least: Option<Generation>,
}

impl RevocationFacts {
    /// What two sources know together: a revocation that either knows counts.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            token: self.token || other.token,
            session: self.session || other.session,
            least: self.least.max(other.least),
        }
    }

    /// Whether the token is still valid. Where several things are wrong, the generation is named first (docs/http-contract.md).
    ///
    /// ```
    /// use auth_domain::{
    ///     revocation::{RevocationFacts, Verdict},
    ///     user::Generation,
    /// };
    ///
    /// // The user signed out everywhere: tokens of the first generation are revoked.
    /// let facts = RevocationFacts { least: Some(Generation::FIRST.raised()), ..RevocationFacts::default() };
    /// assert_eq!(facts.verdict(Generation::FIRST), Verdict::AllSessionsRevoked);
    /// assert_eq!(facts.verdict(Generation::FIRST.raised()), Verdict::Valid);
    /// ```
    #[must_use]
    pub fn verdict(&self, generation: Generation) -> Verdict {
        if self.least.is_some_and(|least| generation < least) {
            Verdict::AllSessionsRevoked
        } else if self.session || self.token {
            Verdict::Revoked
        } else {
            Verdict::Valid
        }
    }
}

/// Whether an access token was revoked since it was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was not revoked.
    Valid,
    /// All sessions of its user were ended: `all_sessions_revoked`.
    AllSessionsRevoked,
    /// It, or its session, was ended: `token_revoked`.
    Revoked,
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn generation(n: i64) -> Generation {
        Generation::from_number(n).unwrap()
    }

    #[test]
    fn the_generation_is_named_before_the_session_and_the_token() {
        let all = RevocationFacts {
            token: true,
            session: true,
            least: Some(generation(2)),
        };
        assert_eq!(all.verdict(generation(1)), Verdict::AllSessionsRevoked);
        assert_eq!(all.verdict(generation(2)), Verdict::Revoked);
        assert_eq!(
            RevocationFacts {
                token: true,
                ..RevocationFacts::default()
            }
            .verdict(generation(0)),
            Verdict::Revoked
        );
        assert_eq!(
            RevocationFacts {
                session: true,
                ..RevocationFacts::default()
            }
            .verdict(generation(0)),
            Verdict::Revoked
        );
        assert_eq!(RevocationFacts::default().verdict(generation(0)), Verdict::Valid);
        assert_eq!(
            RevocationFacts {
                least: Some(generation(2)),
                ..RevocationFacts::default()
            }
            .verdict(generation(2)),
            Verdict::Valid
        );
    }

    #[test]
    fn what_either_copy_knows_stands() {
        let one = RevocationFacts {
            token: false,
            session: true,
            least: Some(generation(3)),
        };
        let other = RevocationFacts {
            token: true,
            session: false,
            least: Some(generation(5)),
        };
        assert_eq!(
            one.and(other),
            RevocationFacts {
                token: true,
                session: true,
                least: Some(generation(5))
            }
        );
        assert_eq!(one.and(RevocationFacts::default()), one);
    }

    #[test]
    fn a_revocation_outlives_the_leeway_of_the_last_token_on_a_slow_clock() {
        let expiry = DateTime::from_timestamp(100, 0).unwrap();
        let id = SessionId::from_uuid(uuid::Uuid::from_u128(1));
        let revocation = Revocation::new(Revoked::Session(id), expiry, Span::seconds(5));
        assert_eq!(revocation.until, expiry + Span::seconds(8));
    }
}
