//! Throttling: the rate limits, and the slowing down of guesses (docs/rules.md §7). Both are here, so that no attempt at a password
//! can bypass them. A request takes all its permits in one step.

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

/// The permits of a request that was admitted. They stay spent unless they are refunded.
#[must_use = "a right secret refunds what was taken for a wrong one"]
pub(crate) struct TakenPermits(Admission);

impl Service {
    /// Admits an attempt to sign in to this account, which may not exist.
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

    /// Admits a sign-in whose address can't be one: it is no guess at any account.
    pub(crate) async fn admit_unreadable_sign_in(
        &self,
        caller: &Caller,
    ) -> Result<TakenPermits, RateLimited> {
        self.admit(Admission::input(caller.origin.ip), caller).await
    }

    /// Admits the password of a signed-in user. A session counts as a known device: guesses from other devices do not throttle it.
    /// A wrong password here counts against the account, too.
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

    /// Counts a wrong password of a signed-in user against the account as well: the same secret is guessed.
    pub(crate) async fn count_wrong_password(&self, account: &EmailAddress, caller: &Caller) {
        let permit = Permit::guess_at(self.account_digest(account.key()));
        // If it is refused, the account is throttled already.
        let _counted = self.state().limits.take(&[permit], caller.now).await;
    }

    /// Refunds, after a right secret, what was taken for a wrong one, to every counter in one step.
    pub(crate) async fn refund_for_right_secret(&self, taken: TakenPermits, caller: &Caller) {
        self.state().limits.refund(taken.0.refundable(), caller.now).await;
    }

    /// Does the same where a change follows. The remaining permits are those of the change; they stay spent unless the change is
    /// refused for malformed input.
    pub(crate) async fn refund_before_change(&self, taken: TakenPermits, caller: &Caller) -> TakenPermits {
        let (returned, left) = taken.0.after_right_secret();
        self.state().limits.refund(&returned, caller.now).await;
        TakenPermits(left)
    }

    /// Refunds every permit, because the secret was not verified.
    pub(crate) async fn refund_all(&self, taken: TakenPermits, caller: &Caller) {
        self.state().limits.refund(taken.0.permits(), caller.now).await;
    }

    /// Refunds what the outcome does not use: everything after a failure; what was taken for more than input, if the input was
    /// refused. Returns the outcome.
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

    /// Admits a registration.
    pub(crate) async fn admit_registration(&self, caller: &Caller) -> Result<TakenPermits, RateLimited> {
        let known = self.presented_device(caller).is_some();
        self.admit(Admission::registration(known, caller.origin.ip), caller)
            .await
    }

    /// Admits a request that sends a mail.
    pub(crate) async fn admit_mail(&self, caller: &Caller) -> Result<(), RateLimited> {
        let known = self.presented_device(caller).is_some();
        let _spent = self
            .admit(Admission::mail(known, caller.origin.ip), caller)
            .await?;
        Ok(())
    }

    /// Whether one more mail of a kind may be sent to this address. The answer to the client does not reveal it. Each kind has a
    /// budget of its own: mails of another kind that an attacker requests do not use up the reset links.
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

    /// Admits a change of credentials by a signed-in user.
    pub(crate) async fn admit_user(&self, user: UserId, caller: &Caller) -> Result<(), RateLimited> {
        let _spent = self.admit(Admission::change(user), caller).await?;
        Ok(())
    }

    /// Admits a refresh. It is counted by session, so that the token of an ended session uses up nothing of its user's budget.
    pub(crate) async fn admit_refresh(&self, session: SessionId, caller: &Caller) -> Result<(), RateLimited> {
        let _spent = self.admit(Admission::refresh(session), caller).await?;
        Ok(())
    }

    /// Admits a one-time token.
    pub(crate) async fn admit_link(&self, caller: &Caller) -> Result<TakenPermits, RateLimited> {
        self.admit(Admission::link(caller.origin.ip), caller).await
    }

    /// Admits a password that is typed beside a link from a mail. The link itself was counted by [`Service::admit_link`].
    pub(crate) async fn admit_link_password(
        &self,
        account: &EmailAddress,
        caller: &Caller,
    ) -> Result<TakenPermits, RateLimited> {
        let account = self.account_digest(account.key());
        self.admit(Admission::sign_in(account, None, None), caller).await
    }

    /// The digest that an address is counted by. Without the key, Redis and the audit log do not reveal the address.
    fn account_digest(&self, address: &str) -> [u8; 32] {
        self.state().account_digests.of(address)
    }

    /// The device whose valid token the caller presents.
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

/// The digest that all known devices, or all sessions, of an account are counted by together, so that guesses from many stolen ones
/// share one budget. It depends on the time from which devices are known: an event that makes devices unknown starts a new count.
fn group_digest(kind: &str, user: UserId, from: Option<Timestamp>) -> [u8; 32] {
    let from = from.map_or(0, |from| from.timestamp_micros());
    sha256(&[kind.as_bytes(), user.as_uuid().as_bytes(), &from.to_be_bytes()].concat())
}

/// The digests by which the limits count a known device of this account.
pub(crate) fn device_digests(device: KnownDevice, credentials: &Credentials) -> DeviceDigests {
    DeviceDigests {
        device: device.digest(),
        devices: group_digest("devices", credentials.user.id, credentials.devices_from),
    }
}
