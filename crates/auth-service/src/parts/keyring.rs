//! The key ring: the keys in use, replaced as a whole when the stored ones change. Nodes load them anew each second, and at most
//! once a second when a token names a key that nobody here knows (docs/rules.md §6).

use crate::parts::{failure::Failure, keys::KeyAdmin, keyset::KeySet};
use auth_domain::time::Timestamp;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::Mutex;

pub(crate) struct KeyRing {
    current: RwLock<Arc<KeySet>>,
    /// Nothing is stored for a shared secret.
    stored: Option<KeyAdmin>,
    /// When an unknown key last made it look.
    last_reload: Mutex<Timestamp>,
}

impl KeyRing {
    pub(crate) fn new(keys: KeySet, stored: Option<KeyAdmin>, now: Timestamp) -> Self {
        Self {
            current: RwLock::new(Arc::new(keys)),
            stored,
            last_reload: Mutex::new(now),
        }
    }

    /// The keys of this moment.
    pub(crate) fn current(&self) -> Arc<KeySet> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The verbs over the stored keys.
    pub(crate) const fn stored(&self) -> Option<&KeyAdmin> {
        self.stored.as_ref()
    }

    /// Loads the keys anew if they changed.
    ///
    /// # Errors
    /// Those of storage, and of opening a key; the known keys stay.
    pub(crate) async fn reload(&self) -> Result<(), Failure> {
        let Some(stored) = &self.stored else { return Ok(()) };
        if let Some(fresh) = stored.load_if_changed(&self.current()).await? {
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
        }
        Ok(())
    }

    /// Loads the keys anew for a token whose key is unknown, unless that was done within the last second.
    ///
    /// # Errors
    /// As [`KeyRing::reload`].
    pub(crate) async fn reload_for_unknown_key(&self, now: Timestamp) -> Result<(), Failure> {
        let mut last_reload = self.last_reload.lock().await;
        if (now - *last_reload).num_milliseconds().abs() < 1000 {
            return Ok(());
        }
        let outcome = self.reload().await;
        // A look in an outage does not count: it must not make a good token a bad one. What is wrong with the keys themselves is
        // the same at the next look.
        if matches!(outcome, Ok(()) | Err(Failure::Internal(_))) {
            *last_reload = now;
        }
        outcome
    }
}
