//! `keys`: the life of the signing keys. The plan is the domain's; what several nodes do at once, the guards of storage settle.

use crate::{
    audit::AUDIT_KEY,
    config::{Algorithm, ServiceConfig},
    error::Error,
    keyset::{KeySet, generate},
    master_key::MasterKey,
    moment::{Caller, Entropy},
};
use auth_domain::{
    keys::{self, KeyStanding, KeyState, KeyStep},
    revocation::grace,
    time::Timestamp,
};
use auth_storage::{Storage, StoredKey, Terms};
use std::sync::Arc;

/// How often a change is planned anew after another node was faster.
const TRIES: usize = 3;

/// Rotates and reseals the signing keys; works beside a running server, whose nodes see it within a second.
pub struct KeyAdmin {
    storage: Storage,
    master: MasterKey,
    config: ServiceConfig,
    entropy: Arc<dyn Entropy>,
}

impl KeyAdmin {
    /// The verbs over this storage.
    #[must_use]
    pub fn new(
        storage: Storage,
        master: MasterKey,
        config: ServiceConfig,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            storage,
            master,
            config,
            entropy,
        }
    }

    /// Whether the database was made with this master key; `None` while it knows none.
    ///
    /// # Errors
    /// A failure.
    pub async fn has_known_master_key(&self) -> Result<Option<bool>, Error> {
        let known = self.storage.setting("master_key_check").await?;
        let ours = self.master.check_value()?;
        Ok(known.map(|known| known == ours))
    }

    /// Makes the keys that a server needs to start, and opens all of them.
    ///
    /// # Errors
    /// A failure, among them keys that were sealed with another master key.
    pub(crate) async fn complete(&self, now: Timestamp) -> Result<KeySet, Error> {
        self.change(now, None, |stored, _| Ok(self.wanted(stored)))
            .await?;
        KeySet::open(&self.storage.keys().await?, &self.master)
    }

    /// What is missing. A next key of another algorithm than the configured one gives way, so that a changed
    /// `tokens.algorithm` takes effect with the rotation after it was published.
    fn wanted(&self, stored: &[StoredKey]) -> Vec<KeyStep> {
        let outdated = |key: &&StoredKey| {
            key.standing.state == KeyState::Next && key.algorithm != self.config.tokens.algorithm.name()
        };
        let mut steps: Vec<KeyStep> = stored
            .iter()
            .filter(outdated)
            .map(|key| retire(&key.standing))
            .collect();
        if !steps.is_empty() {
            steps.push(KeyStep::Create(KeyState::Next));
        }
        steps.extend(keys::complete(&standings(stored)));
        steps
    }

    /// Rotates: the next key signs, the one before retires when what it signed has expired.
    ///
    /// # Errors
    /// [`Error::KeyTooYoung`], [`Error::NoKeysToRotate`], or a failure.
    pub async fn rotate(&self, by: &Caller) -> Result<(), Error> {
        let (access, leeway) = (self.config.lifetimes().access, self.config.leeway());
        self.change(by.now, Some((false, by)), |stored, now| {
            Ok(keys::rotate(&standings(stored), now, access, leeway)?)
        })
        .await
    }

    /// Drops the signing key now, with everything it signed.
    ///
    /// # Errors
    /// [`Error::NoKeysToRotate`], or a failure.
    pub async fn replace_compromised(&self, by: &Caller) -> Result<(), Error> {
        self.change(by.now, Some((true, by)), |stored, _| {
            Ok(keys::replace_compromised(&standings(stored)))
        })
        .await
    }

    /// Every key: where it stands, and its algorithm.
    ///
    /// # Errors
    /// A failure.
    pub async fn list(&self) -> Result<Vec<(KeyStanding, String)>, Error> {
        let stored = self.storage.keys().await?;
        Ok(stored
            .into_iter()
            .map(|key| (key.standing, key.algorithm))
            .collect())
    }

    /// Seals every key with another master key. Servers have to be started anew with it.
    ///
    /// # Errors
    /// A failure; then nothing was changed.
    pub async fn reseal(&self, new: &MasterKey, by: &Caller) -> Result<usize, Error> {
        let mut resealed = Vec::new();
        for key in self.storage.keys().await? {
            let kid = key.standing.kid;
            let plain = self
                .master
                .open(&kid, &key.sealed)
                .map_err(|error| Error::Internal(format!("key {kid}: {error}")))?;
            let sealed = new.seal(&kid, &plain, self.entropy.as_ref())?;
            resealed.push((kid, sealed));
        }
        let count = resealed.len();
        let mut settings = vec![("master_key_check".to_owned(), new.check_value()?)];
        if let Some(sealed) = self.storage.setting(AUDIT_KEY).await? {
            let plain = self
                .master
                .open(AUDIT_KEY, &sealed)
                .map_err(|error| Error::Internal(format!("the audit log's key: {error}")))?;
            let sealed = new.seal(AUDIT_KEY, &plain, self.entropy.as_ref())?;
            settings.push((AUDIT_KEY.to_owned(), sealed));
        }
        let terms = self.terms(by)?;
        self.storage.reseal_keys(resealed, settings, terms).await?;
        Ok(count)
    }

    /// Retires what has outlived the tokens it signed.
    ///
    /// # Errors
    /// A failure.
    pub(crate) async fn retire_expired(&self, now: Timestamp) -> Result<(), Error> {
        self.change(now, None, |stored, now| {
            Ok(keys::retire_expired(&standings(stored), now))
        })
        .await
    }

    /// The keys opened anew, if they are not the ones that `current` was made of.
    ///
    /// # Errors
    /// A failure.
    pub(crate) async fn load_if_changed(&self, current: &KeySet) -> Result<Option<KeySet>, Error> {
        let stored = self.storage.keys().await?;
        if current.is_made_of(&stored) {
            Ok(None)
        } else {
            KeySet::open(&stored, &self.master).map(Some)
        }
    }

    async fn change(
        &self,
        now: Timestamp,
        rotation: Option<(bool, &Caller)>,
        plan: impl Fn(&[StoredKey], Timestamp) -> Result<Vec<KeyStep>, Error>,
    ) -> Result<(), Error> {
        if self.config.tokens.algorithm == Algorithm::HS256 {
            return Err(Error::NoKeysToRotate);
        }
        for _ in 0..TRIES {
            let steps = plan(&self.storage.keys().await?, now)?;
            if steps.is_empty() {
                return Ok(());
            }
            let mut moves = Vec::new();
            let mut new = Vec::new();
            for step in steps {
                match step {
                    KeyStep::Create(state) => new.push(self.generate(state, now).await?),
                    step @ KeyStep::Move { .. } => moves.push(step),
                }
            }
            let rotation = rotation
                .map(|(compromised, by)| Ok::<_, Error>((compromised, self.terms(by)?)))
                .transpose()?;
            if self.storage.change_keys(moves, new, rotation).await? {
                return Ok(());
            }
        }
        Err(Error::Unavailable(
            "other nodes kept changing the signing keys".to_owned(),
        ))
    }

    fn terms(&self, by: &Caller) -> Result<Terms, Error> {
        Ok(Terms {
            now: by.now,
            until_at_least: by.now,
            grace: grace(self.config.leeway()),
            by: by.author(self.entropy.as_ref())?,
        })
    }

    /// An RSA key takes long to find: not on an async worker.
    async fn generate(&self, state: KeyState, now: Timestamp) -> Result<StoredKey, Error> {
        let (algorithm, master, entropy) = (
            self.config.tokens.algorithm,
            self.master.clone(),
            Arc::clone(&self.entropy),
        );
        tokio::task::spawn_blocking(move || generate(algorithm, state, now, &master, entropy.as_ref()))
            .await
            .map_err(|error| Error::Internal(format!("key generation: {error}")))?
    }
}

fn standings(stored: &[StoredKey]) -> Vec<KeyStanding> {
    stored.iter().map(|key| key.standing.clone()).collect()
}

fn retire(key: &KeyStanding) -> KeyStep {
    KeyStep::Move {
        kid: key.kid.clone(),
        from: key.state,
        to: KeyState::Retired,
        verifies_until: None,
    }
}
