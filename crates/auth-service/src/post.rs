//! The post: mails that wait in the outbox are claimed, put into words and handed over (behaviour.md §8). Several nodes may do
//! it at once; each mail is sent by whoever holds its lease.

use crate::{
    admin::Admin,
    config::{ServiceConfig, span},
    error::Error,
    gate::AccountNames,
    mailed::MailTokens,
    moment::{Caller, Entropy, Moments, chance},
};
use auth_domain::{
    audit::Actor,
    device::{device_name, recognised_device_name},
    email::EmailAddress,
    ids::{MailId, UserId},
    mail::MailKind,
    one_time::TokenKind,
    role::Role,
    session::Origin,
    time::{Span, Timestamp},
    user::{DisplayName, User, UserStatus},
};
use auth_limits::{Claim, Limits};
use auth_mail::{Facts, Letter, Mailer, Undelivered};
use auth_storage::{ClaimedMail, Credentials, MailEnd, NewUser, Settled, Storage};
use chrono::SecondsFormat;
use futures::future::join_all;
use secrecy::{ExposeSecret, SecretString};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, Notify};
use uuid::Uuid;

/// How many mails are claimed at a time.
const CLAIM: u32 = 10;
/// How long after its claim a mail may still be handed over; one that was held up is left to the next claim.
const MAY_BEGIN_WITHIN: Duration = Duration::from_secs(5);
/// How much longer a claim holds than the last delivery that began in time: what it takes to write down that it was sent.
const WRITTEN_WITHIN: Duration = Duration::from_secs(10);
/// How long the pause is after a note that a mail was sent could not be written.
const NEXT_NOTE: Duration = Duration::from_millis(500);
/// How long the first pause between two attempts is; each is twice the one before.
const FIRST_PAUSE: Span = Span::seconds(5);
/// The longest pause.
const LONGEST_PAUSE: Span = Span::hours(1);
/// How often a mail is tried, about three days long.
const ATTEMPTS: u32 = 80;

/// Whoever carries the mails of one node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Post(Arc<Parts>);

/// What the post is carried with.
pub(crate) struct PostParts {
    pub(crate) admin: Admin,
    pub(crate) mailer: Mailer,
    pub(crate) tokens: Arc<MailTokens>,
    pub(crate) limits: Limits,
    pub(crate) account_names: Arc<AccountNames>,
    pub(crate) moments: Moments,
}

struct Parts {
    admin: Admin,
    mailer: Mailer,
    tokens: Arc<MailTokens>,
    limits: Limits,
    account_names: Arc<AccountNames>,
    moments: Moments,
    waiting: Notify,
    /// One round at a time: whoever waits for it knows that what this node had taken up is done.
    round: Mutex<()>,
}

/// The claim of a round: its lease, when it was asked for, and until when it holds at least.
#[derive(Clone, Copy)]
struct RoundClaim {
    lease: Uuid,
    asked: Instant,
    until: Instant,
}

/// A mail that is ready to go, or that goes nowhere.
enum Prepared {
    Letter(Box<Letter>),
    Nobody,
    TooLate,
}

/// What came of an attempt.
enum Attempt {
    Ended(MailEnd),
    Refused(Undelivered),
}

impl Post {
    pub(crate) fn new(parts: PostParts) -> Self {
        let PostParts {
            admin,
            mailer,
            tokens,
            limits,
            account_names,
            moments,
        } = parts;
        Self(Arc::new(Parts {
            admin,
            mailer,
            tokens,
            limits,
            account_names,
            moments,
            waiting: Notify::new(),
            round: Mutex::new(()),
        }))
    }

    /// Says that a mail was queued.
    pub(crate) fn wake(&self) {
        self.0.waiting.notify_one();
    }

    /// Waits until one is.
    pub(crate) async fn woken(&self) {
        self.0.waiting.notified().await;
    }

    /// Whether mail is known not to reach an address.
    pub(crate) fn can_not_reach(&self, address: &EmailAddress) -> bool {
        self.0.mailer.can_not_reach(address)
    }

    /// Delivers whatever is due. Answers how many mails were taken up.
    pub(crate) async fn deliver_due(&self) -> Result<usize, Error> {
        let _round = self.0.round.lock().await;
        let mut set_up = Vec::new();
        let taken = self.deliver_all(&mut set_up).await;
        // One line a round, however many mails meet the same refusal.
        if let Some(why) = set_up.first() {
            tracing::error!(
                mails = set_up.len(),
                %why,
                "the mail server refuses this set-up: mails wait until it is changed (see `keyward mail list`)"
            );
        }
        taken
    }

    /// The same; gathers what was said where the set-up is at fault.
    async fn deliver_all(&self, set_up: &mut Vec<String>) -> Result<usize, Error> {
        let mut taken = 0;
        // Another node takes them up: by a wrong clock a link that is good would be called too old.
        self.0.moments.now()?;
        while self.storage().mail_waits().await? {
            let lease = Uuid::from_bytes(chance(self.entropy())?);
            let asked = Instant::now();
            let holds = MAY_BEGIN_WITHIN + self.0.mailer.longest_delivery() + WRITTEN_WITHIN;
            let claimed = self.storage().claim_mails(lease, span(holds), CLAIM).await?;
            if claimed.is_empty() {
                break;
            }
            taken += claimed.len();
            let claim = RoundClaim {
                lease,
                asked,
                until: asked + holds,
            };
            let delivered = claimed.into_iter().map(|mail| self.deliver(mail, claim));
            set_up.extend(join_all(delivered).await.into_iter().flatten());
        }
        Ok(taken)
    }

    /// One mail. A failure of the database on the way is an attempt like any other. Answers with what the mail server said where
    /// the set-up is at fault.
    async fn deliver(&self, mail: ClaimedMail, claim: RoundClaim) -> Option<String> {
        let (id, kind) = (mail.id, mail.kind.as_str());
        let mut set_up = None;
        let end = match self.try_to_deliver(&mail, claim.asked).await {
            Ok(Attempt::Ended(end)) => end,
            Ok(Attempt::Refused(Undelivered::Never(why))) => MailEnd::Failed(why),
            Ok(Attempt::Refused(Undelivered::Later(why))) => put_off(mail.attempts, why),
            Ok(Attempt::Refused(Undelivered::SetUp(why))) => {
                set_up = Some(why.clone());
                put_off(mail.attempts, why)
            }
            Err(error) => put_off(mail.attempts, error.to_string()),
        };
        match &end {
            MailEnd::Later(wait, why) => {
                tracing::warn!(mail = %id, kind, attempts = mail.attempts, seconds = wait.num_seconds(), %why, "a mail has to wait");
            }
            MailEnd::Failed(why) => {
                tracing::error!(mail = %id, kind, attempts = mail.attempts, %why, "a mail was given up");
            }
            MailEnd::Sent | MailEnd::Dropped => {}
        }
        match self.write_down(id, claim, end).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(mail = %id, kind, "another node holds this mail by now"),
            Err(error) => {
                tracing::warn!(mail = %id, kind, %error, "what became of a mail could not be written down");
            }
        }
        set_up
    }

    /// Writes down what became of a mail. That it was sent is tried again while the claim holds: without the note
    /// the mail is sent once more.
    async fn write_down(&self, mail: MailId, claim: RoundClaim, end: MailEnd) -> Result<bool, Error> {
        loop {
            match self.storage().end_mail(mail, claim.lease, end.clone()).await {
                Err(error) if end == MailEnd::Sent && Instant::now() + NEXT_NOTE < claim.until => {
                    tracing::warn!(%mail, %error, "that a mail was sent could not be written down yet");
                    tokio::time::sleep(NEXT_NOTE).await;
                }
                ended => return ended.map_err(Error::from),
            }
        }
    }

    async fn try_to_deliver(&self, mail: &ClaimedMail, asked: Instant) -> Result<Attempt, Error> {
        let letter = match self.prepare(mail).await? {
            Prepared::Letter(letter) => letter,
            Prepared::Nobody => return Ok(Attempt::Ended(MailEnd::Dropped)),
            Prepared::TooLate => {
                let why = "its link lapsed before it could be sent".to_owned();
                return Ok(Attempt::Ended(MailEnd::Failed(why)));
            }
        };
        if asked.elapsed() > MAY_BEGIN_WITHIN {
            // Handed over now, it might be handed over a second time by whoever claims it next.
            let why = "the database was slow".to_owned();
            return Ok(Attempt::Ended(MailEnd::Later(Span::zero(), why)));
        }
        if self.config().print_links {
            print_links(mail, &letter.facts);
        }
        Ok(match self.0.mailer.deliver(&letter).await {
            Ok(()) => Attempt::Ended(MailEnd::Sent),
            Err(refused) => Attempt::Refused(refused),
        })
    }

    /// Finds out whom the mail is for, and stores the tokens that its links carry.
    async fn prepare(&self, mail: &ClaimedMail) -> Result<Prepared, Error> {
        let named = mail.recipient.as_deref().map(EmailAddress::parse).transpose();
        let Ok(mut named) = named else {
            return Ok(Prepared::Nobody);
        };
        let settled;
        let mail = match (mail.user, mail.kind, &named) {
            (None, MailKind::EmailVerification, Some(address)) => {
                settled = self.settle_verification(mail, address.clone()).await?;
                let Some(settled) = &settled else {
                    return Ok(Prepared::Nobody);
                };
                // From here on it is a mail to a user, and goes to the stored address.
                named = None;
                settled
            }
            _ => mail,
        };
        let credentials = match (mail.user, &named) {
            (Some(user), _) => self.storage().credentials_of(user).await?,
            (None, Some(address)) => self.storage().credentials(address).await?,
            (None, None) => None,
        };
        let Some(credentials) = credentials else {
            // The notice of a deletion is for somebody who is not there any more.
            return Ok(match named.filter(|_| mail.kind == MailKind::AccountDeleted) {
                Some(to) => self.letter(mail, to, None, Facts::default()),
                None => Prepared::Nobody,
            });
        };
        let mut facts = Facts::default();
        if let Some(kind) = mail.kind.link() {
            if credentials.user.status != UserStatus::Active {
                return Ok(Prepared::Nobody);
            }
            if mail.kind.has_lapsed(mail.created_at, self.0.moments.now()?) {
                return Ok(Prepared::TooLate);
            }
            match self.link(mail, kind, &credentials).await? {
                Some(link) => facts.link = Some(link),
                None => return Ok(Prepared::Nobody),
            }
            facts.valid_for = Some(words(kind.lifetime()));
        }
        if mail.kind.carries_report_link() {
            let mut row = self.0.tokens.row(mail.id, TokenKind::Report, mail.created_at);
            // Where it is mailed to is what it brings back.
            row.email = Some(named.clone().unwrap_or_else(|| credentials.user.email.clone()));
            self.storage().issue_token(row, credentials.user.id, None).await?;
            facts.report_link = Some(self.link_to("not-me", mail.id, TokenKind::Report));
        }
        // By address it was asked for as typed; what is stored is where mail goes.
        let to = named
            .filter(|_| mail.user.is_some())
            .unwrap_or_else(|| credentials.user.email.clone());
        if !self.may_tell(mail, &credentials.user, &to).await? {
            return Ok(Prepared::Nobody);
        }
        Ok(self.letter(mail, to, Some(&credentials.user), facts))
    }

    /// What a mail with a confirmation link, which was asked for by address, is to say, and to which user; `None`: it goes nowhere.
    async fn settle_verification(
        &self,
        mail: &ClaimedMail,
        address: EmailAddress,
    ) -> Result<Option<ClaimedMail>, Error> {
        let token = self
            .0
            .tokens
            .row(mail.id, TokenKind::EmailVerification, mail.created_at);
        // Until the address is confirmed the user has neither the password nor the name of the registration.
        let user = NewUser {
            id: UserId::from_parts(mail.created_at, chance(self.entropy())?),
            email: address,
            name: None,
            role: Role::USER,
            status: UserStatus::Active,
            email_verified_at: None,
            created_at: mail.created_at,
            password_hash: None,
        };
        let terms = self.0.admin.terms(&asker(mail, self.0.moments.now()?))?;
        let (user, kind) = match self.storage().settle_verification(token, user, terms).await? {
            Settled::Confirm(user) => (user, MailKind::EmailVerification),
            Settled::AlreadyRegistered(user) => (user, MailKind::AlreadyRegistered),
            Settled::Nothing => return Ok(None),
        };
        Ok(Some(ClaimedMail {
            user: Some(user),
            kind,
            recipient: None,
            ..mail.clone()
        }))
    }

    /// Whether a notice may go to this address. Nobody has shown that an address without verification is the user's: whoever
    /// registered with another person's could have it flooded.
    async fn may_tell(&self, mail: &ClaimedMail, user: &User, to: &EmailAddress) -> Result<bool, Error> {
        if mail.kind.carries_link() || user.email_verified_at.is_some() || mail.attempts > 1 {
            return Ok(true);
        }
        let name = self.0.account_names.of(&format!("notice {}", to.key()));
        let claim = [Claim::mail_to(name)];
        Ok(self
            .0
            .limits
            .take(&claim, self.0.moments.now()?)
            .await
            .is_granted())
    }

    /// The link of a mail, if it is still good for something.
    async fn link(
        &self,
        mail: &ClaimedMail,
        kind: TokenKind,
        credentials: &Credentials,
    ) -> Result<Option<SecretString>, Error> {
        let user = &credentials.user;
        let mut row = self.0.tokens.row(mail.id, kind, mail.created_at);
        if kind != TokenKind::PasswordReset {
            // Its token came into being together with the mail, and may have been voided since.
            let now = self.0.moments.now()?;
            let stands = self.storage().one_time_token(kind, row.digest, now).await?;
            return Ok(stands.map(|_| self.link_to("verify-email", mail.id, kind)));
        }
        if credentials
            .password_changed_at
            .is_some_and(|since| since > mail.created_at)
        {
            return Ok(None);
        }
        row.email = Some(user.email.clone());
        let terms = match mail.user {
            None => Some(self.0.admin.terms(&asker(mail, self.0.moments.now()?))?),
            Some(_) => None,
        };
        let stands = self.storage().issue_token(row, user.id, terms).await?;
        Ok(stands.then(|| self.link_to("reset", mail.id, kind)))
    }

    fn link_to(&self, page: &str, mail: MailId, kind: TokenKind) -> SecretString {
        let token = self.0.tokens.token(mail, kind);
        let base = &self.config().link_base;
        format!("{base}/{page}?token={}", token.expose_secret()).into()
    }

    /// The letter. A stranger who registers with another person's address, or asks for mail to go there, chooses a name and what
    /// their client calls itself: neither stands in a mail to an address that is not confirmed. There a device has one of our own
    /// names for it or none, and a network address can't carry words. What the mail of a completed change tells its old address
    /// was settled when it was queued.
    fn letter(&self, mail: &ClaimedMail, to: EmailAddress, user: Option<&User>, facts: Facts) -> Prepared {
        let fact = |name: &str| mail.facts.get(name).cloned();
        let confirmed = user.filter(|user| user.email_verified_at.is_some() && user.email.key() == to.key());
        let name = confirmed.and_then(|user| user.name.as_ref());
        let settled = confirmed.is_some() || mail.kind == MailKind::EmailChanged;
        Prepared::Letter(Box::new(Letter {
            kind: mail.kind,
            to,
            id: mail.id.as_uuid(),
            date: mail.created_at,
            language: None,
            facts: Facts {
                service_name: self.config().service_name.clone(),
                name: name.map(|name: &DisplayName| name.as_str().to_owned()),
                device: fact("user_agent").and_then(|agent| match confirmed {
                    Some(_) => Some(device_name(&agent)),
                    None => recognised_device_name(&agent),
                }),
                ip: fact("ip"),
                at: Some(moment(mail.created_at)),
                new_email: fact("new_email").filter(|_| settled),
                ..facts
            },
        }))
    }

    fn storage(&self) -> &Storage {
        self.0.admin.storage()
    }

    fn config(&self) -> &ServiceConfig {
        self.0.admin.config()
    }

    fn entropy(&self) -> &dyn Entropy {
        self.0.admin.entropy()
    }
}

/// The caller who asked for a mail by address, as far as its row says. What is noted of it is noted now, when it is found out: the audit
/// log takes no row of the past.
fn asker(mail: &ClaimedMail, now: Timestamp) -> Caller {
    let ip = mail.facts.get("ip").and_then(|ip| ip.parse().ok());
    Caller {
        now,
        actor: Actor::Anonymous,
        origin: Origin::new(ip, None),
        request_id: None,
        held: None,
        device: None,
    }
}

/// What becomes of a mail after an attempt that another one may better.
fn put_off(attempts: u32, why: String) -> MailEnd {
    if attempts < ATTEMPTS {
        MailEnd::Later(pause(attempts), why)
    } else {
        MailEnd::Failed(why)
    }
}

fn pause(attempts: u32) -> Span {
    let doubled = 1_i32.checked_shl(attempts.saturating_sub(1)).unwrap_or(i32::MAX);
    FIRST_PAUSE
        .checked_mul(doubled.clamp(1, 10_000))
        .map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE))
}

fn words(span: Span) -> String {
    match span.num_hours() {
        1 => "1 hour".to_owned(),
        hours => format!("{hours} hours"),
    }
}

fn moment(at: Timestamp) -> String {
    let text = at.to_rfc3339_opts(SecondsFormat::Secs, true);
    text.replacen('T', " ", 1).replacen('Z', " UTC", 1)
}

/// For development: whoever reads the log can use them.
fn print_links(mail: &ClaimedMail, facts: &Facts) {
    for link in [&facts.link, &facts.report_link].into_iter().flatten() {
        tracing::info!(
            kind = mail.kind.as_str(),
            link = link.expose_secret(),
            "mail.print_links is on"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        assert_eq!([1, 2, 3].map(pause), [5, 10, 20].map(Span::seconds));
        assert_eq!([11, 33, 80, u32::MAX].map(pause), [LONGEST_PAUSE; 4]);
    }

    #[test]
    fn a_moment_reads_like_one() {
        let at = chrono::DateTime::from_timestamp(0, 5_000).unwrap();
        assert_eq!(moment(at), "1970-01-01 00:00:00 UTC");
        assert_eq!(
            [TokenKind::PasswordReset, TokenKind::EmailChange].map(|kind| words(kind.lifetime())),
            ["1 hour", "24 hours"]
        );
    }
}
