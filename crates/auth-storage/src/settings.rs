//! Settings that the nodes share: a name and bytes. The rule: of several nodes that store one, the first wins.

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

    /// Stores a setting if there is none of that name. False: there is.
    pub async fn insert_setting(&self, name: &str, value: Vec<u8>) -> Result<bool, StorageError> {
        let name = name.to_owned();
        run!(self, write, settings::insert(&name, &value))
    }
}
