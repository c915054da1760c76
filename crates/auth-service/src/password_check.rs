//! One attempt at a password, whatever it is for: its limits, the hash, what is given back, the rehash and the note of a failure stand
//! here alone. A use case says whose password it is and who tries; what a right one is worth is the use case's.

use crate::{
    parts::{
        caller::Caller, device::KnownDevice, events::Event, failure::Failure, hashing::Verified,
        refusals::RateLimited,
    },
    service::Service,
    throttle::{TakenPermits, device_digests},
};
use auth_domain::{
    audit::Action,
    email::EmailAddress,
    ids::SessionId,
    password::PresentedPassword,
    sign_in_failure::{SignInFacts, SignInFailure},
    user::User,
};
use auth_storage::users::{Credentials, HashUpgrade};
use secrecy::{ExposeSecret, SecretString};

/// Who tries a password, and of which account.
pub(crate) enum Guess<'a> {
    /// Somebody who signs in.
    SignIn {
        /// The address; `None` if what they typed can't be one.
        address: Option<&'a EmailAddress>,
        /// Its account, if there is one.
        account: Option<&'a Credentials>,
        /// The device that they show, if the account knows it.
        device: Option<KnownDevice>,
    },
    /// The user of a session, who confirms who they are.
    InSession {
        /// The session.
        session: SessionId,
        /// Their account.
        account: &'a Credentials,
    },
    /// The reader of a mailed link. The link itself was counted by [`Service::admit_link`].
    WithLink {
        /// The account that the link is of.
        account: &'a Credentials,
    },
}

/// What came of a guess.
#[expect(
    clippy::large_enum_variant,
    reason = "one value beside a hash that takes milliseconds: a box would only add an allocation"
)]
pub(crate) enum GuessResult {
    /// The password is the right one.
    Right {
        /// The rewrite of the stored hash, if it has another form or cost than today's.
        upgrade: Option<HashUpgrade>,
        /// What the request has still taken.
        permits: TakenPermits,
    },
    /// It is not, or it does not open this account. That is noted, and counted.
    Refused(SignInFailure),
}

impl<'a> Guess<'a> {
    const fn account(&self) -> Option<&'a Credentials> {
        match self {
            Self::SignIn { account, .. } => *account,
            Self::InSession { account, .. } | Self::WithLink { account } => Some(account),
        }
    }

    const fn by_known_device(&self) -> bool {
        match self {
            Self::SignIn { device, .. } => device.is_some(),
            Self::InSession { .. } => true,
            Self::WithLink { .. } => false,
        }
    }
}

impl Service {
    /// A password as typed, before anything is looked up for it: the surplus of a flood costs no database. `None`: no account can have
    /// it, so it is no guess at any.
    ///
    /// # Errors
    /// [`Failure::Overloaded`] while the hashing threads have more to do than they will do in time.
    pub(crate) fn presented(&self, typed: &SecretString) -> Result<Option<PresentedPassword>, Failure> {
        let Ok(presented) = PresentedPassword::new(typed.expose_secret().to_owned()) else {
            return Ok(None);
        };
        self.hasher().admit()?;
        Ok(Some(presented))
    }

    /// Verifies a password. A wrong one stays counted and is noted as a failed sign-in; a right one gives back what was taken for
    /// the case that it is wrong.
    ///
    /// # Errors
    /// [`RateLimited`], or a failure; then nothing stays counted.
    pub(crate) async fn verify_guess<E>(
        &self,
        guess: Guess<'_>,
        presented: PresentedPassword,
        caller: &Caller,
    ) -> Result<GuessResult, E>
    where
        E: From<RateLimited> + From<Failure>,
    {
        let permits = self.admit_guess(&guess, caller).await?;
        let account = guess.account();
        let stored = account.and_then(|account| account.password_hash.clone());
        let verified = match self.hasher().verify(stored.clone(), presented).await {
            Ok(verified) => verified,
            Err(failure) => {
                self.refund_all(permits, caller).await;
                return Err(failure.into());
            }
        };
        let right = matches!(verified, Verified::Yes { .. });
        let refused = match &guess {
            // A session or a link shows that the account may be used; at a sign-in that is looked at here.
            Guess::InSession { .. } | Guess::WithLink { .. } if right => None,
            _ => self.why_refused(account, right),
        };
        match (verified, refused) {
            (Verified::Yes { upgrade }, None) => Ok(GuessResult::Right {
                upgrade: stored.zip(upgrade).map(|(from, to)| HashUpgrade { from, to }),
                permits: self.refund_before_change(permits, caller).await,
            }),
            (_, refused) => {
                let why = refused.unwrap_or(SignInFailure::WrongPassword);
                if why == SignInFailure::EmailNotVerified {
                    self.refund_for_right_secret(permits, caller).await;
                }
                if let Guess::InSession { account, .. } = &guess {
                    self.count_wrong_password(&account.user.email, caller).await;
                }
                self.note_failed_guess(&guess, why, caller).await?;
                Ok(GuessResult::Refused(why))
            }
        }
    }

    async fn admit_guess(&self, guess: &Guess<'_>, caller: &Caller) -> Result<TakenPermits, RateLimited> {
        match guess {
            Guess::SignIn { address: None, .. } => self.admit_unreadable_sign_in(caller).await,
            Guess::SignIn {
                address: Some(address),
                account,
                device,
            } => {
                let shown = device.zip(*account);
                let shown = shown.map(|(device, credentials)| device_digests(device, credentials));
                self.admit_sign_in(caller, address, shown).await
            }
            Guess::InSession { session, account } => {
                self.admit_password_check(caller, *session, account).await
            }
            Guess::WithLink { account } => self.admit_link_password(&account.user.email, caller).await,
        }
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
    async fn note_failed_guess(
        &self,
        guess: &Guess<'_>,
        why: SignInFailure,
        caller: &Caller,
    ) -> Result<(), Failure> {
        self.emit(Event::PasswordRefused, caller);
        let details = vec![
            ("known_device", guess.by_known_device().to_string()),
            ("reason", why.as_str().to_owned()),
        ];
        let subject = guess.account().map(|known| known.user.id);
        let context = self.change_context(caller)?;
        Ok(self
            .storage()
            .record_event(Action::SignInFailed, subject, details, context)
            .await?)
    }
}
