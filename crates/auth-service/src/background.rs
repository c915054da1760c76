//! Background work: each second the signing keys are reloaded and the audit log is sealed, mails are delivered when they are
//! queued, and each minute the counts are stored and expired rows are removed in bounded batches. The rule: background work gives
//! way to requests.

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
/// How many times as long as a batch the pause after it is. On SQLite a batch keeps all other writers waiting, and a pause of a
/// fixed length would be too short where the disk is slow.
const PAUSE_FACTOR: u32 = 3;
/// How many rows of each table one transaction removes. It takes some milliseconds, which a refresh may have to wait.
const SWEEP_BATCH: u32 = 15;
/// How long a mail that was sent or given up stays listed, without its recipient.
const KEEP_MAILS: Span = Span::days(7);
/// How long an ended session stays in its user's list.
const KEEP_ENDED: Span = Span::days(30);
/// How long the counts of an hour are kept: a year to compare with, and a month more.
const KEEP_ACTIVITY: Span = Span::days(400);

/// The background tasks, with what they work on.
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

/// The running tasks. They end when it is dropped, too.
pub(crate) struct Background {
    stop: watch::Sender<bool>,
    handles: Mutex<Vec<JoinHandle<()>>>,
    tasks: Arc<BackgroundTasks>,
}

impl Background {
    /// Starts the tasks.
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

    /// The work of the tasks, to do some of it at once.
    pub(crate) fn tasks(&self) -> &BackgroundTasks {
        &self.tasks
    }

    /// Ends the tasks and waits for them.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        let handles = std::mem::take(&mut *self.handles.lock().unwrap_or_else(PoisonError::into_inner));
        for handle in handles {
            let _ = handle.await;
        }
    }
}

/// Ticks once a period, until the server stops or the sender of the stop signal is dropped.
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

    /// Runs some work; `None` if the server stops before it is done.
    async fn unless_stopped<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            _ = self.stop.wait_for(|stop| *stop) => None,
            done = work => Some(done),
        }
    }

    /// Waits for the next tick; false if the server stops.
    async fn tick(&mut self) -> bool {
        self.tick_or(std::future::pending()).await
    }

    /// Waits for the next tick, or for a reason to go on before it; false if the server stops.
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
            tracing::warn!(%error, "the signing keys could not be reloaded; the loaded ones stay in use");
        }
    }
}

/// The newest seal is logged: an attacker who can change the database can't change the log.
async fn seal_audit(tasks: Arc<BackgroundTasks>, mut ticker: Ticker) {
    while ticker.tick().await {
        // With a wrong clock the seals would have wrong dates: another node makes them.
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
            Err(error) => tracing::warn!(%error, "the audit log could not be sealed; retrying in a second"),
        }
    }
}

async fn deliver_mail(tasks: Arc<BackgroundTasks>, mut ticker: Ticker) {
    while ticker.tick_or(tasks.mail_worker.woken()).await {
        if let Err(error) = tasks.mail_worker.deliver_due().await {
            tracing::warn!(%error, "mails could not be delivered; retrying in a second");
        }
    }
}

async fn run_each_minute(tasks: Arc<BackgroundTasks>, mut ticker: Ticker) {
    while ticker.tick().await {
        if let Err(error) = tasks.note_refusals().await {
            tracing::warn!(%error, "what the limits refused could not be recorded; retrying in a minute");
        }
        if let Err(error) = tasks.activity.write(tasks.admin.storage()).await {
            tracing::warn!(%error, "the activity could not be stored; retrying in a minute");
        }
        // This may take long. What is left is removed after the next start.
        if let Some(Err(error)) = ticker.unless_stopped(tasks.sweep()).await {
            tracing::warn!(%error, "expired rows could not be removed; retrying in a minute");
        }
    }
}

impl BackgroundTasks {
    /// Writes one audit event for each limit and each key that it refused in the last minute.
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

    /// Removes what has expired, and then the audit events that are past their retention.
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

/// Removes one batch after the other until nothing is left, with pauses in between: requests come first. Returns the time by which
/// rows were taken for expired.
async fn sweep(keys: &KeyRing, storage: &Storage, clock: &dyn Clock) -> Result<Timestamp, Failure> {
    // The earlier of the two clocks counts: a node whose clock is ahead must not remove what other nodes still need.
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

/// Removes a batch of each table. Returns whether nothing is left.
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
    async fn work_that_does_not_end_is_abandoned_when_the_server_stops() {
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

    struct FixedClock(Timestamp);

    impl Clock for FixedClock {
        fn now(&self) -> Timestamp {
            self.0
        }
    }

    /// Nodes whose clock is right read these rows, and so do nodes that start later.
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
        sweep(&keys, &storage, &FixedClock(now + Span::days(365)))
            .await
            .unwrap();
        assert!(storage.facts(asked).await.unwrap().token);
    }
}
