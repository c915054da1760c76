//! `keyward keys`: the signing keys, which are encrypted with the master key.

use super::operator::{Operator, failed, stamp};
use crate::{
    cli::{Keys, Output},
    config::{MASTER_KEY, NEW_MASTER_KEY, Sources},
    master_key,
    output::{CommandError, print, print_json, print_table, say},
};
use auth_service::{KeyAdmin, MasterKey, Resealed, SystemEntropy};
use auth_storage::signing_keys::Table;
use serde_json::json;
use std::sync::Arc;

pub(super) async fn run(operator: Operator, verb: Keys) -> Result<(), CommandError> {
    match verb {
        Keys::List(output) => list(&operator, output).await,
        Keys::Rotate { compromised } => rotate(&operator, compromised).await,
        Keys::Reseal => reseal(&operator).await,
    }
}

async fn list(operator: &Operator, output: Output) -> Result<(), CommandError> {
    let Table { keys, set_aside } = operator.storage.keys().await.map_err(CommandError::failed)?;
    // Without the master key, the list shows the rows unchecked.
    let refused = match key_admin(operator).await {
        Ok(admin) => admin.refused().await.map_err(failed)?,
        Err(_) => Vec::new(),
    };
    if output.json {
        let rows = keys.iter().map(|key| {
            json!({
                "kid": key.standing.kid,
                "state": key.standing.state.as_str(),
                "algorithm": key.algorithm.as_str(),
                "published_at": stamp(key.standing.published_at),
                "verifies_until": key.standing.verifies_until.map(stamp),
                "refused": refused.contains(&key.standing.kid),
            })
        });
        let unread = set_aside.iter().map(|row| {
            json!({
                "kid": row.kid,
                "state": null,
                "algorithm": null,
                "published_at": null,
                "verifies_until": null,
                "refused": true,
            })
        });
        return print_json(&rows.chain(unread).collect::<Vec<_>>());
    }
    let until = |at: Option<_>| at.map_or_else(|| "-".to_owned(), stamp);
    let unread = set_aside.iter().map(|row| {
        let none = || "-".to_owned();
        let state = format!("set aside (no known {})", row.column);
        vec![row.kid.clone(), state, none(), none(), none()]
    });
    let rows: Vec<_> = keys
        .iter()
        .map(|key| {
            let standing = &key.standing;
            vec![
                standing.kid.clone(),
                if refused.contains(&standing.kid) {
                    format!("refused ({})", standing.state.as_str())
                } else {
                    standing.state.as_str().to_owned()
                },
                key.algorithm.to_string(),
                stamp(standing.published_at),
                until(standing.verifies_until),
            ]
        })
        .chain(unread)
        .collect();
    print_table(
        &["KEY", "STATE", "ALGORITHM", "PUBLISHED", "VERIFIES UNTIL"],
        &rows,
    )
}

/// The master key that the database was created with. Data that is sealed with another key would stop every server.
pub(super) async fn known_master_key(operator: &Operator) -> Result<MasterKey, CommandError> {
    let master =
        master_key::find(&operator.config).map_err(|reason| CommandError::Usage(reason.to_string()))?;
    let admin = key_admin_with(operator, master.clone());
    match admin.has_known_master_key().await.map_err(failed)? {
        Some(false) => Err(CommandError::Failed(
            auth_service::StartError::WrongMasterKey.to_string(),
        )),
        Some(true) => Ok(master),
        None => Err(CommandError::Failed(
            "there are no keys yet: the first `keyward serve` creates them".to_owned(),
        )),
    }
}

fn key_admin_with(operator: &Operator, master: MasterKey) -> KeyAdmin {
    KeyAdmin::new(
        operator.storage.clone(),
        master,
        operator.config.service.clone(),
        Arc::new(SystemEntropy),
    )
}

async fn key_admin(operator: &Operator) -> Result<KeyAdmin, CommandError> {
    Ok(key_admin_with(operator, known_master_key(operator).await?))
}

async fn rotate(operator: &Operator, compromised: bool) -> Result<(), CommandError> {
    let admin = key_admin(operator).await?;
    if compromised {
        admin
            .replace_compromised(&operator.caller())
            .await
            .map_err(failed)?;
        print(
            "revoked the active key and every access token that it signed; the servers apply it within a second",
        )
    } else {
        admin.rotate(&operator.caller()).await.map_err(failed)?;
        print(
            "new tokens are signed with the next key; the previous key verifies until its last token has expired",
        )
    }
}

/// Running servers have the old key in memory and would go on using it. With the embedded database, the lock excludes them; with
/// PostgreSQL, the operator has to stop them.
async fn reseal(operator: &Operator) -> Result<(), CommandError> {
    let _no_server = operator.storage.claim_serving().map_err(CommandError::failed)?;
    let admin = key_admin(operator).await?;
    let missing = || {
        CommandError::Usage(format!(
            "set the new master key in {NEW_MASTER_KEY} (create one with `openssl rand -base64 32`), and leave the old one as it is"
        ))
    };
    let text = Sources::of_process()
        .secret(NEW_MASTER_KEY)
        .map_err(|problem| CommandError::Usage(problem.to_string()))?
        .ok_or_else(missing)?;
    let new = MasterKey::from_base64(&text)
        .map_err(|error| CommandError::Usage(format!("{NEW_MASTER_KEY}: {error}")))?;
    let resealed = admin.reseal(&new, &operator.caller()).await;
    let Resealed { keys: count, refused } = resealed.map_err(failed)?;
    if !refused.is_empty() {
        say(format_args!(
            "left out, because this server did not create them: {}",
            refused.join(", ")
        ));
    }
    match (&operator.config.master_key, master_key::file_of(&operator.config)) {
        (None, Some(file)) => {
            if let Err(error) = master_key::replace(&file, &new) {
                say(format_args!(
                    "the keys are encrypted with the new master key, but it could not be written: write it to {} yourself",
                    file.display()
                ));
                return Err(CommandError::failed(error));
            }
            print(format_args!(
                "sealed {count} keys with the new master key, which is now in {}",
                file.display()
            ))
        }
        _ => print(format_args!(
            "sealed {count} keys with the new master key: start the servers with it in {MASTER_KEY}"
        )),
    }?;
    say("refresh tokens were signed under the old master key: all users have to sign in again");
    Ok(())
}
