//! `login`: a password for a session. A caller who can't sign in learns nothing of why: an unknown, disabled or password-less
//! user and an address that can't be parsed cost a look-up and a hash like a wrong password, and get the same answer. Only the
//! right password of a user whose address has to be confirmed first gets another one, at the same cost.

use crate::{
    gate,
    parts::{caller::Caller, device::KnownDevice, events::Event, failure::Failure, hashing::Verified},
    service::Service,
    sign_in::{
        complete::{Proved, SignInStep},
        error::SignInError,
    },
};
use auth_domain::{
    audit::{Action, Actor},
    email::EmailAddress,
    password::PresentedPassword,
    password_hash::PasswordHash,
    sign_in_failure::{SignInFacts, SignInFailure},
    user::User,
};
use auth_storage::{
    sessions::SignIn,
    users::{Credentials, HashUpgrade},
};
use secrecy::{ExposeSecret, SecretString};

/// A user whose password was right.
struct RightPassword {
    credentials: Credentials,
    /// The hash at today's cost, if the stored one is outdated.
    upgrade: Option<PasswordHash>,
    /// The device, if the user knows it.
    device: Option<KnownDevice>,
}

impl Service {
    /// Signs a user in, or says what they have to prove besides.
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
        let proved = self.verify_password(caller, email, password).await?;
        let user = proved.credentials.user;
        let caller = caller.clone().proved(Actor::User(user.id));
        let upgrade = proved
            .credentials
            .password_hash
            .zip(proved.upgrade)
            .map(|(from, to)| HashUpgrade { from, to });
        let (known_device, first) = (proved.device.is_some(), user.last_login_at.is_none());
        let proved = Proved::password(user.id, user.generation, &caller);
        self.complete(&caller, proved, async |session| {
            let sign_in = SignIn {
                session,
                max_per_user: self.config().session.max_per_user,
                upgrade,
                known_device,
                first,
            };
            let started = self.storage().start_session(sign_in, self.terms(&caller)?);
            Ok(started.await??.settle(self).await)
        })
        .await
    }

    /// The one place where a password signs in.
    async fn verify_password(
        &self,
        caller: &Caller,
        email: &str,
        password: SecretString,
    ) -> Result<RightPassword, SignInError> {
        let Ok(presented) = PresentedPassword::new(password.expose_secret().to_owned()) else {
            return Err(SignInError::InvalidCredentials);
        };
        // Before the look-up: the surplus of a flood costs no database.
        self.hasher().admit()?;
        let address = EmailAddress::parse(email);
        let account = address.as_ref().unwrap_or(self.hasher().nobody());
        let found = self.storage().credentials(account).await?;
        let waiting = self.waiting_password(account).await?;
        let known = found.filter(|_| address.is_ok()).map(|known| Credentials {
            password_hash: known.password_hash.or(waiting),
            ..known
        });
        let device = self.shown_device(caller).filter(|device| {
            known
                .as_ref()
                .is_some_and(|known| device.is_known_to(known.user.id, known.devices_from))
        });
        let held = match (&address, device.zip(known.as_ref())) {
            (Ok(account), shown) => {
                let shown = shown.map(|(device, credentials)| gate::known(device, credentials));
                self.admit_sign_in(caller, account, shown).await?
            }
            (Err(_), _) => self.admit_unreadable_sign_in(caller).await?,
        };
        let stored = known.as_ref().and_then(|known| known.password_hash.clone());
        let verified = match self.hasher().verify(stored, presented).await {
            Ok(verified) => verified,
            Err(failure) => {
                self.was_not_read(held, caller).await;
                return Err(failure.into());
            }
        };
        let right = matches!(verified, Verified::Yes { .. });
        let failure = self.why_refused(known.as_ref(), right);
        if matches!(failure, None | Some(SignInFailure::EmailNotVerified)) {
            self.was_right(held, caller).await;
        }
        match (known, verified, failure) {
            (Some(credentials), Verified::Yes { upgrade }, None) => Ok(RightPassword {
                credentials,
                upgrade,
                device,
            }),
            (known, _, failure) => {
                self.note_failed_sign_in(caller, known.as_ref(), right, device.is_some())
                    .await?;
                Err(match failure {
                    Some(SignInFailure::EmailNotVerified) => SignInError::EmailNotVerified,
                    _ => SignInError::InvalidCredentials,
                })
            }
        }
    }

    /// The password of a registration that waits for its address. Where no address has to be confirmed, none waits; where one has to
    /// be, this is looked up for every address.
    async fn waiting_password(&self, account: &EmailAddress) -> Result<Option<PasswordHash>, Failure> {
        if !self.config().registration.require_verified_email {
            return Ok(None);
        }
        Ok(self.storage().waiting_password(account).await?)
    }

    /// Why this account may not sign in; `None`: it may.
    fn why_refused(&self, account: Option<&Credentials>, password_right: bool) -> Option<SignInFailure> {
        let facts = account.map(|known| SignInFacts {
            status: known.user.status,
            has_password: known.password_hash.is_some(),
            password_changed: known.password_changed_at.is_some(),
            password_right,
            verified: self.is_verified(&known.user),
        });
        SignInFailure::of(facts.as_ref())
    }

    fn is_verified(&self, user: &User) -> bool {
        user.email_verified_at.is_some() || !self.config().registration.require_verified_email
    }

    /// The same write whatever the reason is: the time of the answer does not tell it.
    pub(crate) async fn note_failed_sign_in(
        &self,
        caller: &Caller,
        account: Option<&Credentials>,
        password_right: bool,
        known_device: bool,
    ) -> Result<(), Failure> {
        self.emit(Event::PasswordRefused, caller);
        let reason = self
            .why_refused(account, password_right)
            .unwrap_or(SignInFailure::WrongPassword);
        let details = vec![
            ("known_device", known_device.to_string()),
            ("reason", reason.as_str().to_owned()),
        ];
        let subject = account.map(|known| known.user.id);
        let terms = self.terms(caller)?;
        Ok(self
            .storage()
            .note(Action::SignInFailed, subject, details, terms)
            .await?)
    }
}
