//! `keyward api-key`: the operator lists and revokes the API keys of users.

use super::{
    listing::Listing,
    operator::{Operator, failed, failed_for, named_user, stamp},
};
use crate::{
    cli::{ApiKey, Output},
    output::{CommandError, print},
};
use auth_domain::api_key;
use serde_json::{Value, json};

const HEADING: [&str; 6] = ["KEY", "NAME", "PERMISSIONS", "CREATED", "EXPIRES", "LAST USED"];

pub(super) async fn run(operator: Operator, verb: ApiKey) -> Result<(), CommandError> {
    match verb {
        ApiKey::List { user, output } => list(&operator, &user, output).await,
        ApiKey::Revoke { user, key } => revoke(&operator, &user, &key).await,
    }
}

async fn list(operator: &Operator, user: &str, output: Output) -> Result<(), CommandError> {
    let admin = operator.admin()?;
    let owner = named_user(&admin, user).await?;
    let keys = admin.api_keys(owner.id).await.map_err(failed)?;
    let mut listing = Listing::new(output, &HEADING);
    listing.page(&keys, as_json, as_row)?;
    listing.end()
}

async fn revoke(operator: &Operator, user: &str, key: &str) -> Result<(), CommandError> {
    let key = key
        .parse()
        .map_err(|error| CommandError::Usage(format!("{key:?} is not the ID of an API key: {error}")))?;
    let admin = operator.admin()?;
    let owner = named_user(&admin, user).await?;
    admin
        .revoke_api_key(owner.id, key, &operator.caller())
        .await
        .map_err(|error| failed_for(error, format_args!("API key {key} of {}", owner.email.as_str())))?;
    print(format_args!(
        "revoked the API key {key} of {}",
        owner.email.as_str()
    ))
}

/// A key as the routes return it.
fn as_json(key: &api_key::ApiKey) -> Value {
    json!({
        "id": key.id.to_string(),
        "name": key.name.as_str(),
        "permissions": key.permissions.iter().map(|one| one.as_str()).collect::<Vec<_>>(),
        "created_at": stamp(key.created_at),
        "expires_at": key.expires_at.map(stamp),
        "last_used_at": key.last_used_at.map(stamp),
    })
}

fn as_row(key: &api_key::ApiKey) -> Vec<String> {
    let permissions: Vec<&str> = key.permissions.iter().map(|one| one.as_str()).collect();
    let or_never = |at: Option<_>| at.map_or_else(|| "never".to_owned(), stamp);
    vec![
        key.id.to_string(),
        key.name.as_str().to_owned(),
        if permissions.is_empty() {
            "-".to_owned()
        } else {
            permissions.join(",")
        },
        stamp(key.created_at),
        or_never(key.expires_at),
        or_never(key.last_used_at),
    ]
}
