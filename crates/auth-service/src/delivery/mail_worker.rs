//! The mail_worker: mails that wait in the outbox are claimed, put into words (`letters`) and handed over (docs/rules.md §8). Several
//! nodes may do it at once; each mail is sent by the node that holds its lease.

mod compose;

use crate::parts::{
    account_digests::AccountDigests,
    admin::Admin,
    clock::CheckedClock,
    config::{ServiceConfig, span},
    entropy::{Entropy, random_bytes},
    failure::Failure,
    mail_tokens::MailTokens,
};
use auth_domain::{email::EmailAddress, ids::MailId, time::Span};
use auth_limits::Limits;
use auth_mail::{MailFacts, Mailer, Undelivered};
use auth_storage::{Storage, outbox};
use compose::Composed;
use futures::future::join_all;
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
const DELIVER_WITHIN: Duration = Duration::from_secs(5);
/// How much longer a claim holds than the last delivery that began in time: what it takes to write down that it was sent.
const RECORD_WITHIN: Duration = Duration::from_secs(10);
/// How long the pause is after a note that a mail was sent could not be written.
const WRITE_RETRY: Duration = Duration::from_millis(500);
/// How long the first pause between two attempts is; each is twice the one before.
const FIRST_DELAY: Span = Span::seconds(5);
/// The longest pause.
const LONGEST_DELAY: Span = Span::hours(1);
/// How often a mail is tried, about three days long.
const ATTEMPTS: u32 = 80;

/// Whoever carries the mails of one node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct MailWorker(Arc<WorkerState>);

/// What the post is carried with.
pub(crate) struct MailWorkerParts {
    pub(crate) admin: Admin,
    pub(crate) mailer: Mailer,
    pub(crate) tokens: Arc<MailTokens>,
    pub(crate) limits: Limits,
    pub(crate) account_digests: Arc<AccountDigests>,
    pub(crate) checked_clock: CheckedClock,
}

struct WorkerState {
    admin: Admin,
    mailer: Mailer,
    tokens: Arc<MailTokens>,
    limits: Limits,
    account_digests: Arc<AccountDigests>,
    checked_clock: CheckedClock,
    queued: Notify,
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

impl MailWorker {
    pub(crate) fn new(parts: MailWorkerParts) -> Self {
        let MailWorkerParts {
            admin,
            mailer,
            tokens,
            limits,
            account_digests,
            checked_clock,
        } = parts;
        Self(Arc::new(WorkerState {
            admin,
            mailer,
            tokens,
            limits,
            account_digests,
            checked_clock,
            queued: Notify::new(),
            round: Mutex::new(()),
        }))
    }

    /// Says that a mail was queued.
    pub(crate) fn wake(&self) {
        self.0.queued.notify_one();
    }

    /// Waits until one is.
    pub(crate) async fn woken(&self) {
        self.0.queued.notified().await;
    }

    /// Whether mail is known not to reach an address.
    pub(crate) fn cannot_reach(&self, address: &EmailAddress) -> bool {
        self.0.mailer.cannot_reach(address)
    }

    /// Delivers whatever is due. Answers how many mails were taken up.
    pub(crate) async fn deliver_due(&self) -> Result<usize, Failure> {
        let _round = self.0.round.lock().await;
        let mut config_errors = Vec::new();
        let taken = self.deliver_all(&mut config_errors).await;
        // One line a round, however many mails meet the same refusal.
        if let Some(why) = config_errors.first() {
            tracing::error!(
                mails = config_errors.len(),
                %why,
                "the mail server refuses this set-up: mails wait until it is changed (see `keyward mail list`)"
            );
        }
        taken
    }

    /// The same; gathers what was said where the set-up is at fault.
    async fn deliver_all(&self, config_errors: &mut Vec<String>) -> Result<usize, Failure> {
        let mut taken = 0;
        // Another node takes them up: by a wrong clock a link that is good would be called too old.
        self.0.checked_clock.now()?;
        while self.storage().mail_waits().await? {
            let lease = Uuid::from_bytes(random_bytes(self.entropy())?);
            let asked = Instant::now();
            let holds = DELIVER_WITHIN + self.0.mailer.longest_delivery() + RECORD_WITHIN;
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
            config_errors.extend(join_all(delivered).await.into_iter().flatten());
        }
        Ok(taken)
    }

    /// One mail. A failure of the database on the way is an attempt like any other. Answers with what the mail server said where
    /// the set-up is at fault.
    async fn deliver(&self, mail: outbox::Claimed, claim: RoundClaim) -> Option<String> {
        let (id, kind) = (mail.id, mail.kind.as_str());
        let mut config_errors = None;
        let end = match self.try_to_deliver(&mail, claim.asked).await {
            Ok(Attempt::Ended(end)) => end,
            Ok(Attempt::Refused(Undelivered::Never(why))) => outbox::End::Failed(why),
            Ok(Attempt::Refused(Undelivered::Later(why))) => retry_later(mail.attempts, why),
            Ok(Attempt::Refused(Undelivered::SetUp(why))) => {
                config_errors = Some(why.clone());
                retry_later(mail.attempts, why)
            }
            Err(error) => retry_later(mail.attempts, error.to_string()),
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
        match self.record_end(id, claim, end).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(mail = %id, kind, "another node holds this mail by now"),
            Err(error) => {
                tracing::warn!(mail = %id, kind, %error, "what became of a mail could not be written down");
            }
        }
        config_errors
    }

    /// Writes down what became of a mail. That it was sent is tried again while the claim holds: without the note
    /// the mail is sent once more.
    async fn record_end(&self, mail: MailId, claim: RoundClaim, end: outbox::End) -> Result<bool, Failure> {
        loop {
            match self.storage().end_mail(mail, claim.lease, end.clone()).await {
                Err(error) if end == outbox::End::Sent && Instant::now() + WRITE_RETRY < claim.until => {
                    tracing::warn!(%mail, %error, "that a mail was sent could not be written down yet");
                    tokio::time::sleep(WRITE_RETRY).await;
                }
                ended => return ended.map_err(Failure::from),
            }
        }
    }

    async fn try_to_deliver(&self, mail: &outbox::Claimed, asked: Instant) -> Result<Attempt, Failure> {
        let letter = match self.compose(mail).await? {
            Composed::Letter(letter) => letter,
            Composed::NothingToSend => return Ok(Attempt::Ended(outbox::End::Dropped)),
            Composed::LinkExpired => {
                let why = "its link lapsed before it could be sent".to_owned();
                return Ok(Attempt::Ended(outbox::End::Failed(why)));
            }
        };
        if asked.elapsed() > DELIVER_WITHIN {
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
fn retry_later(attempts: u32, why: String) -> outbox::End {
    if attempts < ATTEMPTS {
        outbox::End::Later(retry_delay(attempts), why)
    } else {
        outbox::End::Failed(why)
    }
}

fn retry_delay(attempts: u32) -> Span {
    let doubled = 1_i32.checked_shl(attempts.saturating_sub(1)).unwrap_or(i32::MAX);
    FIRST_DELAY
        .checked_mul(doubled.clamp(1, 10_000))
        .map_or(LONGEST_DELAY, |pause| pause.min(LONGEST_DELAY))
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
        assert_eq!([1, 2, 3].map(retry_delay), [5, 10, 20].map(Span::seconds));
        assert_eq!([11, 33, 80, u32::MAX].map(retry_delay), [LONGEST_DELAY; 4]);
    }
}
