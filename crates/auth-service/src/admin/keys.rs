//! The rotation of the signing keys in a running server: it changes what is stored, and what this process signs with.

use crate::{
    parts::{caller::Caller, keys::KeyError},
    service::Service,
};

impl Service {
    /// Rotates the signing keys, and signs with the next one from now on. With `compromised`, the active key is removed, and no
    /// token that it signed is valid any longer. The other nodes follow within a second.
    ///
    /// # Errors
    /// [`KeyError::SharedSecret`], [`KeyError::TooYoung`], [`KeyError::Forbidden`], or a failure.
    pub async fn rotate_keys(&self, compromised: bool, caller: &Caller) -> Result<(), KeyError> {
        let keys = self.key_admin().ok_or(KeyError::SharedSecret)?;
        if compromised {
            keys.replace_compromised(caller).await?;
        } else {
            keys.rotate(caller).await?;
        }
        Ok(self.reload_keys().await?)
    }
}
