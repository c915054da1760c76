//! The post: mails that wait in the outbox are claimed, put into words (`letters`) and handed over (docs/rules.md §8). Several
//! nodes may do it at once; each mail is sent by the node that holds its lease.

mod letters;

use crate::parts::{
    account_names::AccountNames,
    admin::Admin,
    clock::Moments,
    config::{ServiceConfig, span},
    entropy::{Entropy, chance},
    failure::Failure,
    mailed::MailTokens,
};
use auth_domain::{email::EmailAddress, ids::MailId, time::Span};
use auth_limits::Limits;
use auth_mail::{MailFacts, Mailer, Undelivered};
use auth_storage::{Storage, outbox};
use futures::future::join_all;
use letters::Prepared;
use secrecy::ExposeSecret;
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

/// What came of an attempt.
enum Attempt {
    Ended(outbox::End),
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
    pub(crate) fn cannot_reach(&self, address: &EmailAddress) -> bool {
        self.0.mailer.cannot_reach(address)
    }

    /// Delivers whatever is due. Answers how many mails were taken up.
    pub(crate) async fn deliver_due(&self) -> Result<usize, Failure> {
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
    async fn deliver_all(&self, set_up: &mut Vec<String>) -> Result<usize, Failure> {
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
    async fn deliver(&self, mail: outbox::Claimed, claim: RoundClaim) -> Option<String> {
        let (id, kind) = (mail.id, mail.kind.as_str());
        let mut set_up = None;
        let end = match self.try_to_deliver(&mail, claim.asked).await {
            Ok(Attempt::Ended(end)) => end,
            Ok(Attempt::Refused(Undelivered::Never(why))) => outbox::End::Failed(why),
            Ok(Attempt::Refused(Undelivered::Later(why))) => put_off(mail.attempts, why),
            Ok(Attempt::Refused(Undelivered::SetUp(why))) => {
                set_up = Some(why.clone());
                put_off(mail.attempts, why)
            }
            Err(error) => put_off(mail.attempts, error.to_string()),
        };
        match &end {
            outbox::End::Later(wait, why) => {
                tracing::warn!(mail = %id, kind, attempts = mail.attempts, seconds = wait.num_seconds(), %why, "a mail has to wait");
            }
            outbox::End::Failed(why) => {
                tracing::error!(mail = %id, kind, attempts = mail.attempts, %why, "a mail was given up");
            }
            outbox::End::Sent | outbox::End::Dropped => {}
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
    async fn write_down(&self, mail: MailId, claim: RoundClaim, end: outbox::End) -> Result<bool, Failure> {
        loop {
            match self.storage().end_mail(mail, claim.lease, end.clone()).await {
                Err(error) if end == outbox::End::Sent && Instant::now() + NEXT_NOTE < claim.until => {
                    tracing::warn!(%mail, %error, "that a mail was sent could not be written down yet");
                    tokio::time::sleep(NEXT_NOTE).await;
                }
                ended => return ended.map_err(Failure::from),
            }
        }
    }

    async fn try_to_deliver(&self, mail: &outbox::Claimed, asked: Instant) -> Result<Attempt, Failure> {
        let letter = match self.prepare(mail).await? {
            Prepared::Letter(letter) => letter,
            Prepared::Nowhere => return Ok(Attempt::Ended(outbox::End::Dropped)),
            Prepared::TooLate => {
                let why = "its link lapsed before it could be sent".to_owned();
                return Ok(Attempt::Ended(outbox::End::Failed(why)));
            }
        };
        if asked.elapsed() > MAY_BEGIN_WITHIN {
            // Handed over now, it might be handed over a second time by whoever claims it next.
            let why = "the database was slow".to_owned();
            return Ok(Attempt::Ended(outbox::End::Later(Span::zero(), why)));
        }
        if self.config().print_links {
            print_links(mail, &letter.facts);
        }
        Ok(match self.0.mailer.deliver(&letter).await {
            Ok(()) => Attempt::Ended(outbox::End::Sent),
            Err(refused) => Attempt::Refused(refused),
        })
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

/// What becomes of a mail after an attempt that another one may better.
fn put_off(attempts: u32, why: String) -> outbox::End {
    if attempts < ATTEMPTS {
        outbox::End::Later(pause(attempts), why)
    } else {
        outbox::End::Failed(why)
    }
}

fn pause(attempts: u32) -> Span {
    let doubled = 1_i32.checked_shl(attempts.saturating_sub(1)).unwrap_or(i32::MAX);
    FIRST_PAUSE
        .checked_mul(doubled.clamp(1, 10_000))
        .map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE))
}

/// For development: whoever reads the log can use them.
fn print_links(mail: &outbox::Claimed, facts: &MailFacts) {
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
}
