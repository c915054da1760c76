//! The one connection to Redis: made, watched, given up and replaced here and nowhere else, because whether Redis can be relied on
//! depends on when the connection was made. A circuit breaker keeps an unresponsive Redis from costing every check its timeout.

use crate::{
    moment::{Moment, Stopwatch},
    protocol::{RedisReply, Sentinel, SentinelHistory},
    redis_interface::{Connection, Connector},
};
use auth_domain::revocation::TokenRef;
use auth_redis::RedisError;
use std::{
    future::Future,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

/// How long connecting may take: name resolution, TCP, TLS, the handshake, and finding the master.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The pauses between attempts to connect grow from the first to the last of these.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How often the server is probed: while the breaker is closed, and while it is open.
const PROBE_INTERVAL: Duration = Duration::from_millis(250);
const PROBE_INTERVAL_OPEN: Duration = Duration::from_millis(50);
/// A connection that has not answered for this long is given up. A network that drops packets reports no error for minutes.
const MAX_SILENCE: Duration = Duration::from_secs(1);

/// A connection, and when it was made. That is when it had answered for the first time, so the time is never too early.
pub(crate) struct LiveConnection {
    pub(crate) connection: Arc<dyn Connection>,
    made: Moment,
}

/// The connection to Redis that all of the node shares.
pub(crate) struct Link {
    connector: Arc<dyn Connector>,
    stopwatch: Stopwatch,
    timeout: Duration,
    live: RwLock<Option<Arc<LiveConnection>>>,
    /// The circuit breaker: while it is open, checks don't ask Redis.
    breaker_open: AtomicBool,
    sentinel: RwLock<SentinelHistory>,
    lost: Notify,
    connected: Notify,
}

impl Link {
    pub(crate) fn new(connector: Arc<dyn Connector>, stopwatch: Stopwatch, timeout: Duration) -> Self {
        Self {
            connector,
            stopwatch,
            timeout,
            live: RwLock::new(None),
            breaker_open: AtomicBool::new(false),
            sentinel: RwLock::new(SentinelHistory::default()),
            lost: Notify::new(),
            connected: Notify::new(),
        }
    }

    /// One round trip for a check; `None` if Redis gave no answer in time, or is not asked because it recently gave none.
    pub(crate) async fn look_up(&self, token: TokenRef) -> Option<RedisReply> {
        if self.breaker_open.load(Ordering::Acquire) {
            return None;
        }
        let live = self.live()?;
        let found = self
            .within(&live, self.timeout, live.connection.look_up(token))
            .await?;
        let complete_since = self.complete_since(&live, found.sentinel);
        Some(RedisReply {
            facts: found.facts,
            complete_since,
        })
    }

    /// Sets a new sentinel if the last answer had none.
    pub(crate) async fn set_sentinel_if_missing(&self, new: impl FnOnce() -> Option<Sentinel>) {
        if self
            .sentinel
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .is_present()
        {
            return;
        }
        if let Some(live) = self.live()
            && let Some(value) = new()
            && let Some(found) = self
                .within(
                    &live,
                    self.timeout,
                    live.connection.set_sentinel_if_absent(&value),
                )
                .await
        {
            self.observe(found);
        }
    }

    /// The current connection.
    pub(crate) fn live(&self) -> Option<Arc<LiveConnection>> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether checks currently ask Redis.
    pub(crate) fn is_up(&self) -> bool {
        !self.breaker_open.load(Ordering::Acquire) && self.live().is_some()
    }

    /// Returns when a connection is made, or at once if one was made since the last call.
    pub(crate) async fn connected(&self) {
        self.connected.notified().await;
    }

    /// Waits for an answer for `limit`. A refusal or no answer opens the breaker, and a broken connection is given up.
    pub(crate) async fn within<T>(
        &self,
        live: &Arc<LiveConnection>,
        limit: Duration,
        answer: impl Future<Output = Result<T, RedisError>>,
    ) -> Option<T> {
        match timeout(limit, answer).await {
            Ok(Ok(value)) => return Some(value),
            Ok(Err(RedisError::Lost(reason))) => self.give_up(live, &reason),
            Ok(Err(error @ RedisError::Refused(_))) => self.open_breaker(&error.to_string()),
            Err(_) => self.open_breaker("no answer in time"),
        }
        None
    }

    /// Connects, watches the connection and replaces it when it is lost, until the task is aborted.
    pub(crate) async fn run(&self) {
        let mut pause = FIRST_PAUSE;
        let mut last_warning = None;
        loop {
            match self.connect().await {
                Ok(live) => {
                    self.warn_of_misconfiguration(&live, &mut last_warning).await;
                    self.watch(&live).await;
                    // A connection that worked for a while is replaced at once. After one that was lost at once comes a pause.
                    if self.stopwatch.read().since(live.made) > MAX_SILENCE {
                        pause = FIRST_PAUSE;
                        continue;
                    }
                }
                Err(error) if pause == FIRST_PAUSE => {
                    tracing::warn!(%error, "Redis can't be reached; checks ask the database until it can");
                }
                Err(_) => {}
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn connect(&self) -> Result<Arc<LiveConnection>, RedisError> {
        let attempt = async {
            let connection = self.connector.connect().await?;
            let sentinel = connection.probe().await?;
            Ok((connection, sentinel))
        };
        let (connection, sentinel) = timeout(CONNECT_TIMEOUT, attempt)
            .await
            .unwrap_or_else(|_| Err(RedisError::Lost("no connection within a second".to_owned())))?;
        let live = Arc::new(LiveConnection {
            connection,
            made: self.stopwatch.read(),
        });
        self.observe(sentinel);
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&live));
        self.breaker_open.store(false, Ordering::Release);
        self.connected.notify_one();
        tracing::info!("connected to Redis");
        Ok(live)
    }

    /// Probes the connection until it is given up.
    async fn watch(&self, live: &Arc<LiveConnection>) {
        let mut answered = self.stopwatch.read();
        while self.is_current(live) {
            let pause = if self.breaker_open.load(Ordering::Acquire) {
                PROBE_INTERVAL_OPEN
            } else {
                PROBE_INTERVAL
            };
            tokio::select! {
                biased;
                () = self.lost.notified() => continue,
                () = sleep(pause) => {}
            }
            let asked = self.stopwatch.read();
            if let Some(sentinel) = self.within(live, self.timeout, live.connection.probe()).await {
                answered = asked;
                self.observe(sentinel);
                if self.breaker_open.swap(false, Ordering::AcqRel) {
                    tracing::info!("Redis answers again");
                }
            } else if self.stopwatch.read().since(answered) > MAX_SILENCE {
                self.give_up(live, "it does not answer");
            }
        }
    }

    async fn warn_of_misconfiguration(&self, live: &LiveConnection, last: &mut Option<String>) {
        let warning = timeout(CONNECT_TIMEOUT, live.connection.misconfiguration())
            .await
            .ok()
            .flatten();
        if warning != *last
            && let Some(text) = &warning
        {
            tracing::warn!("{text}");
        }
        *last = warning;
    }

    fn is_current(&self, live: &Arc<LiveConnection>) -> bool {
        self.live().is_some_and(|current| Arc::ptr_eq(&current, live))
    }

    fn give_up(&self, live: &Arc<LiveConnection>, reason: &str) {
        let mut current = self.live.write().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, live)) {
            *current = None;
            drop(current);
            tracing::warn!(
                reason,
                "the connection to Redis is given up; checks ask the database until there is a new one"
            );
            self.lost.notify_one();
        }
    }

    fn open_breaker(&self, reason: &str) {
        if !self.breaker_open.swap(true, Ordering::AcqRel) {
            tracing::warn!(
                reason,
                "Redis is not asked until it answers again; checks ask the database"
            );
        }
    }

    fn observe(&self, sentinel: Option<Sentinel>) {
        let at = self.stopwatch.read();
        self.sentinel
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .observe(sentinel, at);
    }

    /// In the common case the sentinel has not changed, and a shared lock is enough.
    fn complete_since(&self, live: &LiveConnection, sentinel: Option<Sentinel>) -> Option<Moment> {
        if let Some(value) = &sentinel
            && let Some(since) = self
                .sentinel
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .complete_since(live.made, value)
        {
            return Some(since);
        }
        let at = self.stopwatch.read();
        let mut history = self.sentinel.write().unwrap_or_else(PoisonError::into_inner);
        history.observe(sentinel.clone(), at);
        history.complete_since(live.made, &sentinel?)
    }
}
