//! The gate before everything that somebody could do too often: limits, and the slow-down of guessing (behaviour.md §7). One
//! place holds both, so that no way to a password goes around them; a request takes all that it falls under in one step.

use crate::{
    activity::ActivityKind,
    device::KnownDevice,
    error::Error,
    master_key::{MasterKey, Purpose},
    moment::Caller,
    service::Service,
    tokens::sha256,
};
use auth_domain::{
    email::EmailAddress,
    ids::{SessionId, UserId},
    mail::MailKind,
};
use auth_limits::{Claim, Standing, Taken};
use aws_lc_rs::hmac;

/// A guess at a password that was let through: it is counted, and given back if it turns out to be none.
pub(crate) struct Guess(Claim);

impl Service {
    /// Somebody tries to sign in as this account, known or not.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub(crate) async fn admit_sign_in(
        &self,
        caller: &Caller,
        account: &EmailAddress,
        known: Option<KnownDevice>,
    ) -> Result<Guess, Error> {
        let guess = known.map_or_else(
            || Claim::guess_at(self.name_of(account.key())),
            |device| Claim::guess_by_device(device.digest()),
        );
        let mut claims = vec![guess.clone()];
        claims.extend(caller.origin.ip.map(Claim::sign_in_from));
        claims.extend(known.is_none().then(Claim::on_service));
        self.admit(&claims, caller).await?;
        Ok(Guess(guess))
    }

    /// A signed-in user is asked for its password. Its session is a device that it knows: guessing from elsewhere does not
    /// keep the owner from it; and what is guessed here counts for the account, too.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub(crate) async fn admit_password_check(
        &self,
        caller: &Caller,
        user: UserId,
        session: SessionId,
    ) -> Result<Guess, Error> {
        let digest = sha256(&[user.as_uuid().as_bytes().as_slice(), session.as_uuid().as_bytes()].concat());
        let guess = Claim::guess_by_device(digest);
        self.admit(&[guess.clone(), Claim::by_user(user)], caller).await?;
        Ok(Guess(guess))
    }

    /// A wrong password of a signed-in user counts against the account as well: it is the same secret that is guessed at.
    pub(crate) async fn count_against(&self, account: &EmailAddress, caller: &Caller) {
        let claim = Claim::guess_at(self.name_of(account.key()));
        // Refused, the account is slowed down already.
        let _counted = self.shared().limits.take(&[claim], caller.now).await;
    }

    /// The password was the right one: it was no guess.
    pub(crate) async fn was_no_guess(&self, guess: Guess, caller: &Caller) {
        self.shared().limits.give_back(&[guess.0], caller.now).await;
    }

    /// Somebody registers.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub(crate) async fn admit_registration(&self, caller: &Caller) -> Result<(), Error> {
        let from = caller.origin.ip.map(Claim::registration_from);
        self.admit(&self.with_service(from, caller), caller).await
    }

    /// Somebody has a mail sent.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub(crate) async fn admit_mail(&self, caller: &Caller) -> Result<(), Error> {
        let from = caller.origin.ip.map(Claim::mail_from);
        self.admit(&self.with_service(from, caller), caller).await
    }

    /// Whether one more mail of a kind may go to this address. Nobody is told: the answer is the same. Each kind has a budget of
    /// its own: what somebody else asks for in an owner's name takes nothing of the reset links.
    pub(crate) async fn may_mail_to(&self, recipient: &str, kind: MailKind, caller: &Caller) -> bool {
        let key = EmailAddress::parse(recipient)
            .map_or_else(|_| recipient.to_owned(), |email| email.key().to_owned());
        let claim = Claim::mail_to(self.name_of(&format!("{} {key}", kind.as_str())));
        match self
            .shared()
            .limits
            .take(std::slice::from_ref(&claim), caller.now)
            .await
        {
            Taken::Granted(_) => true,
            Taken::Refused(standing) => {
                self.note_refusal(&standing, &[claim], caller);
                false
            }
        }
    }

    /// A signed-in user issues or changes credentials.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub(crate) async fn admit_user(&self, user: UserId, caller: &Caller) -> Result<(), Error> {
        self.admit(&[Claim::by_user(user)], caller).await
    }

    /// A session is refreshed. ActivityKind by itself: a token of a session that is over takes nothing of its user's.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub(crate) async fn admit_refresh(&self, session: SessionId, caller: &Caller) -> Result<(), Error> {
        self.admit(&[Claim::by_session(session)], caller).await
    }

    /// Somebody presents a one-time token.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub(crate) async fn admit_link(&self, caller: &Caller) -> Result<(), Error> {
        let claims: Vec<Claim> = caller.origin.ip.map(Claim::sign_in_from).into_iter().collect();
        self.admit(&claims, caller).await
    }

    /// What an address is counted by: nobody without the key can tell whose it is, in Redis and in the audit log.
    fn name_of(&self, address: &str) -> [u8; 32] {
        self.shared().account_names.of(address)
    }

    /// The claim, and the whole service's for clients that no user knows.
    fn with_service(&self, claim: Option<Claim>, caller: &Caller) -> Vec<Claim> {
        let known = self.shown_device(caller).is_some();
        claim
            .into_iter()
            .chain((!known).then(Claim::on_service))
            .collect()
    }

    /// The device whose genuine token the caller shows.
    pub(crate) fn shown_device(&self, caller: &Caller) -> Option<KnownDevice> {
        self.shared().devices.read(caller.device.as_ref()?, caller.now)
    }

    async fn admit(&self, claims: &[Claim], caller: &Caller) -> Result<(), Error> {
        match self.shared().limits.take(claims, caller.now).await {
            Taken::Granted(_) => Ok(()),
            Taken::Refused(standing) => {
                self.note_refusal(&standing, claims, caller);
                Err(Error::RateLimited(Box::new(standing)))
            }
        }
    }

    fn note_refusal(&self, standing: &Standing, claims: &[Claim], caller: &Caller) {
        let shared = self.shared();
        shared.refusals.count(standing, claims);
        shared
            .activity
            .count(caller.now, ActivityKind::Refused(standing.name));
    }
}

/// Names accounts for the counters by a code of their address.
pub(crate) struct AccountNames(hmac::Key);

impl AccountNames {
    pub(crate) fn new(master: &MasterKey) -> Result<Self, Error> {
        Ok(Self(master.hmac_key(Purpose::Limits)?))
    }

    pub(crate) fn of(&self, address: &str) -> [u8; 32] {
        sha256(hmac::sign(&self.0, address.as_bytes()).as_ref())
    }
}

/// What a limit refused, summed for the audit log: one row a limit and whom it counts, each minute (behaviour.md §9).
#[derive(Default)]
pub(crate) struct Refusals(std::sync::Mutex<std::collections::HashMap<(&'static str, String), u64>>);

/// How many sums are kept between two rows; the rest share one.
const SUMS: usize = 10_000;

impl Refusals {
    fn count(&self, standing: &Standing, claims: &[Claim]) {
        let name = standing.name.as_str();
        let key = claims
            .iter()
            .find(|claim| claim.name() == standing.name)
            .map_or("", Claim::key);
        let mut sums = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let key = if sums.len() < SUMS { key } else { "others" };
        *sums.entry((name, key.to_owned())).or_default() += 1;
    }

    /// Puts a sum back that could not be written down.
    pub(crate) fn put_back(&self, (name, key, count): (&'static str, String, u64)) {
        let mut sums = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *sums.entry((name, key)).or_default() += count;
    }

    /// What was summed since the last call.
    pub(crate) fn take(&self) -> Vec<(&'static str, String, u64)> {
        let mut sums = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        std::mem::take(&mut *sums)
            .into_iter()
            .map(|((name, key), count)| (name, key, count))
            .collect()
    }
}
