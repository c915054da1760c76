//! `keys`: creation, rotation and retirement of the signing keys. The domain plans the steps. Conditions in storage make sure that
//! of several nodes at once one succeeds.

use crate::parts::{
    audit::AUDIT_KEY,
    caller::Caller,
    config::ServiceConfig,
    entropy::Entropy,
    failure::Failure,
    keyset::{KeySet, OpenedKey, generate},
    master_key::MasterKey,
};
use auth_domain::{
    keys::{self, Algorithm, KeyStanding, KeyState, KeyStep, KeyTooYoung, KeysByAlgorithm},
    revocation::grace,
    time::Timestamp,
};
use auth_storage::{
    ChangeContext, Storage,
    signing_keys::{self, NotChanged, SetAside},
};
use std::sync::{Arc, Mutex, PoisonError};

/// How often a change is planned, if another node changes the keys first.
const TRIES: usize = 3;

/// Rotates and reseals the signing keys. It works beside running servers, which follow within a second.
pub struct KeyAdmin {
    storage: Storage,
    master: MasterKey,
    config: ServiceConfig,
    /// The algorithms whose keys are created and rotated.
    algorithms: Vec<Algorithm>,
    entropy: Arc<dyn Entropy>,
    /// The refused rows that were logged already.
    reported: Mutex<Vec<signing_keys::Stored>>,
    /// The rows that are set aside and were logged already.
    set_aside: Mutex<Vec<SetAside>>,
}

/// Why the signing keys were not changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The next signing key may not sign yet.
    #[error("the next key may not sign before {}", .0.ready_at)]
    TooYoung(KeyTooYoung),
    /// There are no signing keys: the algorithm is HS256 with a shared secret.
    #[error("with HS256 there is no key to rotate: change the shared secret")]
    SharedSecret,
    /// The caller lost the permission during the request.
    #[error("not allowed")]
    Forbidden,
    /// A failure of the server.
    #[error(transparent)]
    Failure(Failure),
}

impl<E: Into<Failure>> From<E> for KeyError {
    fn from(failure: E) -> Self {
        Self::Failure(failure.into())
    }
}

impl KeyError {
    /// The failure of a change that no caller requested.
    fn into_failure(self) -> Failure {
        match self {
            Self::Failure(failure) => failure,
            refused => Failure::internal(refused.to_string()),
        }
    }
}

impl From<KeyTooYoung> for KeyError {
    fn from(young: KeyTooYoung) -> Self {
        Self::TooYoung(young)
    }
}

/// The result of sealing the keys with another master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resealed {
    /// How many keys were sealed with it.
    pub keys: usize,
    /// The `kid` of each row that was left out because this server did not create it.
    pub refused: Vec<String>,
}

impl KeyAdmin {
    /// The operations over this storage.
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
            algorithms: config.key_algorithms(),
            config,
            entropy,
            reported: Mutex::default(),
            set_aside: Mutex::default(),
        }
    }

    /// Whether the database was created with this master key; `None` if no master key is known to it yet.
    pub async fn has_known_master_key(&self) -> Result<Option<bool>, Failure> {
        let known = self.storage.setting("master_key_check").await?;
        let ours = self.master.check_value()?;
        Ok(known.map(|known| known == ours))
    }

    /// Creates the keys that are missing for a start, and opens all keys.
    ///
    /// # Errors
    /// A failure, among them that the active key is refused.
    pub(crate) async fn complete(&self, now: Timestamp) -> Result<KeySet, Failure> {
        self.change(now, None, |table, _| {
            Ok(self.by_algorithm(&table.keys).complete())
        })
        .await
        .map_err(KeyError::into_failure)?;
        self.open(&self.table().await?.keys)
    }

    /// Whether the row of this key was set aside when the keys were last read.
    pub(crate) fn is_set_aside(&self, kid: &str) -> bool {
        let set_aside = self.set_aside.lock().unwrap_or_else(PoisonError::into_inner);
        set_aside.iter().any(|row| row.kid == kid)
    }

    /// The stored keys. Each row that this version can't read is logged once.
    async fn table(&self) -> Result<signing_keys::Table, Failure> {
        let table = self.storage.keys().await?;
        let mut named = self.set_aside.lock().unwrap_or_else(PoisonError::into_inner);
        for row in table.set_aside.iter().filter(|row| !named.contains(row)) {
            tracing::warn!(
                event = "signing_key_set_aside",
                kid = row.kid,
                column = row.column,
                "a row of signing_keys can't be read by this version: here it is neither published nor does it verify anything. All \
                 other keys go on. If no newer version runs beside this one, the row is damaged: find out who wrote it"
            );
        }
        named.clone_from(&table.set_aside);
        Ok(table)
    }

    /// The set of the published keys that can be opened. The others are refused: they are not used, and are logged once.
    fn open(&self, stored: &[signing_keys::Stored]) -> Result<KeySet, Failure> {
        let mut opened = Vec::new();
        let mut refused = Vec::new();
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        for key in stored.iter().filter(|key| key.standing.state.is_published()) {
            match OpenedKey::of(key, &self.master) {
                Ok(key) => opened.push(key),
                Err(why) => {
                    if !reported.contains(key) {
                        tracing::error!(
                            event = "signing_key_refused",
                            kid = key.standing.kid,
                            state = key.standing.state.as_str(),
                            %why,
                            "a row of signing_keys is not a key of this server: it is neither published nor does it verify anything; \
                             find out who wrote it, and retire it with `keyward keys rotate --compromised`"
                        );
                    }
                    refused.push(key.clone());
                }
            }
        }
        *reported = refused;
        KeySet::of(&self.algorithms, &opened, stored)
    }

    /// Whether this server created the key.
    fn is_genuine(&self, key: &signing_keys::Stored) -> bool {
        OpenedKey::of(key, &self.master).is_ok()
    }

    /// The steps of a plan over the genuine keys. Published rows that are refused retire first. Rows that are set aside are not
    /// part of it.
    fn rotation(
        &self,
        stored: &[signing_keys::Stored],
        plan: impl FnOnce(&KeysByAlgorithm) -> Result<Vec<KeyStep>, KeyTooYoung>,
    ) -> Result<Vec<KeyStep>, KeyTooYoung> {
        let published = stored.iter().filter(|key| key.standing.state.is_published());
        let (genuine, refused): (Vec<_>, Vec<_>) = published.cloned().partition(|key| self.is_genuine(key));
        let mut steps: Vec<KeyStep> = refused.iter().map(|key| keys::retired(&key.standing)).collect();
        steps.extend(plan(&self.by_algorithm(&genuine))?);
        Ok(steps)
    }

    /// The keys by the algorithm that they sign for.
    fn by_algorithm(&self, stored: &[signing_keys::Stored]) -> KeysByAlgorithm {
        let keys = stored.iter().map(|key| (key.algorithm, key.standing.clone()));
        KeysByAlgorithm::of(&self.algorithms, keys.collect())
    }

    /// Rotates every algorithm whose next key is old enough: that key signs from now on, and the one before retires when the tokens
    /// that it signed have expired.
    ///
    /// # Errors
    /// [`KeyError::TooYoung`], [`KeyError::SharedSecret`], [`KeyError::Forbidden`], or a failure.
    pub async fn rotate(&self, by: &Caller) -> Result<(), KeyError> {
        self.refuse_shared_secret()?;
        let (access, leeway) = (self.config.lifetimes().access, self.config.leeway());
        self.change(by.now, Some((false, by)), |table, now| {
            self.rotation(&table.keys, |genuine| genuine.rotate(now, access, leeway))
        })
        .await
    }

    /// Removes the signing key of every algorithm now, so that no token that it signed is valid any longer. It also removes every
    /// row that is refused or set aside: a newer version may sign with a key that this one can't read.
    ///
    /// # Errors
    /// [`KeyError::SharedSecret`], [`KeyError::Forbidden`], or a failure.
    pub async fn replace_compromised(&self, by: &Caller) -> Result<(), KeyError> {
        self.refuse_shared_secret()?;
        self.change(by.now, Some((true, by)), |table, _| {
            let unread = table.set_aside.iter().map(|row| row.kid.clone());
            let mut steps: Vec<KeyStep> = unread.map(KeyStep::Drop).collect();
            steps.extend(self.rotation(&table.keys, |genuine| Ok(genuine.replace_compromised()))?);
            Ok(steps)
        })
        .await
    }

    /// Every key: its standing and its algorithm.
    pub async fn list(&self) -> Result<Vec<(KeyStanding, Algorithm)>, Failure> {
        let stored = self.table().await?.keys;
        Ok(stored
            .into_iter()
            .map(|key| (key.standing, key.algorithm))
            .collect())
    }

    /// The `kid` of each published row that is refused.
    pub async fn refused(&self) -> Result<Vec<String>, Failure> {
        let stored = self.table().await?.keys.into_iter();
        let refused = stored.filter(|key| key.standing.state.is_published() && !self.is_genuine(key));
        Ok(refused.map(|key| key.standing.kid).collect())
    }

    /// Seals every key with another master key. A row that is refused stays as it is. Servers have to be restarted with the new
    /// master key.
    ///
    /// # Errors
    /// A failure; then nothing was changed.
    pub async fn reseal(&self, new: &MasterKey, by: &Caller) -> Result<Resealed, Failure> {
        let mut resealed = Vec::new();
        let mut refused = Vec::new();
        let mut has_active = false;
        let table = self.table().await?;
        for key in table.keys {
            let KeyStanding { kid, state, .. } = key.standing.clone();
            let Ok(opened) = OpenedKey::of(&key, &self.master) else {
                refused.push(kid);
                continue;
            };
            has_active |= state == KeyState::Active;
            let sealed = new.seal(&kid, &opened.private, self.entropy.as_ref())?;
            resealed.push((kid, sealed));
        }
        // A row that only a newer version can read is resealed as well, so that it stays readable to that version.
        for SetAside { kid, sealed, .. } in table.set_aside {
            match self.master.open(&kid, &sealed) {
                Ok(private) => {
                    let sealed = new.seal(&kid, &private, self.entropy.as_ref())?;
                    resealed.push((kid, sealed));
                }
                Err(_) => refused.push(kid),
            }
        }
        if !has_active && !refused.is_empty() {
            return Err(Failure::internal(format!(
                "no active key opens with this master key; refused: {}",
                refused.join(", ")
            )));
        }
        let count = resealed.len();
        let mut settings = vec![("master_key_check".to_owned(), new.check_value()?)];
        if let Some(sealed) = self.storage.setting(AUDIT_KEY).await? {
            let plain = self
                .master
                .open(AUDIT_KEY, &sealed)
                .map_err(|error| Failure::internal(format!("the audit log's key: {error}")))?;
            let sealed = new.seal(AUDIT_KEY, &plain, self.entropy.as_ref())?;
            settings.push((AUDIT_KEY.to_owned(), sealed));
        }
        let context = self.change_context(by)?;
        self.storage.reseal_keys(resealed, settings, context).await?;
        Ok(Resealed { keys: count, refused })
    }

    /// Retires the keys whose tokens have all expired.
    pub(crate) async fn retire_expired(&self, now: Timestamp) -> Result<(), Failure> {
        self.change(now, None, |table, now| {
            Ok(keys::retire_expired(&standings(&table.keys), now))
        })
        .await
        .map_err(KeyError::into_failure)
    }

    /// The stored keys, opened, if they differ from the ones that `current` was built from.
    pub(crate) async fn load_if_changed(&self, current: &KeySet) -> Result<Option<KeySet>, Failure> {
        let stored = self.table().await?.keys;
        if current.is_built_from(&stored) {
            Ok(None)
        } else {
            self.open(&stored).map(Some)
        }
    }

    /// Refuses if a shared secret signs, because then there are no keys.
    fn refuse_shared_secret(&self) -> Result<(), KeyError> {
        if self.algorithms.is_empty() {
            return Err(KeyError::SharedSecret);
        }
        Ok(())
    }

    async fn change(
        &self,
        now: Timestamp,
        rotation: Option<(bool, &Caller)>,
        plan: impl Fn(&signing_keys::Table, Timestamp) -> Result<Vec<KeyStep>, KeyTooYoung>,
    ) -> Result<(), KeyError> {
        // A server whose master key was changed since its start would take every row for one to remove.
        if rotation.is_some() && self.has_known_master_key().await? == Some(false) {
            let why = "the keys were sealed with another master key since this server was started";
            return Err(Failure::unavailable(why).into());
        }
        for _ in 0..TRIES {
            let steps = plan(&self.table().await?, now)?;
            if steps.is_empty() {
                return Ok(());
            }
            let mut moves = Vec::new();
            let mut new = Vec::new();
            for step in steps {
                match step {
                    KeyStep::Create(algorithm, state) => {
                        new.push(self.generate(algorithm, state, now).await?);
                    }
                    step @ (KeyStep::Move { .. } | KeyStep::Drop(_)) => moves.push(step),
                }
            }
            let rotation = rotation
                .map(|(compromised, by)| Ok::<_, Failure>((compromised, self.change_context(by)?)))
                .transpose()?;
            match self.storage.change_keys(moves, new, rotation).await? {
                Ok(()) => return Ok(()),
                Err(NotChanged::CallerRevoked) => return Err(KeyError::Forbidden),
                Err(NotChanged::Outrun) => {}
            }
        }
        Err(Failure::unavailable("other nodes kept changing the signing keys").into())
    }

    fn change_context(&self, by: &Caller) -> Result<ChangeContext, Failure> {
        Ok(ChangeContext {
            now: by.now,
            until_at_least: by.now,
            grace: grace(self.config.leeway()),
            by: by.audit_context(self.entropy.as_ref())?,
        })
    }

    /// Generates a key. It takes long for RSA, so it does not run on an async worker.
    async fn generate(
        &self,
        algorithm: Algorithm,
        state: KeyState,
        now: Timestamp,
    ) -> Result<signing_keys::Stored, Failure> {
        let (master, entropy) = (self.master.clone(), Arc::clone(&self.entropy));
        tokio::task::spawn_blocking(move || generate(algorithm, state, now, &master, entropy.as_ref()))
            .await
            .map_err(|error| Failure::internal(format!("key generation: {error}")))?
    }
}

fn standings(stored: &[signing_keys::Stored]) -> Vec<KeyStanding> {
    stored.iter().map(|key| key.standing.clone()).collect()
}

#[cfg(test)]
mod tests;
