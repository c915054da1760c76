//! The gate before everything that somebody could do too often: limits, and the slow-down of guessing (docs/rules.md §7). One
//! place holds both, so that no way to a password goes around them; a request takes all that it falls under in one step.

use crate::{
    parts::{
        caller::Caller, device::KnownDevice, events::Event, input::InputError, refusals::RateLimited,
        tokens::sha256,
    },
    service::Service,
};
use auth_domain::{
    email::EmailAddress,
    ids::{SessionId, UserId},
    mail::MailKind,
    time::Timestamp,
};
use auth_limits::{Admission, DeviceDigests, LimitStatus, Permit, TakeResult};
use auth_storage::users::Credentials;

/// What a request took that was let through. It stays spent unless it is given back.
#[must_use = "a right secret gives back what was taken for a wrong one"]
pub(crate) struct TakenPermits(Admission);

impl Service {
    /// Somebody tries to sign in as this account, known or not.
    ///
    /// # Errors
    /// [`RateLimited`].
    pub(crate) async fn admit_sign_in(
        &self,
        caller: &Caller,
        account: &EmailAddress,
        known: Option<DeviceDigests>,
    ) -> Result<TakenPermits, RateLimited> {
        let account = self.account_digest(account.key());
        self.admit(Admission::sign_in(account, known, caller.origin.ip), caller)
            .await
    }

    /// What comes with a sign-in can't be an address: it is no guess at any account.
    ///
    /// # Errors
    /// [`RateLimited`].
    pub(crate) async fn admit_unreadable_sign_in(
        &self,
        caller: &Caller,
    ) -> Result<TakenPermits, RateLimited> {
        self.admit(Admission::input(caller.origin.ip), caller).await
    }

    /// Signed-in users are asked for their password. Their session is a device that they know: guessing from elsewhere does not
    /// keep the owner from it; and what is guessed here counts for the account, too.
    ///
    /// # Errors
    /// [`RateLimited`].
    pub(crate) async fn admit_password_check(
        &self,
        caller: &Caller,
        session: SessionId,
        credentials: &Credentials,
    ) -> Result<TakenPermits, RateLimited> {
        let user = credentials.user.id;
        let one = sha256(&[user.as_uuid().as_bytes().as_slice(), session.as_uuid().as_bytes()].concat());
        let all = group_digest("sessions", user, credentials.devices_from);
        self.admit(Admission::password_check(user, one, all), caller)
            .await
    }

    /// A wrong password of a signed-in user counts against the account as well: it is the same secret that is guessed at.
    pub(crate) async fn count_wrong_password(&self, account: &EmailAddress, caller: &Caller) {
        let permit = Permit::guess_at(self.account_digest(account.key()));
        // Refused, the account is slowed down already.
        let _counted = self.state().limits.take(&[permit], caller.now).await;
    }

    /// The secret was the right one: what was taken for a wrong one is given back, to every counter, in one step.
    pub(crate) async fn refund_for_right_secret(&self, taken: TakenPermits, caller: &Caller) {
        self.state().limits.refund(taken.0.refundable(), caller.now).await;
    }

    /// The same where the secret was asked for before a change: what is left is the change's, spent unless it is refused for its form.
    pub(crate) async fn refund_before_change(&self, taken: TakenPermits, caller: &Caller) -> TakenPermits {
        let (returned, left) = taken.0.after_right_secret();
        self.state().limits.refund(&returned, caller.now).await;
        TakenPermits(left)
    }

    /// The secret was not looked at: all that was taken is given back.
    pub(crate) async fn refund_all(&self, taken: TakenPermits, caller: &Caller) {
        self.state().limits.refund(taken.0.permits(), caller.now).await;
    }

    /// The outcome; where the input was refused for its form, what was taken for more than that is given back.
    pub(crate) async fn refund_if_malformed<T>(
        &self,
        taken: TakenPermits,
        outcome: Result<T, InputError>,
        caller: &Caller,
    ) -> Result<T, InputError> {
        match &outcome {
            Err(InputError::Failure(_)) => self.refund_all(taken, caller).await,
            Err(_) => self.refund_for_right_secret(taken, caller).await,
            Ok(_) => {}
        }
        outcome
    }

    /// Somebody registers.
    ///
    /// # Errors
    /// [`RateLimited`].
    pub(crate) async fn admit_registration(&self, caller: &Caller) -> Result<TakenPermits, RateLimited> {
        let known = self.presented_device(caller).is_some();
        self.admit(Admission::registration(known, caller.origin.ip), caller)
            .await
    }

    /// Somebody has a mail sent.
    ///
    /// # Errors
    /// [`RateLimited`].
    pub(crate) async fn admit_mail(&self, caller: &Caller) -> Result<(), RateLimited> {
        let known = self.presented_device(caller).is_some();
        let _spent = self
            .admit(Admission::mail(known, caller.origin.ip), caller)
            .await?;
        Ok(())
    }

    /// Whether one more mail of a kind may go to this address. Nobody is told: the answer is the same. Each kind has a budget of
    /// its own: what somebody else asks for in an owner's name takes nothing of the reset links.
    pub(crate) async fn may_mail_to(&self, recipient: &str, kind: MailKind, caller: &Caller) -> bool {
        let key = EmailAddress::parse(recipient)
            .map_or_else(|_| recipient.to_owned(), |email| email.key().to_owned());
        let permit = Permit::mail_to(self.account_digest(&format!("{} {key}", kind.as_str())));
        match self
            .state()
            .limits
            .take(std::slice::from_ref(&permit), caller.now)
            .await
        {
            TakeResult::Granted(_) => true,
            TakeResult::Refused(status) => {
                self.count_refusal(&status, &[permit], caller);
                false
            }
        }
    }

    /// A signed-in user issues or changes credentials.
    ///
    /// # Errors
    /// [`RateLimited`].
    pub(crate) async fn admit_user(&self, user: UserId, caller: &Caller) -> Result<(), RateLimited> {
        let _spent = self.admit(Admission::change(user), caller).await?;
        Ok(())
    }

    /// A session is refreshed. Counted by itself: a token of a session that is over takes nothing of its user's.
    ///
    /// # Errors
    /// [`RateLimited`].
    pub(crate) async fn admit_refresh(&self, session: SessionId, caller: &Caller) -> Result<(), RateLimited> {
        let _spent = self.admit(Admission::refresh(session), caller).await?;
        Ok(())
    }

    /// Somebody presents a one-time token.
    ///
    /// # Errors
    /// [`RateLimited`].
    pub(crate) async fn admit_link(&self, caller: &Caller) -> Result<TakenPermits, RateLimited> {
        self.admit(Admission::link(caller.origin.ip), caller).await
    }

    /// A password is typed beside a mailed link; the link itself was counted by [`Service::admit_link`].
    ///
    /// # Errors
    /// [`RateLimited`].
    pub(crate) async fn admit_link_password(
        &self,
        account: &EmailAddress,
        caller: &Caller,
    ) -> Result<TakenPermits, RateLimited> {
        let account = self.account_digest(account.key());
        self.admit(Admission::sign_in(account, None, None), caller).await
    }

    /// What an address is counted by: nobody without the key can tell whose it is, in Redis and in the audit log.
    fn account_digest(&self, address: &str) -> [u8; 32] {
        self.state().account_digests.of(address)
    }

    /// The device whose genuine token the caller shows.
    pub(crate) fn presented_device(&self, caller: &Caller) -> Option<KnownDevice> {
        self.state().devices.verify(caller.device.as_ref()?, caller.now)
    }

    async fn admit(&self, admission: Admission, caller: &Caller) -> Result<TakenPermits, RateLimited> {
        match self.state().limits.take(admission.permits(), caller.now).await {
            TakeResult::Granted(_) => Ok(TakenPermits(admission)),
            TakeResult::Refused(status) => {
                self.count_refusal(&status, admission.permits(), caller);
                Err(RateLimited(Box::new(status)))
            }
        }
    }

    fn count_refusal(&self, status: &LimitStatus, permits: &[Permit], caller: &Caller) {
        self.state().refusals.count(status, permits);
        self.emit(Event::LimitRefused(status.name), caller);
    }
}

/// What names everything of a kind that an account knows: what is guessed by stolen ones is counted together, however many they are.
/// It changes with the moment from which devices count, so that what makes them strangers begins a new count.
fn group_digest(kind: &str, user: UserId, from: Option<Timestamp>) -> [u8; 32] {
    let from = from.map_or(0, |from| from.timestamp_micros());
    sha256(&[kind.as_bytes(), user.as_uuid().as_bytes(), &from.to_be_bytes()].concat())
}

/// A device that the owner of these credentials knows, as the limits name it.
pub(crate) fn device_digests(device: KnownDevice, credentials: &Credentials) -> DeviceDigests {
    DeviceDigests {
        device: device.digest(),
        devices: group_digest("devices", credentials.user.id, credentials.devices_from),
    }
}
