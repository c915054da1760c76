//! API keys, for scripts. A key is shown once and stored as its digest. It grants those of its permissions that its owner's role
//! holds as well. It begins no session, and the routes of one's own account refuse it.

use crate::{
    parts::{
        admin::Admin,
        caller::Caller,
        entropy::random_bytes,
        failure::Failure,
        principal::{Bearer, Principal},
        refusals::RateLimited,
        tokens::{TokenError, TokenRefused, sha256},
    },
    service::Service,
};
use auth_domain::{
    api_key::{ApiKey, KeyName, PREFIX},
    ids::{ApiKeyId, UserId},
    role::Permission,
    time::Timestamp,
    user::NotADisplayName,
};
use auth_storage::{Refused, api_keys};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

/// How many keys a user may have.
pub const MAX_API_KEYS: u32 = 50;

/// An API key to create.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// What it is for.
    pub name: String,
    /// The permissions that it grants.
    pub permissions: Vec<Permission>,
    /// When it expires, if ever.
    pub expires_at: Option<Timestamp>,
}

/// Why an API key was not created or revoked.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// An API key can't create keys, and a user can't once their session was revoked.
    #[error("not allowed")]
    Forbidden,
    /// There is no such user or key.
    #[error("not found")]
    NotFound,
    /// The name can't be shown.
    #[error(transparent)]
    InvalidName(NotADisplayName),
    /// The expiry is not in the future.
    #[error("the expiry is not in the future")]
    ExpiryInThePast,
    /// The key would have a permission that its creator does not hold.
    #[error("a key can't have a permission that its creator does not hold")]
    PermissionNotHeld,
    /// The user has as many API keys as they may have.
    #[error("no more than {0} API keys")]
    TooMany(u32),
    /// The creator's token was revoked during the request.
    #[error(transparent)]
    Token(TokenRefused),
    /// A limit refused the request.
    #[error(transparent)]
    RateLimited(RateLimited),
    /// A failure of the server.
    #[error(transparent)]
    Failure(Failure),
}

impl<E: Into<Failure>> From<E> for ApiKeyError {
    fn from(failure: E) -> Self {
        Self::Failure(failure.into())
    }
}

impl From<TokenError> for ApiKeyError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Refused(refused) => Self::Token(refused),
            TokenError::Failure(failure) => Self::Failure(failure),
        }
    }
}

impl From<RateLimited> for ApiKeyError {
    fn from(limited: RateLimited) -> Self {
        Self::RateLimited(limited)
    }
}

impl Service {
    /// Creates a key for a user, on behalf of a signed-in user. The key is in this answer and nowhere else.
    ///
    /// # Errors
    /// [`ApiKeyError::Forbidden`], [`ApiKeyError::InvalidName`], [`ApiKeyError::ExpiryInThePast`], [`ApiKeyError::PermissionNotHeld`], [`ApiKeyError::TooMany`],
    /// [`ApiKeyError::NotFound`], [`ApiKeyError::RateLimited`], or a failure.
    pub async fn create_api_key(
        &self,
        maker: &Bearer,
        owner: UserId,
        wanted: NewApiKey,
        caller: &Caller,
    ) -> Result<(ApiKey, SecretString), ApiKeyError> {
        let Bearer::Session(principal) = maker else {
            return Err(ApiKeyError::Forbidden);
        };
        let name = KeyName::parse(&wanted.name).map_err(ApiKeyError::InvalidName)?;
        if wanted.expires_at.is_some_and(|end| end <= caller.now) {
            return Err(ApiKeyError::ExpiryInThePast);
        }
        if !wanted.permissions.iter().all(|one| self.bearer_may(maker, *one)) {
            return Err(ApiKeyError::PermissionNotHeld);
        }
        self.admit_user(maker.user(), caller).await?;
        let mut permissions = wanted.permissions;
        permissions.sort_unstable();
        permissions.dedup();
        let text = format!(
            "{PREFIX}{}",
            URL_SAFE_NO_PAD.encode(random_bytes::<32>(self.entropy())?)
        );
        let secret = SecretString::from(text);
        let key = ApiKey {
            id: ApiKeyId::from_parts(caller.now, random_bytes(self.entropy())?),
            owner,
            name,
            permissions,
            created_at: caller.now,
            expires_at: wanted.expires_at,
            last_used_at: None,
        };
        let new = api_keys::New {
            key: key.clone(),
            digest: sha256(secret.expose_secret().as_bytes()),
        };
        match self
            .storage()
            .insert_api_key(new, MAX_API_KEYS, self.change_context(caller)?)
            .await?
        {
            Ok(created) => {
                created.settle(self).await;
                Ok((key, secret))
            }
            Err(api_keys::NotCreated::TooMany) => Err(ApiKeyError::TooMany(MAX_API_KEYS)),
            Err(_) if maker.user() == owner => Err(self.why_revoked(principal).await.into()),
            Err(api_keys::NotCreated::NoUser) => Err(ApiKeyError::NotFound),
            Err(api_keys::NotCreated::CallerRevoked) => Err(ApiKeyError::Forbidden),
        }
    }

    /// Revokes one of the caller's own keys.
    ///
    /// # Errors
    /// [`ApiKeyError::NotFound`], [`ApiKeyError::Token`], or a failure.
    pub async fn revoke_own_api_key(
        &self,
        principal: &Principal,
        id: ApiKeyId,
        caller: &Caller,
    ) -> Result<(), ApiKeyError> {
        match self.admin().revoke_api_key(principal.user(), id, caller).await {
            Err(ApiKeyError::Forbidden) => Err(self.why_revoked(principal).await.into()),
            outcome => outcome,
        }
    }
}

impl Admin {
    /// A user's keys, newest first.
    pub async fn api_keys(&self, owner: UserId) -> Result<Vec<ApiKey>, Failure> {
        Ok(self.storage().api_keys(owner).await?)
    }

    /// Revokes a user's key. Every node refuses it from now on.
    ///
    /// # Errors
    /// [`ApiKeyError::NotFound`], also for another user's key; [`ApiKeyError::Forbidden`], or a failure.
    pub async fn revoke_api_key(&self, owner: UserId, id: ApiKeyId, by: &Caller) -> Result<(), ApiKeyError> {
        match self
            .storage()
            .revoke_api_key(owner, id, self.change_context(by)?)
            .await?
        {
            Ok(()) => Ok(()),
            Err(Refused::CallerRevoked) => Err(ApiKeyError::Forbidden),
            Err(Refused::NotFound | Refused::LastAdmin) => Err(ApiKeyError::NotFound),
        }
    }
}
