//! How tokens are given out: for a session that begins, and for one that is refreshed.

use crate::{
    parts::{caller::Caller, entropy::chance, error::Error, events::Event},
    service::Service,
};
use auth_domain::{
    authentication::Assurance,
    claims::{AccessClaims, OWN_CLIENT, RefreshClaims, TokenType},
    credential::{Credential, Fate, SecurityEvent, fate},
    ids::{SessionId, TokenId, UserId},
    rotation::RefreshTokenId,
    session::Session,
    time::Timestamp,
    user::User,
};
use secrecy::SecretString;

/// What a sign-in or a refresh gives.
#[derive(Debug)]
pub struct Tokens {
    /// The access token.
    pub access_token: SecretString,
    /// The refresh token.
    pub refresh_token: SecretString,
    /// How long the access token lives, in seconds.
    pub expires_in: i64,
    /// How long the refresh token lives, in seconds.
    pub refresh_expires_in: i64,
    /// Whose they are.
    pub user: User,
    /// Their session.
    pub session: SessionId,
    /// After a sign-in: what the device shows the next time.
    pub device_token: Option<SecretString>,
}

impl Service {
    /// A session that begins now, not yet stored.
    pub(crate) fn new_session(
        &self,
        caller: &Caller,
        user: UserId,
        generation: auth_domain::user::Generation,
    ) -> Result<Session, Error> {
        Ok(Session {
            id: SessionId::from_parts(caller.now, chance(self.entropy())?),
            user,
            generation,
            created_at: caller.now,
            rotation: self.config().lifetimes().first_rotation(caller.now),
            state: auth_domain::session::SessionState::Active,
            origin: caller.origin.clone(),
            assurance: Assurance::by_password(caller.now),
            authentications: 1,
        })
    }

    /// The pair of tokens for a session as it is stored now.
    pub(crate) fn give_tokens(&self, user: User, session: &Session, now: Timestamp) -> Result<Tokens, Error> {
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
            jti: TokenId::from_parts(now, chance(self.entropy())?),
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
        Ok(Tokens {
            access_token: self.shared().keys.current().signing().sign(&access)?,
            refresh_token: self.shared().refresh.sign(&refresh)?,
            expires_in: access.exp - access.iat,
            refresh_expires_in: (refresh.exp - now.timestamp()).max(0),
            user,
            session: session.id,
            device_token: None,
        })
    }

    /// The same after a sign-in: its device is known from now on.
    pub(crate) fn give_tokens_to_device(
        &self,
        user: User,
        session: &Session,
        caller: &Caller,
    ) -> Result<Tokens, Error> {
        let before = self.shown_device(caller);
        let device = self
            .shared()
            .devices
            .give(user.id, before, caller.now, self.entropy())?;
        let tokens = self.give_tokens(user, session, caller.now)?;
        self.emit(Event::SignedIn, caller);
        Ok(Tokens {
            device_token: Some(device),
            ..tokens
        })
    }

    /// A new token for the caller's device, if the device stays known over an event that makes others strangers.
    pub(crate) fn device_after(
        &self,
        event: SecurityEvent,
        user: UserId,
        caller: &Caller,
    ) -> Result<Option<SecretString>, Error> {
        if fate(event, Credential::CurrentDevice) != Fate::CarriedOver {
            return Ok(None);
        }
        let before = self.shown_device(caller);
        let devices = &self.shared().devices;
        devices.give(user, before, caller.now, self.entropy()).map(Some)
    }
}
