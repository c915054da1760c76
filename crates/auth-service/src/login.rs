//! `login`: a password for a session. Whoever can't sign in learns nothing of why: an unknown, disabled or password-less user
//! and an address that can't be parsed cost a look-up and a hash like a wrong password, and get the same answer.

use crate::{
    error::Error,
    hashing::Verified,
    moment::Caller,
    service::{Service, Tokens},
};
use auth_domain::{email::EmailAddress, password::PresentedPassword, user::UserStatus};
use auth_storage::{Credentials, HashUpgrade, StartedSession};
use secrecy::{ExposeSecret, SecretString};

impl Service {
    /// Signs a user in.
    ///
    /// # Errors
    /// [`Error::InvalidCredentials`], or a failure.
    pub async fn login(&self, caller: &Caller, email: &str, password: SecretString) -> Result<Tokens, Error> {
        let (credentials, upgrade) = self.verify_password(email, password).await?;
        let user = credentials.user;
        // Born with the generation that was read together with the hash: a reset in between leaves this session dead.
        let session = self.new_session(caller, user.id, user.generation)?;
        let upgrade = credentials
            .password_hash
            .zip(upgrade)
            .map(|(from, to)| HashUpgrade { from, to });
        let limit = self.config().session.max_per_user;
        match self
            .storage()
            .start_session(session.clone(), limit, upgrade, self.terms(caller.now))
            .await?
        {
            StartedSession::Started { displaced, user } => {
                self.announce(&displaced).await;
                self.give_tokens(user, &session, caller.now)
            }
            StartedSession::Outdated => Err(Error::InvalidCredentials),
        }
    }

    /// The one place where a password signs in. The second value is its hash at today's cost, if the stored one is outdated.
    async fn verify_password(
        &self,
        email: &str,
        password: SecretString,
    ) -> Result<(Credentials, Option<auth_domain::password_hash::PasswordHash>), Error> {
        let Ok(presented) = PresentedPassword::new(password.expose_secret().to_owned()) else {
            return Err(Error::InvalidCredentials);
        };
        // Before the look-up: the surplus of a flood costs no database.
        self.hasher().admit()?;
        let known = match EmailAddress::parse(email) {
            Ok(address) => self.storage().credentials(&address).await?,
            Err(_) => self
                .storage()
                .credentials(self.hasher().nobody())
                .await?
                .filter(|_| false),
        };
        let stored = known
            .as_ref()
            .and_then(|credentials| credentials.password_hash.clone());
        let verified = self.hasher().verify(stored, presented).await?;
        match (known, verified) {
            (Some(credentials), Verified::Yes { upgrade })
                if credentials.user.status == UserStatus::Active =>
            {
                Ok((credentials, upgrade))
            }
            _ => Err(Error::InvalidCredentials),
        }
    }
}
