//! The claims of tokens (RFC 7519, RFC 9068). A signature proves who wrote them; these functions say whether they are valid.
//!
//! A reader passes over claims that it does not know (RFC 7519 §4): a node that runs an older release goes on reading tokens
//! after a newer one has begun to write one claim more. A claim that the reader knows must have its type and may occur only once.

use crate::{
    ids::{SessionId, TokenId, UserId},
    revocation::TokenRef,
    role::Role,
    rotation::RefreshTokenId,
    time::{Span, Timestamp, after},
    user::Generation,
};
use chrono::DateTime;
use serde::{Deserialize, Deserializer, Serialize};
use std::net::SocketAddr;

/// What a token is, as its header says: the `typ` (RFC 7515 §4.1.9). It is explicit, and each verifier takes one, so that a token
/// of one kind never passes for another (RFC 8725 §3.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Typ {
    /// An access token (RFC 9068 §2.1).
    Access,
    /// A refresh token. No other server reads one; the word is ours.
    Refresh,
}

impl Typ {
    /// The word in the header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::Refresh => "rt+jwt",
        }
    }
}

/// The `client_id` of tokens from a sign-in at this server.
pub const OWN_CLIENT: &str = "keyward";

/// The kind of token, which the claims say, too: `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenType {
    /// An access token.
    Access,
    /// A refresh token.
    Refresh,
}

/// The claims of an access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Who issued it: `server.public_url`.
    pub iss: String,
    /// The user.
    pub sub: UserId,
    /// Whom it is for: `tokens.audience`.
    pub aud: String,
    /// The client that it was issued to.
    pub client_id: String,
    /// When it expires, in seconds since 1970.
    pub exp: i64,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// Its id.
    pub jti: TokenId,
    /// Its session.
    pub sid: SessionId,
    /// The generation of its session.
    #[serde(rename = "gen")]
    pub generation: Generation,
    /// The user's address when it was issued.
    pub email: String,
    /// Whether that address was confirmed to be the user's when the token was issued. A token without it is of an older release,
    /// which did not say, so it counts as unconfirmed.
    #[serde(default)]
    pub email_verified: bool,
    /// The user's role when it was issued.
    pub role: Role,
    /// `access`.
    #[serde(rename = "type")]
    pub kind: TokenType,
    /// When it becomes valid, in seconds since 1970. This server writes none. It honours one that another holder of a shared
    /// secret wrote (RFC 7519 §4.1.5).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    pub nbf: Option<i64>,
}

/// The claims of a refresh token. Only this server reads them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshClaims {
    /// Who issued it.
    pub iss: String,
    /// The user.
    pub sub: UserId,
    /// When it expires, in seconds since 1970.
    pub exp: i64,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// Its session and rotation number.
    pub jti: RefreshTokenId,
    /// Its session.
    pub sid: SessionId,
    /// `refresh`.
    #[serde(rename = "type")]
    pub kind: TokenType,
}

/// Why claims are refused: the first reason that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimsRefused {
    /// Another kind, issuer or audience, or inconsistent times.
    #[error("the token is not valid here")]
    Invalid,
    /// Past its time by more than the leeway.
    #[error("the token has expired")]
    Expired,
}

/// Who issues the tokens that are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issuer<'a> {
    /// This one, to the letter.
    Named(&'a str),
    /// A server without a configured name, which uses the loopback address that it listens on. The address of an earlier start
    /// or of another node is accepted, too. The keys are the database's, so this lets in no token of another server.
    Loopback,
}

impl<'a> From<&'a str> for Issuer<'a> {
    fn from(name: &'a str) -> Self {
        Self::Named(name)
    }
}

impl Issuer<'_> {
    /// Whether a token of this issuer is one of ours.
    #[must_use]
    pub fn accepts(self, iss: &str) -> bool {
        match self {
            Self::Named(name) => iss == name,
            Self::Loopback => iss
                .strip_prefix("http://")
                .and_then(|address| address.parse::<SocketAddr>().ok())
                .is_some_and(|address| address.ip().is_loopback()),
        }
    }
}

impl AccessClaims {
    /// Whether the claims are valid for this issuer and audience now (RFC 9068 §4, RFC 8725 §3.8–3.9).
    ///
    /// # Errors
    /// The first of [`ClaimsRefused`] that applies.
    ///
    /// ```
    /// use auth_domain::{
    ///     claims::{AccessClaims, ClaimsRefused},
    ///     time::{Span, Timestamp},
    /// };
    ///
    /// let claims: AccessClaims = serde_json::from_str(
    ///     r#"{
    ///         "iss": "https://id.example.com", "aud": "example", "client_id": "keyward", "type": "access",
    ///         "sub": "018f3f5e-7c1a-7a30-8d2e-0123456789ab", "sid": "018f3f5e-7c1b-7a30-8d2e-0123456789ab",
    ///         "jti": "018f3f5e-7c1c-7a30-8d2e-0123456789ab", "gen": 0, "email": "ada@example.com", "role": "user",
    ///         "iat": 1000, "exp": 4600, "a_claim_of_a_newer_release": true
    ///     }"#,
    /// )?;
    /// let check = |seconds, audience| {
    ///     let now = Timestamp::UNIX_EPOCH + Span::seconds(seconds);
    ///     claims.check("https://id.example.com", audience, now, Span::seconds(5))
    /// };
    /// assert_eq!(check(1000, "example"), Ok(()));
    /// assert_eq!(check(4605, "example"), Err(ClaimsRefused::Expired));
    /// assert_eq!(check(1000, "another service"), Err(ClaimsRefused::Invalid));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn check<'a>(
        &self,
        issuer: impl Into<Issuer<'a>>,
        audience: &str,
        now: Timestamp,
        leeway: Span,
    ) -> Result<(), ClaimsRefused> {
        if self.kind != TokenType::Access || !issuer.into().accepts(&self.iss) || self.aud != audience {
            return Err(ClaimsRefused::Invalid);
        }
        if self
            .nbf
            .is_some_and(|begins| is_from_the_future(begins, now, leeway))
        {
            return Err(ClaimsRefused::Invalid);
        }
        check_times(self.iat, self.exp, now, leeway)
    }

    /// What identifies the token when its revocation is looked up.
    #[must_use]
    pub fn token_ref(&self) -> TokenRef {
        TokenRef {
            token: self.jti,
            session: self.sid,
            user: self.sub,
            generation: self.generation,
        }
    }
}

impl RefreshClaims {
    /// Whether the claims are those of a refresh token of this issuer. [`crate::rotation::decide`] checks its expiry.
    pub fn check<'a>(
        &self,
        issuer: impl Into<Issuer<'a>>,
        now: Timestamp,
        leeway: Span,
    ) -> Result<(), ClaimsRefused> {
        let ours = self.kind == TokenType::Refresh
            && issuer.into().accepts(&self.iss)
            && self.jti.session == self.sid;
        let sensible = DateTime::from_timestamp(self.exp, 0).is_some() && self.iat <= self.exp;
        if ours && sensible && !is_from_the_future(self.iat, now, leeway) {
            Ok(())
        } else {
            Err(ClaimsRefused::Invalid)
        }
    }

    /// When it expires.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        DateTime::from_timestamp(self.exp, 0).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

/// A claim that may be absent, but not `null`.
fn present<'de, D: Deserializer<'de>>(claim: D) -> Result<Option<i64>, D::Error> {
    i64::deserialize(claim).map(Some)
}

fn check_times(iat: i64, exp: i64, now: Timestamp, leeway: Span) -> Result<(), ClaimsRefused> {
    let expiry = DateTime::from_timestamp(exp, 0).ok_or(ClaimsRefused::Invalid)?;
    if iat > exp || is_from_the_future(iat, now, leeway) {
        return Err(ClaimsRefused::Invalid);
    }
    if now >= after(expiry, leeway) {
        Err(ClaimsRefused::Expired)
    } else {
        Ok(())
    }
}

fn is_from_the_future(iat: i64, now: Timestamp, leeway: Span) -> bool {
    DateTime::from_timestamp(iat, 0).is_none_or(|issued| issued > after(now, leeway))
}
