//! API keys, for scripts. A key is shown once, stored as its digest, and does what its permissions say as long as its owner's
//! role holds them, too. It opens no session, and the routes of one's own account don't take it.

use crate::{
    parts::{admin::Admin, caller::Caller, entropy::chance, error::Error, principal::Bearer, tokens::sha256},
    service::Service,
};
use auth_domain::{
    api_key::{ApiKey, KeyName, PREFIX},
    ids::{ApiKeyId, UserId},
    role::Permission,
    time::Timestamp,
};
use auth_storage::api_keys;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

/// How many keys a user may have.
pub const MOST_API_KEYS: u32 = 50;

/// A key to be made.
#[derive(Debug, Clone)]
pub struct WantedKey {
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub permissions: Vec<Permission>,
    /// When it lapses, if ever.
    pub expires_at: Option<Timestamp>,
}

impl Service {
    /// Makes a key for a user; a key makes none. It is in this answer and nowhere else.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::InvalidName`], [`Error::ExpiryInThePast`], [`Error::PermissionNotHeld`], [`Error::TooManyApiKeys`],
    /// [`Error::NotFound`], [`Error::RateLimited`], or a failure.
    pub async fn create_api_key(
        &self,
        maker: &Bearer,
        owner: UserId,
        wanted: WantedKey,
        caller: &Caller,
    ) -> Result<(ApiKey, SecretString), Error> {
        let Bearer::Session(principal) = maker else {
            return Err(Error::Forbidden);
        };
        let name = KeyName::parse(&wanted.name)?;
        if wanted.expires_at.is_some_and(|end| end <= caller.now) {
            return Err(Error::ExpiryInThePast);
        }
        if !wanted.permissions.iter().all(|one| self.permits(maker, *one)) {
            return Err(Error::PermissionNotHeld);
        }
        self.admit_user(maker.user(), caller).await?;
        let mut permissions = wanted.permissions;
        permissions.sort_unstable();
        permissions.dedup();
        let text = format!(
            "{PREFIX}{}",
            URL_SAFE_NO_PAD.encode(chance::<32>(self.entropy())?)
        );
        let secret = SecretString::from(text);
        let key = ApiKey {
            id: ApiKeyId::from_parts(caller.now, chance(self.entropy())?),
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
            .insert_api_key(new, MOST_API_KEYS, self.terms(caller)?)
            .await?
        {
            Ok(created) => {
                created.settle(self).await;
                Ok((key, secret))
            }
            Err(api_keys::NotCreated::TooMany) => Err(Error::TooManyApiKeys(MOST_API_KEYS)),
            Err(_) if maker.user() == owner => Err(self.cut_meanwhile(principal).await),
            Err(api_keys::NotCreated::NoUser) => Err(Error::NotFound),
            Err(api_keys::NotCreated::CallerRevoked) => Err(Error::Forbidden),
        }
    }
}

impl Admin {
    /// A user's keys, newest first.
    ///
    /// # Errors
    /// A failure.
    pub async fn api_keys(&self, owner: UserId) -> Result<Vec<ApiKey>, Error> {
        Ok(self.storage().api_keys(owner).await?)
    }

    /// Takes a user's key away; it is refused from now on, on every node.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for another user's key; or a failure.
    pub async fn revoke_api_key(&self, owner: UserId, id: ApiKeyId, by: &Caller) -> Result<(), Error> {
        if self.storage().revoke_api_key(owner, id, self.terms(by)?).await? {
            Ok(())
        } else {
            Err(Error::NotFound)
        }
    }
}
