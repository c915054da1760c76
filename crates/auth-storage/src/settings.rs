//! Settings that the nodes share: a name and bytes. The rule: if several nodes store the same setting, the first one wins.

use crate::{
    error::StorageError,
    storage::{Storage, run},
};

impl Storage {
    /// One setting.
    pub async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        let name = name.to_owned();
        run!(self, read, settings::value(&name))
    }

    /// Stores a setting, unless there is one with that name. `false`: there is one.
    pub async fn insert_setting(&self, name: &str, value: Vec<u8>) -> Result<bool, StorageError> {
        let name = name.to_owned();
        run!(self, write, settings::insert(&name, &value))
    }
}
