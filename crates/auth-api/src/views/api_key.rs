//! An API key as clients see it. The rule: the key itself is never shown again.

use super::rfc3339;
use auth_domain::api_key::ApiKey;
use serde::Serialize;
use utoipa::ToSchema;

/// An API key, without the secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKeyJson {
    /// The key's id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The name: what the key is for.
    pub name: String,
    /// The permissions.
    pub permissions: Vec<&'static str>,
    /// When the key was created.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When the key expires.
    #[schema(required, format = DateTime)]
    pub expires_at: Option<String>,
    /// When the key was last used, to the minute.
    #[schema(required, format = DateTime)]
    pub last_used_at: Option<String>,
}

impl From<&ApiKey> for ApiKeyJson {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name.as_str().to_owned(),
            permissions: key.permissions.iter().map(|one| one.as_str()).collect(),
            created_at: rfc3339(key.created_at),
            expires_at: key.expires_at.map(rfc3339),
            last_used_at: key.last_used_at.map(rfc3339),
        }
    }
}
