//! Signing keys, settings and machine clients.

use super::{Storage, run};
use crate::{context::ChangeContext, error::StorageError, outcomes::StoredKey};
use auth_domain::{
    client::{Client, ClientId},
    keys::KeyStep,
};

impl Storage {
    /// All signing keys, the oldest first.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn keys(&self) -> Result<Vec<StoredKey>, StorageError> {
        run!(self, read, keys::all())
    }

    /// Moves keys and adds new ones, in the order given. False, and nothing is written, if a key was not where its move
    /// starts, or another node was first. A rotation that somebody asked for is noted: whether the old key was compromised, and
    /// by whom.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn change_keys(
        &self,
        moves: Vec<KeyStep>,
        new: Vec<StoredKey>,
        rotation: Option<(bool, ChangeContext)>,
    ) -> Result<bool, StorageError> {
        run!(
            self,
            write,
            keys::change(
                &moves,
                new,
                rotation
                    .as_ref()
                    .map(|(compromised, terms)| (*compromised, terms))
            )
        )
    }

    /// Replaces what is sealed with the master key, all or nothing: keys by `kid`, settings by name.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn reseal_keys(
        &self,
        keys: Vec<(String, Vec<u8>)>,
        settings: Vec<(String, Vec<u8>)>,
        terms: ChangeContext,
    ) -> Result<(), StorageError> {
        run!(self, write, keys::reseal(&keys, &settings, &terms))
    }

    /// One setting.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        let name = name.to_owned();
        run!(self, read, settings::value(&name))
    }

    /// Stores a setting if there is none of that name. False: there is.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn insert_setting(&self, name: &str, value: Vec<u8>) -> Result<bool, StorageError> {
        let name = name.to_owned();
        run!(self, write, settings::insert(&name, &value))
    }

    /// Registers a client. False: its id is taken.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn insert_client(&self, client: Client, terms: ChangeContext) -> Result<bool, StorageError> {
        run!(self, write, clients::insert(&client, &terms))
    }

    /// One client.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn client(&self, id: &ClientId) -> Result<Option<Client>, StorageError> {
        let id = id.clone();
        run!(self, look, clients::client(&id))
    }

    /// All clients, by id.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn clients(&self) -> Result<Vec<Client>, StorageError> {
        run!(self, read, clients::all())
    }

    /// Forgets a client. False: there is none of that id.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub async fn delete_client(&self, id: &ClientId, terms: ChangeContext) -> Result<bool, StorageError> {
        let id = id.clone();
        run!(self, write, clients::delete(&id, &terms))
    }
}
