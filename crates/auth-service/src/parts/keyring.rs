//! The key ring: the keys in use, which are replaced as a whole when the stored ones change. A node reloads them each second, and
//! also when a token names an unknown key, then at most once a second (docs/rules.md §6).

use crate::parts::{failure::Failure, keys::KeyAdmin, keyset::KeySet, tokens::UnknownKey};
use auth_domain::time::Timestamp;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::Mutex;

pub(crate) struct KeyRing {
    current: RwLock<Arc<KeySet>>,
    /// `None` for a shared secret, which is not stored.
    stored: Option<KeyAdmin>,
    last_reload: Mutex<LastReload>,
}

/// The last reload that an unknown key caused.
struct LastReload {
    at: Timestamp,
    failed: bool,
}

impl KeyRing {
    pub(crate) fn new(keys: KeySet, stored: Option<KeyAdmin>, now: Timestamp) -> Self {
        Self {
            current: RwLock::new(Arc::new(keys)),
            stored,
            last_reload: Mutex::new(LastReload {
                at: now,
                failed: false,
            }),
        }
    }

    /// The present keys.
    pub(crate) fn current(&self) -> Arc<KeySet> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The operations on the stored keys.
    pub(crate) const fn stored(&self) -> Option<&KeyAdmin> {
        self.stored.as_ref()
    }

    /// Reloads the keys if they changed.
    ///
    /// # Errors
    /// Those of storage, and of opening a key; the loaded keys stay in use.
    pub(crate) async fn reload(&self) -> Result<(), Failure> {
        let Some(stored) = &self.stored else { return Ok(()) };
        if let Some(fresh) = stored.load_if_changed(&self.current()).await? {
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
        }
        Ok(())
    }

    /// Reloads the keys for a token whose key is unknown, unless that was done within the last second.
    ///
    /// # Errors
    /// As [`KeyRing::reload`].
    pub(crate) async fn reload_for_unknown_key(&self, now: Timestamp) -> Result<(), Failure> {
        let mut last_reload = self.last_reload.lock().await;
        if (now - last_reload.at).num_milliseconds().abs() < 1000 {
            return Ok(());
        }
        let outcome = self.reload().await;
        // A reload that failed in an outage does not count: a valid token must not become an invalid one by it. A fault of the keys
        // themselves would be the same at the next reload.
        if matches!(outcome, Ok(()) | Err(Failure::Internal(_))) {
            *last_reload = LastReload {
                at: now,
                failed: outcome.is_err(),
            };
        }
        outcome
    }

    /// Whether another node may verify tokens with this key, which is unknown here: the last reload failed, or the key's row can't be
    /// read by this version.
    pub(crate) async fn may_be_known_elsewhere(&self, UnknownKey(kid): &UnknownKey) -> bool {
        self.last_reload.lock().await.failed
            || self
                .stored
                .as_ref()
                .is_some_and(|stored| stored.is_set_aside(kid))
    }
}
