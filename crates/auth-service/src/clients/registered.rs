//! Registered clients: other services that may introspect and revoke tokens (RFC 6749 §2.3).

use crate::{
    parts::{admin::Admin, caller::Caller, entropy::random_bytes, failure::Failure, tokens::sha256},
    service::Service,
};
use auth_domain::client::{Client, ClientId};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// Why a client was not registered, deleted or authenticated.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The text can't be a client's id, or the id is taken.
    #[error("{0}")]
    InvalidId(String),
    /// There is no such client.
    #[error("not found")]
    NotFound,
    /// The client is unknown, or its secret is wrong.
    #[error("the client is unknown or its secret is wrong")]
    InvalidClient,
    /// A failure of the server.
    #[error(transparent)]
    Failure(Failure),
}

impl<E: Into<Failure>> From<E> for ClientError {
    fn from(failure: E) -> Self {
        Self::Failure(failure.into())
    }
}

impl Admin {
    /// Registers a client. Its secret is in this answer and nowhere else.
    ///
    /// # Errors
    /// [`ClientError::InvalidId`] for a malformed or taken id, or a failure.
    pub async fn create_client(
        &self,
        id: &str,
        by: &Caller,
    ) -> Result<(ClientId, SecretString), ClientError> {
        let id: ClientId = id
            .parse()
            .map_err(|error| ClientError::InvalidId(format!("{error}")))?;
        let secret = SecretString::from(URL_SAFE_NO_PAD.encode(random_bytes::<32>(self.entropy())?));
        let secret_digest = sha256(secret.expose_secret().as_bytes());
        let client = Client {
            id: id.clone(),
            secret_digest,
            created_at: by.now,
        };
        if self
            .storage()
            .insert_client(client, self.change_context(by)?)
            .await?
        {
            Ok((id, secret))
        } else {
            Err(ClientError::InvalidId(format!("client {id} already exists")))
        }
    }

    /// All clients.
    pub async fn clients(&self) -> Result<Vec<Client>, Failure> {
        Ok(self.storage().clients().await?)
    }

    /// Deletes a client: its secret is refused from now on.
    ///
    /// # Errors
    /// [`ClientError::NotFound`], or a failure.
    pub async fn delete_client(&self, id: &str, by: &Caller) -> Result<(), ClientError> {
        let id: ClientId = id.parse().map_err(|_| ClientError::NotFound)?;
        if self
            .storage()
            .delete_client(&id, self.change_context(by)?)
            .await?
        {
            Ok(())
        } else {
            Err(ClientError::NotFound)
        }
    }
}

impl Service {
    /// Authenticates a client. The answer to an unknown id is the same as to a wrong secret.
    ///
    /// # Errors
    /// [`ClientError::InvalidClient`], or a failure.
    pub async fn authenticate_client(&self, id: &str, secret: &str) -> Result<ClientId, ClientError> {
        let id: ClientId = id.parse().map_err(|_| ClientError::InvalidClient)?;
        let presented = sha256(secret.as_bytes());
        let client = self.storage().client(&id).await?;
        let known = client.as_ref().map_or([0; 32], |client| client.secret_digest);
        if client.is_some() && bool::from(presented.ct_eq(&known)) {
            Ok(id)
        } else {
            Err(ClientError::InvalidClient)
        }
    }
}
