//! `login`: signs a user in with a password. The answer does not reveal why a sign-in failed: an unknown or disabled user, a user
//! without a password, and an address that can't be parsed cost a look-up and a hash like a wrong password, and get the same
//! answer. Only the right password of a user whose address has to be confirmed first gets another answer, at the same cost.

use crate::{
    parts::{caller::Caller, device::KnownDevice, events::Event, failure::Failure},
    password_check::{Guess, GuessResult},
    service::Service,
    sign_in::{
        complete::{Claimant, SignInStep},
        error::SignInError,
    },
};
use auth_domain::{
    audit::Actor, email::EmailAddress, password_hash::PasswordHash, sign_in_failure::SignInFailure,
};
use auth_storage::{
    sessions::SignIn,
    users::{Credentials, HashUpgrade},
};
use secrecy::SecretString;

/// A user whose password was right.
struct RightPassword {
    credentials: Credentials,
    /// The new hash, if the stored one is outdated.
    upgrade: Option<HashUpgrade>,
    /// The device, if the user knows it.
    device: Option<KnownDevice>,
}

impl Service {
    /// Signs a user in, or returns what they have to prove besides.
    ///
    /// # Errors
    /// [`SignInError::InvalidCredentials`], [`SignInError::EmailNotVerified`], [`SignInError::RateLimited`], or a failure.
    pub async fn login(
        &self,
        caller: &Caller,
        email: &str,
        password: SecretString,
    ) -> Result<SignInStep, SignInError> {
        let outcome = self.try_login(caller, email, password).await;
        if let Err(error) = &outcome {
            self.emit(Event::SignInRefused(error.into()), caller);
        }
        outcome
    }

    async fn try_login(
        &self,
        caller: &Caller,
        email: &str,
        password: SecretString,
    ) -> Result<SignInStep, SignInError> {
        let right = self.verify_password(caller, email, password).await?;
        let user = right.credentials.user;
        let caller = caller.clone().authenticated_as(Actor::User(user.id));
        let (upgrade, known_device) = (right.upgrade, right.device.is_some());
        let first = user.last_login_at.is_none();
        let claimant = Claimant::by_password(user.id, user.generation, &caller);
        self.complete(&caller, claimant, async |session| {
            let sign_in = SignIn {
                session,
                max_per_user: self.config().session.max_per_user,
                upgrade,
                known_device,
                first,
            };
            let started = self
                .storage()
                .start_session(sign_in, self.change_context(&caller)?);
            Ok(started.await??.settle(self).await)
        })
        .await
    }

    /// Verifies the password of a sign-in. Nothing else does.
    async fn verify_password(
        &self,
        caller: &Caller,
        email: &str,
        password: SecretString,
    ) -> Result<RightPassword, SignInError> {
        let Some(presented) = self.presented_password(&password)? else {
            return Err(SignInError::InvalidCredentials);
        };
        let address = EmailAddress::parse(email);
        let account = address.as_ref().unwrap_or(self.hasher().placeholder_email());
        let found = self.storage().credentials(account).await?;
        let waiting = self.waiting_password(account).await?;
        let known = found.filter(|_| address.is_ok()).map(|known| Credentials {
            password_hash: known.password_hash.or(waiting),
            ..known
        });
        let device = self.presented_device(caller).filter(|device| {
            known
                .as_ref()
                .is_some_and(|known| device.is_known_to(known.user.id, known.devices_from))
        });
        let guess = Guess::SignIn {
            address: address.as_ref().ok(),
            account: known.as_ref(),
            device,
        };
        let guessed = self.verify_guess::<SignInError>(guess, presented, caller).await?;
        match (known, guessed) {
            (Some(credentials), GuessResult::Right { upgrade, .. }) => Ok(RightPassword {
                credentials,
                upgrade,
                device,
            }),
            (_, GuessResult::Refused(SignInFailure::EmailNotVerified)) => Err(SignInError::EmailNotVerified),
            _ => Err(SignInError::InvalidCredentials),
        }
    }

    /// The password of a registration whose address is not confirmed yet. If addresses need not be confirmed, there is none;
    /// otherwise it is looked up for every address, so that the time of the answer reveals nothing.
    async fn waiting_password(&self, account: &EmailAddress) -> Result<Option<PasswordHash>, Failure> {
        if !self.config().registration.require_verified_email {
            return Ok(None);
        }
        Ok(self.storage().waiting_password(account).await?)
    }
}
