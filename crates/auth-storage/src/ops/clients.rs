//! Machine clients.

use super::Conn;
use crate::{fault::Fault, rows::ClientRow, schema::clients};
use auth_domain::client::{Client, ClientId};
use diesel::prelude::*;

/// Registers a client unless its id is taken.
pub(crate) fn insert(c: &mut Conn, client: &Client) -> Result<bool, Fault> {
    let inserted = diesel::insert_into(clients::table)
        .values(ClientRow::of(client))
        .on_conflict(clients::id)
        .do_nothing()
        .execute(c)?;
    Ok(inserted == 1)
}

/// One client.
pub(crate) fn client(c: &mut Conn, id: &ClientId) -> Result<Option<Client>, Fault> {
    let found = clients::table.find(id.as_str()).select(ClientRow::as_select());
    found.first(c).optional()?.map(ClientRow::client).transpose()
}

/// All clients, by id.
pub(crate) fn all(c: &mut Conn) -> Result<Vec<Client>, Fault> {
    let rows: Vec<ClientRow> = clients::table
        .select(ClientRow::as_select())
        .order(clients::id.asc())
        .load(c)?;
    rows.into_iter().map(ClientRow::client).collect()
}

/// Forgets a client.
pub(crate) fn delete(c: &mut Conn, id: &ClientId) -> Result<bool, Fault> {
    Ok(diesel::delete(clients::table.find(id.as_str())).execute(c)? == 1)
}
