//! Clients. The rule: each change is recorded in the audit log.

use super::{
    Conn, readable_rows,
    side_effects::{AuditEntry, AuditWriter},
    transaction,
};
use crate::{clients::ClientRow, context::ChangeContext, fault::Fault, schema::clients};
use auth_domain::{
    audit::Action,
    client::{Client, ClientId},
};
use diesel::prelude::*;

/// Registers a client, unless its id is taken.
pub(crate) fn insert(c: &mut Conn, client: &Client, context: &ChangeContext) -> Result<bool, Fault> {
    transaction(c, |c| {
        let inserted = diesel::insert_into(clients::table)
            .values(ClientRow::of(client))
            .on_conflict(clients::id)
            .do_nothing()
            .execute(c)?;
        audit_if(c, inserted == 1, Action::ClientCreated, &client.id, context)
    })
}

fn audit_if(
    c: &mut Conn,
    done: bool,
    action: Action,
    id: &ClientId,
    context: &ChangeContext,
) -> Result<bool, Fault> {
    if done {
        AuditWriter::of(context).audit(c, AuditEntry::of(action).with("client", id.as_str()))?;
    }
    Ok(done)
}

/// One client.
pub(crate) fn client(c: &mut Conn, id: &ClientId) -> Result<Option<Client>, Fault> {
    let found = clients::table.find(id.as_str()).select(ClientRow::as_select());
    found.first(c).optional()?.map(ClientRow::client).transpose()
}

/// All clients, ordered by id.
pub(crate) fn all(c: &mut Conn) -> Result<Vec<Client>, Fault> {
    let rows: Vec<ClientRow> = clients::table
        .select(ClientRow::as_select())
        .order(clients::id.asc())
        .load(c)?;
    readable_rows(rows, ClientRow::client)
}

/// Deletes a client.
pub(crate) fn delete(c: &mut Conn, id: &ClientId, context: &ChangeContext) -> Result<bool, Fault> {
    transaction(c, |c| {
        let deleted = diesel::delete(clients::table.find(id.as_str())).execute(c)?;
        audit_if(c, deleted == 1, Action::ClientDeleted, id, context)
    })
}
