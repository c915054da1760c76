//! Machine clients: other services that may introspect and revoke tokens (RFC 6749 §2.3).

use crate::{
    parts::{admin::Admin, caller::Caller, entropy::chance, error::Error, tokens::sha256},
    service::Service,
};
use auth_domain::client::{Client, ClientId};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

impl Admin {
    /// Registers a client. Its secret is in this answer and nowhere else.
    ///
    /// # Errors
    /// [`Error::InvalidClientId`] for an unfit or taken id, or a failure.
    pub async fn create_client(&self, id: &str, by: &Caller) -> Result<(ClientId, SecretString), Error> {
        let id: ClientId = id
            .parse()
            .map_err(|error| Error::InvalidClientId(format!("{error}")))?;
        let secret = SecretString::from(URL_SAFE_NO_PAD.encode(chance::<32>(self.entropy())?));
        let secret_digest = sha256(secret.expose_secret().as_bytes());
        let client = Client {
            id: id.clone(),
            secret_digest,
            created_at: by.now,
        };
        if self.storage().insert_client(client, self.terms(by)?).await? {
            Ok((id, secret))
        } else {
            Err(Error::InvalidClientId(format!("there is a client {id} already")))
        }
    }

    /// All clients.
    ///
    /// # Errors
    /// A failure.
    pub async fn clients(&self) -> Result<Vec<Client>, Error> {
        Ok(self.storage().clients().await?)
    }

    /// Takes a client's access away.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a failure.
    pub async fn delete_client(&self, id: &str, by: &Caller) -> Result<(), Error> {
        let id: ClientId = id.parse().map_err(|_| Error::NotFound)?;
        if self.storage().delete_client(&id, self.terms(by)?).await? {
            Ok(())
        } else {
            Err(Error::NotFound)
        }
    }
}

impl Service {
    /// Which client calls. Nothing tells an unknown id from a wrong secret.
    ///
    /// # Errors
    /// [`Error::InvalidClient`], or a failure.
    pub async fn authenticate_client(&self, id: &str, secret: &str) -> Result<ClientId, Error> {
        let id: ClientId = id.parse().map_err(|_| Error::InvalidClient)?;
        let presented = sha256(secret.as_bytes());
        let client = self.storage().client(&id).await?;
        let known = client.as_ref().map_or([0; 32], |client| client.secret_digest);
        if client.is_some() && bool::from(presented.ct_eq(&known)) {
            Ok(id)
        } else {
            Err(Error::InvalidClient)
        }
    }
}
