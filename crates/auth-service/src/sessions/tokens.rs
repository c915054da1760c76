//! Issuing tokens for a stored session.

use crate::{
    parts::{caller::Caller, entropy::random_bytes, failure::Failure},
    service::Service,
};
use auth_domain::{
    claims::{AccessClaims, OWN_CLIENT, RefreshClaims, TokenType, Typ},
    credential::{Credential, Fate, SecurityEvent, fate},
    ids::{SessionId, TokenId, UserId},
    rotation::RefreshTokenId,
    session::Session,
    time::Timestamp,
    user::User,
};
use secrecy::SecretString;

/// The tokens of a sign-in or a refresh.
#[derive(Debug)]
pub struct Tokens {
    /// The access token.
    pub access_token: SecretString,
    /// The refresh token.
    pub refresh_token: SecretString,
    /// The lifetime of the access token, in seconds.
    pub expires_in: i64,
    /// The remaining lifetime of the refresh token, in seconds.
    pub refresh_expires_in: i64,
    /// The user they belong to.
    pub user: User,
    /// Their session.
    pub session: SessionId,
    /// After a sign-in: the device token for the next one.
    pub device_token: Option<SecretString>,
}

impl Service {
    /// Issues the tokens of a session as it is stored now.
    pub(crate) fn issue_tokens(
        &self,
        user: User,
        session: &Session,
        now: Timestamp,
    ) -> Result<Tokens, Failure> {
        let rotation = &session.rotation;
        let access_expires_at = self
            .config()
            .lifetimes()
            .access_expiry(rotation.refresh_expires_at, now);
        let access = AccessClaims {
            iss: self.config().issuer.clone(),
            sub: user.id,
            aud: self.config().tokens.audience.clone(),
            client_id: OWN_CLIENT.to_owned(),
            exp: access_expires_at.timestamp(),
            iat: now.timestamp(),
            jti: TokenId::from_parts(now, random_bytes(self.entropy())?),
            sid: session.id,
            generation: session.generation,
            email: user.email.as_str().to_owned(),
            email_verified: user.email_verified_at.is_some(),
            role: user.role.clone(),
            kind: TokenType::Access,
            nbf: None,
        };
        let refresh = RefreshClaims {
            iss: self.config().issuer.clone(),
            sub: user.id,
            exp: rotation.refresh_expires_at.timestamp(),
            iat: rotation.rotated_at.timestamp(),
            jti: RefreshTokenId {
                session: session.id,
                number: rotation.number,
            },
            sid: session.id,
            kind: TokenType::Refresh,
        };
        let keys = self.state().keys.current();
        Ok(Tokens {
            access_token: keys
                .signing(self.config().tokens.algorithm)?
                .sign(Typ::Access, &access)?,
            refresh_token: self.state().refresh.sign(&refresh)?,
            expires_in: access.exp - access.iat,
            refresh_expires_in: (refresh.exp - now.timestamp()).max(0),
            user,
            session: session.id,
            device_token: None,
        })
    }

    /// A new token for the caller's device, if it stays known after an event that makes other devices unknown.
    pub(crate) fn device_after(
        &self,
        event: SecurityEvent,
        user: UserId,
        caller: &Caller,
    ) -> Result<Option<SecretString>, Failure> {
        if fate(event, Credential::CurrentDevice) != Fate::CarriedOver {
            return Ok(None);
        }
        let before = self.presented_device(caller);
        let devices = &self.state().devices;
        devices.issue(user, before, caller.now, self.entropy()).map(Some)
    }
}
