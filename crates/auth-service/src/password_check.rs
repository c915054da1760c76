//! One attempt at a password, whatever it is for. Its limits, the hash, the refund, the rehash and the audit event of a failure are
//! here and nowhere else. A use case says whose password it is and who tries it, and decides what a right password allows.

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

/// Who tries the password of which account.
pub(crate) enum Guess<'a> {
    /// A sign-in.
    SignIn {
        /// The address; `None` if what was typed can't be one.
        address: Option<&'a EmailAddress>,
        /// The account with this address, if there is one.
        account: Option<&'a Credentials>,
        /// The device that was presented, if the account knows it.
        device: Option<KnownDevice>,
    },
    /// The reauthentication of a session's user.
    InSession {
        /// The session.
        session: SessionId,
        /// The account of its user.
        account: &'a Credentials,
    },
    /// A password beside a link from a mail. The link itself was counted by [`Service::admit_link`].
    WithLink {
        /// The account that the link belongs to.
        account: &'a Credentials,
    },
}

/// The result of a guess.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one value for each hash, which takes milliseconds: a box would only add an allocation"
)]
pub(crate) enum GuessResult {
    /// The password is the right one.
    Right {
        /// The new hash, if the stored one has another scheme or cost than the current one.
        upgrade: Option<HashUpgrade>,
        /// The permits that the request still holds.
        permits: TakenPermits,
    },
    /// The password is wrong, or the account can't be used. A failed sign-in was recorded and counted.
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
    /// The password as typed. It is checked before anything is looked up, so that the excess of a flood costs no database query.
    /// `None` if no account can have this password: it is no guess at any.
    ///
    /// # Errors
    /// [`Failure::Overloaded`] while the queue of the hashing threads is full.
    pub(crate) fn presented_password(
        &self,
        typed: &SecretString,
    ) -> Result<Option<PresentedPassword>, Failure> {
        let Ok(presented) = PresentedPassword::new(typed.expose_secret().to_owned()) else {
            return Ok(None);
        };
        self.hasher().admit()?;
        Ok(Some(presented))
    }

    /// Verifies a password. A wrong one stays counted and is recorded as a failed sign-in. A right one refunds what was taken in
    /// case it is wrong.
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
            // A session or a link shows that the account may be used. For a sign-in it is checked here.
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
                self.record_failed_guess(&guess, why, caller).await?;
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

    /// Why this account may not sign in; `None` if it may.
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

    /// Records a failed sign-in. The write is the same for every reason, so that the time of the answer does not reveal it.
    async fn record_failed_guess(
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
