//! Clients (programs that call Keyward). The rule: only the digest of a client secret is stored.

use crate::{
    context::ChangeContext,
    error::StorageError,
    fault::{Fault, corrupt},
    schema::clients,
    sqlty::Ts,
    storage::{Storage, run},
};
use auth_domain::client::{Client, ClientId};
use diesel::prelude::*;

impl Storage {
    /// Registers a client. `false`: its id is taken.
    pub async fn insert_client(&self, client: Client, context: ChangeContext) -> Result<bool, StorageError> {
        run!(self, write, clients::insert(&client, &context))
    }

    /// One client.
    pub async fn client(&self, id: &ClientId) -> Result<Option<Client>, StorageError> {
        let id = id.clone();
        run!(self, look, clients::client(&id))
    }

    /// All clients, ordered by id.
    pub async fn clients(&self) -> Result<Vec<Client>, StorageError> {
        run!(self, read, clients::all())
    }

    /// Deletes a client. `false`: no client has that id.
    pub async fn delete_client(&self, id: &ClientId, context: ChangeContext) -> Result<bool, StorageError> {
        let id = id.clone();
        run!(self, write, clients::delete(&id, &context))
    }
}

/// A client as stored.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = clients)]
pub(crate) struct ClientRow {
    id: String,
    secret_digest: Vec<u8>,
    created_at: Ts,
}

impl ClientRow {
    pub(crate) fn of(client: &Client) -> Self {
        Self {
            id: client.id.as_str().to_owned(),
            secret_digest: client.secret_digest.to_vec(),
            created_at: Ts(client.created_at),
        }
    }

    pub(crate) fn client(self) -> Result<Client, Fault> {
        let bad = |column| corrupt("clients", column, &self.id);
        Ok(Client {
            id: self.id.parse().map_err(|_| bad("id"))?,
            secret_digest: self
                .secret_digest
                .as_slice()
                .try_into()
                .map_err(|_| bad("secret_digest"))?,
            created_at: self.created_at.0,
        })
    }
}
