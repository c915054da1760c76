//! The mail worker: it claims mails in the outbox, composes them (`compose`) and hands them to the mail server (docs/rules.md §8).
//! Several nodes may do so at once; each mail is sent by the node that holds its lease.

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
/// How long after its claim a mail may still be handed over. A mail that was delayed for longer is left to the next claim.
const DELIVER_WITHIN: Duration = Duration::from_secs(5);
/// How much longer a claim lasts than the last delivery that began in time: the time to record that the mail was sent.
const RECORD_WITHIN: Duration = Duration::from_secs(10);
/// The pause before another attempt to record that a mail was sent.
const WRITE_RETRY: Duration = Duration::from_millis(500);
/// The first delay between two attempts. Each delay is twice the one before.
const FIRST_DELAY: Span = Span::seconds(5);
/// The longest delay.
const LONGEST_DELAY: Span = Span::hours(1);
/// How often a mail is tried, over about three days.
const ATTEMPTS: u32 = 80;

/// The mail worker of a node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct MailWorker(Arc<WorkerState>);

/// What the mail worker is built from.
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
    /// One round at a time: the caller that waits for it knows that this node has handled what it had claimed before.
    round: Mutex<()>,
}

/// The claim of a round: its lease, when it was requested, and how long it lasts at least.
#[derive(Clone, Copy)]
struct RoundClaim {
    lease: Uuid,
    asked: Instant,
    until: Instant,
}

/// The result of an attempt.
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

    /// Wakes the worker, because a mail was queued.
    pub(crate) fn wake(&self) {
        self.0.queued.notify_one();
    }

    /// Waits until the worker is woken.
    pub(crate) async fn woken(&self) {
        self.0.queued.notified().await;
    }

    /// Whether the mail server is known to be unable to reach an address.
    pub(crate) fn cannot_reach(&self, address: &EmailAddress) -> bool {
        self.0.mailer.cannot_reach(address)
    }

    /// Delivers what is due. Returns how many mails were claimed.
    pub(crate) async fn deliver_due(&self) -> Result<usize, Failure> {
        let _round = self.0.round.lock().await;
        let mut config_errors = Vec::new();
        let taken = self.deliver_all(&mut config_errors).await;
        // One line a round, however many mails are refused for the same reason.
        if let Some(why) = config_errors.first() {
            tracing::error!(
                mails = config_errors.len(),
                %why,
                "the mail server refuses this set-up: mails wait until the configuration is corrected (see `keyward mail list`)"
            );
        }
        taken
    }

    /// Does so, and collects the answers of the mail server that blame the configuration.
    async fn deliver_all(&self, config_errors: &mut Vec<String>) -> Result<usize, Failure> {
        let mut taken = 0;
        // With a wrong clock a valid link would be taken for an expired one: another node delivers the mails.
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

    /// Delivers one mail. A failure of the database is a failed attempt like any other. Returns the answer of the mail server if it
    /// blames the configuration.
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
            Ok(false) => {
                tracing::warn!(mail = %id, kind, "another node has claimed this mail in the meantime");
            }
            Err(error) => {
                tracing::warn!(mail = %id, kind, %error, "the result of a delivery could not be recorded");
            }
        }
        config_errors
    }

    /// Records the result of a delivery. That a mail was sent is tried again while the claim lasts: without the record it would be
    /// sent twice.
    async fn record_end(&self, mail: MailId, claim: RoundClaim, end: outbox::End) -> Result<bool, Failure> {
        loop {
            match self.storage().end_mail(mail, claim.lease, end.clone()).await {
                Err(error) if end == outbox::End::Sent && Instant::now() + WRITE_RETRY < claim.until => {
                    tracing::warn!(%mail, %error, "that a mail was sent could not be recorded yet");
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
                let why = "its link expired before it could be sent".to_owned();
                return Ok(Attempt::Ended(outbox::End::Failed(why)));
            }
        };
        if asked.elapsed() > DELIVER_WITHIN {
            // Another node may claim the mail soon: it would be sent twice.
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

/// Whether a mail is tried again after a failed attempt, or given up.
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

/// For development only: anyone who reads the log can use the links.
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
