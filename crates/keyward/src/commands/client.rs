//! `keyward client`: the clients that may call `/introspect` and `/revoke`.

use super::operator::{Operator, failed, failed_for, stamp};
use crate::{
    cli::{Client, Output},
    output::{CommandError, print, print_json, print_table, say},
};
use secrecy::ExposeSecret;
use serde_json::json;

pub(super) async fn run(operator: Operator, verb: Client) -> Result<(), CommandError> {
    match verb {
        Client::Create { id, output } => create(&operator, &id, output).await,
        Client::List(output) => list(&operator, output).await,
        Client::Delete { id } => {
            operator
                .admin()?
                .delete_client(&id, &operator.caller())
                .await
                .map_err(|error| failed_for(error, format_args!("client {id:?}")))?;
            print(format_args!("deleted the client {id}"))
        }
    }
}

async fn create(operator: &Operator, id: &str, output: Output) -> Result<(), CommandError> {
    let (id, secret) = operator
        .admin()?
        .create_client(id, &operator.caller())
        .await
        .map_err(failed)?;
    if output.json {
        return print_json(&json!({ "client_id": id.as_str(), "client_secret": secret.expose_secret() }));
    }
    print(format_args!(
        "client_id: {id}\nclient_secret: {}",
        secret.expose_secret()
    ))?;
    say("store the secret now: only its digest is kept, so it can't be shown again");
    Ok(())
}

async fn list(operator: &Operator, output: Output) -> Result<(), CommandError> {
    let clients = operator.admin()?.clients().await.map_err(failed)?;
    if output.json {
        let rows = clients
            .iter()
            .map(|one| json!({ "client_id": one.id.as_str(), "created_at": stamp(one.created_at) }));
        return print_json(&rows.collect::<Vec<_>>());
    }
    let rows: Vec<_> = clients
        .iter()
        .map(|one| vec![one.id.to_string(), stamp(one.created_at)])
        .collect();
    print_table(&["CLIENT", "CREATED"], &rows)
}
