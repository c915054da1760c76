//! What runs beside the requests: the signing keys are loaded anew and the audit log is sealed each second, mails go out as they
//! come, what was counted is written down each minute, and expired rows go in bounded batches.

use crate::{
    delivery::mail_worker::MailWorker,
    parts::{
        activity::Activity,
        admin::Admin,
        audit::AuditLog,
        caller::Caller,
        clock::{CheckedClock, Clock},
        config::span,
        failure::Failure,
        keyring::KeyRing,
        refusals::Refusals,
    },
};
use auth_domain::{
    audit::Action,
    time::{Span, Timestamp},
};
use auth_storage::{Storage, sweep};
use std::{
    fmt::Write as _,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, Interval, MissedTickBehavior, interval_at, sleep},
};

const EACH_SECOND: Duration = Duration::from_secs(1);
const SWEEP: Duration = Duration::from_secs(60);
/// How much longer than a batch the pause after it is: on SQLite nobody writes beside a batch, and a pause of a fixed length
/// would be none at all where the disk is slow.
const PAUSE_FACTOR: u32 = 3;
/// How many rows of a kind one transaction removes: some milliseconds' worth, which a refresh may have to wait.
const SWEEP_BATCH: u32 = 15;
/// How long a mail that is done with stays to be seen, without its recipient.
const KEEP_MAILS: Span = Span::days(7);
/// How long an ended session stays to be seen in its user's list.
const KEEP_ENDED: Span = Span::days(30);
/// How long what was counted in an hour is kept: a year to compare with, and a month.
const KEEP_ACTIVITY: Span = Span::days(400);

/// What the tasks are done with.
pub(crate) struct BackgroundTasks {
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) admin: Admin,
    pub(crate) audit_log: AuditLog,
    pub(crate) mail_worker: MailWorker,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) activity: Arc<Activity>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) checked_clock: CheckedClock,
}

/// The handles, and how they are told to end. Dropped, it ends them, too.
pub(crate) struct Background {
    stop: watch::Sender<bool>,
    handles: Mutex<Vec<JoinHandle<()>>>,
    tasks: Arc<BackgroundTasks>,
}

impl Background {
    /// Starts the handles.
    pub(crate) fn start(tasks: BackgroundTasks) -> Self {
        let stop = watch::Sender::new(false);
        let tasks = Arc::new(tasks);
        let handles = vec![
            tokio::spawn(reload_keys(Arc::clone(&tasks), Ticker::new(EACH_SECOND, &stop))),
            tokio::spawn(seal_audit(Arc::clone(&tasks), Ticker::new(EACH_SECOND, &stop))),
            tokio::spawn(deliver_mail(Arc::clone(&tasks), Ticker::new(EACH_SECOND, &stop))),
            tokio::spawn(run_each_minute(Arc::clone(&tasks), Ticker::new(SWEEP, &stop))),
        ];
        Self {
            stop,
            handles: Mutex::new(handles),
            tasks,
        }
    }

    /// What is done beside the requests, for whoever does it at once.
    pub(crate) fn tasks(&self) -> &BackgroundTasks {
        &self.tasks
    }

    /// Ends the handles and waits for them.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        let handles = std::mem::take(&mut *self.handles.lock().unwrap_or_else(PoisonError::into_inner));
        for task in handles {
            let _ = task.await;
        }
    }
}

/// Ticker of some work: one a period, until the end is called or nobody is left who could call it.
struct Ticker {
    ticks: Interval,
    stop: watch::Receiver<bool>,
}

impl Ticker {
    fn new(period: Duration, stop: &watch::Sender<bool>) -> Self {
        let mut ticks = interval_at(Instant::now() + period, period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            ticks,
            stop: stop.subscribe(),
        }
    }

    /// Does some work, or what can be done of it until the end.
    async fn unless_stopped<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            _ = self.stop.wait_for(|stop| *stop) => None,
            done = work => Some(done),
        }
    }

    /// Waits for the next round; false at the end.
    async fn tick(&mut self) -> bool {
        self.tick_or(std::future::pending()).await
    }

    /// Waits for the next round or for a reason to begin it at once; false at the end.
    async fn tick_or(&mut self, reason: impl Future<Output = ()>) -> bool {
        tokio::select! {
            _ = self.stop.wait_for(|stop| *stop) => false,
            _ = self.ticks.tick() => true,
            () = reason => true,
        }
    }
}

async fn reload_keys(tasks: Arc<BackgroundTasks>, mut ticker: Ticker) {
    while ticker.tick().await {
        if let Err(error) = tasks.keys.reload().await {
            tracing::warn!(%error, "the signing keys could not be loaded anew; the known ones stay");
        }
    }
}

/// The newest seal goes to the log, where whoever changes the database can't change it.
async fn seal_audit(tasks: Arc<BackgroundTasks>, mut ticker: Ticker) {
    while ticker.tick().await {
        // By a wrong clock seals would be dated wrong: another node makes them.
        let Ok(now) = tasks.checked_clock.now() else {
            continue;
        };
        match tasks.audit_log.seal(now).await {
            Ok(Some(seal)) => {
                let head = seal.mac.iter().fold(String::with_capacity(64), |mut hex, byte| {
                    let _written = write!(hex, "{byte:02x}");
                    hex
                });
                tracing::info!(event = "audit_sealed", number = seal.number, %head, "the audit log was sealed up to here");
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the audit log could not be sealed; the next round does"),
        }
    }
}

async fn deliver_mail(tasks: Arc<BackgroundTasks>, mut ticker: Ticker) {
    while ticker.tick_or(tasks.mail_worker.woken()).await {
        if let Err(error) = tasks.mail_worker.deliver_due().await {
            tracing::warn!(%error, "mails wait until the next round");
        }
    }
}

async fn run_each_minute(tasks: Arc<BackgroundTasks>, mut ticker: Ticker) {
    while ticker.tick().await {
        if let Err(error) = tasks.note_refusals().await {
            tracing::warn!(%error, "what the limits refused could not be noted");
        }
        if let Err(error) = tasks.activity.write(tasks.admin.storage()).await {
            tracing::warn!(%error, "what was counted waits until the next round");
        }
        // It may be long; what is left stays for the next start.
        if let Some(Err(error)) = ticker.unless_stopped(tasks.sweep()).await {
            tracing::warn!(%error, "expired rows stay until the next round");
        }
    }
}

impl BackgroundTasks {
    /// One row for each limit and whom it refused in the last minute.
    pub(crate) async fn note_refusals(&self) -> Result<(), Failure> {
        let caller = Caller::service(self.checked_clock.now()?);
        let mut outcome = Ok(());
        for sum in self.refusals.take() {
            if outcome.is_ok() {
                outcome = self.note_refusal(&sum, &caller).await;
            }
            if outcome.is_err() {
                self.refusals.put_back(sum);
            }
        }
        outcome
    }

    async fn note_refusal(&self, sum: &(&'static str, String, u64), caller: &Caller) -> Result<(), Failure> {
        let (limit, key, count) = sum;
        let details = vec![
            ("limit", (*limit).to_owned()),
            ("key", key.clone()),
            ("count", count.to_string()),
        ];
        let context = self.admin.change_context(caller)?;
        Ok(self
            .admin
            .storage()
            .record_event(Action::LimitRefused, None, details, context)
            .await?)
    }

    /// What has expired, and then what the audit log is not kept for any longer.
    pub(crate) async fn sweep(&self) -> Result<(), Failure> {
        let now = sweep(&self.keys, self.admin.storage(), self.clock.as_ref()).await?;
        let oldest = now - span(self.admin.config().audit.retention);
        loop {
            let begun = Instant::now();
            if self
                .audit_log
                .prune(oldest, &self.admin, self.clock.now())
                .await?
            {
                return Ok(());
            }
            sleep(begun.elapsed() * PAUSE_FACTOR).await;
        }
    }
}

/// One batch after the other until nothing is left, with a breath in between: requests come first. Answers the moment that it
/// went by.
async fn sweep(keys: &KeyRing, storage: &Storage, clock: &dyn Clock) -> Result<Timestamp, Failure> {
    // The earlier of the two clocks: a node that is ahead must take nothing from those that are not.
    let now = clock.now().min(storage.ping().await?);
    if let Some(stored) = keys.stored() {
        stored.retire_expired(now).await?;
    }
    loop {
        let begun = Instant::now();
        if sweep_once(storage, now).await? {
            return Ok(now);
        }
        sleep(begun.elapsed() * PAUSE_FACTOR).await;
    }
}

/// Removes a batch of each kind. True: nothing is left.
async fn sweep_once(storage: &Storage, now: Timestamp) -> Result<bool, Failure> {
    let keep = sweep::Retention {
        keep_ended_sessions: KEEP_ENDED,
        keep_mails: KEEP_MAILS,
        keep_activity: KEEP_ACTIVITY,
        limit: SWEEP_BATCH,
    };
    let swept = storage.sweep(now, keep).await?;
    Ok(swept.tables().all(|(_, rows)| rows < u64::from(SWEEP_BATCH)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::keyset::KeySet;
    use auth_domain::{
        audit::Actor,
        ids::{SessionId, TokenId, UserId},
        revocation::TokenRef,
        time::Timestamp,
        user::Generation,
    };
    use auth_storage::{AfterCommit, AuditContext, ChangeContext, CommitEffects, DatabaseConfig};

    #[tokio::test]
    async fn work_that_takes_for_ever_is_left_when_the_server_stops() {
        let stop = watch::Sender::new(false);
        let mut ticker = Ticker::new(SWEEP, &stop);
        assert_eq!(ticker.unless_stopped(std::future::ready(7)).await, Some(7));
        let long = std::future::pending::<()>();
        let (left, _) = tokio::join!(ticker.unless_stopped(long), async { stop.send_replace(true) });
        assert_eq!(left, None);
    }

    struct NoServer;

    impl AfterCommit for NoServer {
        async fn carry_out(&self, _: &CommitEffects) {}
    }

    struct Shows(Timestamp);

    impl Clock for Shows {
        fn now(&self) -> Timestamp {
            self.0
        }
    }

    /// Its rows are the truth for nodes whose clock is right, and for those that start next.
    #[tokio::test]
    async fn a_node_whose_clock_is_ahead_sweeps_nothing_that_others_still_need() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::open(&DatabaseConfig {
            url: format!("sqlite://{}", folder.path().join("a.db").display()).into(),
            ..DatabaseConfig::default()
        })
        .await
        .unwrap();
        storage.migrate_up().await.unwrap();
        let now = storage.ping().await.unwrap();
        let asked = TokenRef {
            token: TokenId::from_parts(now, [1; 10]),
            session: SessionId::from_parts(now, [2; 10]),
            user: UserId::from_parts(now, [3; 10]),
            generation: Generation::FIRST,
        };
        let context = ChangeContext {
            now,
            until_at_least: now + Span::hours(1),
            grace: Span::seconds(6),
            by: AuditContext {
                actor: Actor::Service,
                ip: None,
                request_id: None,
                seed: [4; 10],
                evidence: None,
            },
        };
        let revoked = storage.revoke_token(asked.token, context).await.unwrap();
        revoked.settle(&NoServer).await;
        let keys = KeyRing::new(KeySet::shared_secret(&[7; 32]), None, now);
        sweep(&keys, &storage, &Shows(now + Span::days(365)))
            .await
            .unwrap();
        assert!(storage.facts(asked).await.unwrap().token);
    }
}
