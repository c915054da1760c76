//! The one connection to Redis: made, watched, given up and made again here and nowhere else, because whether Redis may be
//! believed hangs on when the connection was made. A breaker keeps a Redis that hangs from costing every check its timeout.

use crate::{
    moment::{Moment, Stopwatch},
    protocol::{RedisReply, Sentinel, Sight},
    wire::{Connection, Connector},
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

/// How long making a connection may take: name resolution, TCP, TLS, the greeting, and finding the master.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The pauses between attempts to connect grow from the first to the last of these.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How often the server is asked for a sign of life: while it answers, and while it doesn't.
const CALM: Duration = Duration::from_millis(250);
const WORRIED: Duration = Duration::from_millis(50);
/// A connection that has been silent for so long is given up: a link that was cut says nothing for minutes.
const GIVE_UP: Duration = Duration::from_secs(1);

/// A connection, and when it was made: when it had answered for the first time, which is never too early.
pub(crate) struct Live {
    pub(crate) connection: Arc<dyn Connection>,
    made: Moment,
}

/// The connection to Redis as everyone on the node sees it.
pub(crate) struct Link {
    connector: Arc<dyn Connector>,
    stopwatch: Stopwatch,
    patience: Duration,
    live: RwLock<Option<Arc<Live>>>,
    /// The breaker: checks go by Redis while it doesn't answer in time.
    open: AtomicBool,
    sight: RwLock<Sight>,
    lost: Notify,
    came: Notify,
}

impl Link {
    pub(crate) fn new(connector: Arc<dyn Connector>, stopwatch: Stopwatch, patience: Duration) -> Self {
        Self {
            connector,
            stopwatch,
            patience,
            live: RwLock::new(None),
            open: AtomicBool::new(false),
            sight: RwLock::new(Sight::default()),
            lost: Notify::new(),
            came: Notify::new(),
        }
    }

    /// One round trip for a check; `None` if Redis gave no answer in time, or is not asked because it lately gave none.
    pub(crate) async fn look(&self, token: TokenRef) -> Option<RedisReply> {
        if self.open.load(Ordering::Acquire) {
            return None;
        }
        let live = self.live()?;
        let seen = self
            .within(&live, self.patience, live.connection.look(token))
            .await?;
        let holds_since = self.holds_since(&live, seen.sentinel);
        Some(RedisReply {
            facts: seen.facts,
            holds_since,
        })
    }

    /// Sets the sentinel if it was missing at the last look.
    pub(crate) async fn plant_if_missing(&self, fresh: impl FnOnce() -> Option<Sentinel>) {
        if self
            .sight
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .is_there()
        {
            return;
        }
        if let Some(live) = self.live()
            && let Some(value) = fresh()
            && let Some(found) = self
                .within(&live, self.patience, live.connection.plant(&value))
                .await
        {
            self.note(found);
        }
    }

    /// The connection there is.
    pub(crate) fn live(&self) -> Option<Arc<Live>> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether checks go to Redis at the moment.
    pub(crate) fn is_up(&self) -> bool {
        !self.open.load(Ordering::Acquire) && self.live().is_some()
    }

    /// Returns when a connection was made, or had been since this was last asked.
    pub(crate) async fn came(&self) {
        self.came.notified().await;
    }

    /// Waits for an answer so long; no answer opens the breaker, and a broken connection is given up.
    pub(crate) async fn within<T>(
        &self,
        live: &Arc<Live>,
        patience: Duration,
        answer: impl Future<Output = Result<T, RedisError>>,
    ) -> Option<T> {
        match timeout(patience, answer).await {
            Ok(Ok(value)) => return Some(value),
            Ok(Err(RedisError::Lost(reason))) => self.give_up(live, &reason),
            Ok(Err(error @ RedisError::Refused(_))) => self.trip(&error.to_string()),
            Err(_) => self.trip("no answer in time"),
        }
        None
    }

    /// Keeps a connection for as long as the node lives.
    pub(crate) async fn keep(&self) {
        let mut pause = FIRST_PAUSE;
        let mut complained = None;
        loop {
            match self.make().await {
                Ok(live) => {
                    self.complain(&live, &mut complained).await;
                    self.watch(&live).await;
                    // One that served for a while is replaced at once, one that was lost at once is not.
                    if self.stopwatch.read().since(live.made) > GIVE_UP {
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

    async fn make(&self) -> Result<Arc<Live>, RedisError> {
        let attempt = async {
            let connection = self.connector.connect().await?;
            let sentinel = connection.probe().await?;
            Ok((connection, sentinel))
        };
        let (connection, sentinel) = timeout(CONNECT_TIMEOUT, attempt)
            .await
            .unwrap_or_else(|_| Err(RedisError::Lost("no connection within a second".to_owned())))?;
        let live = Arc::new(Live {
            connection,
            made: self.stopwatch.read(),
        });
        self.note(sentinel);
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&live));
        self.open.store(false, Ordering::Release);
        self.came.notify_one();
        tracing::info!("connected to Redis");
        Ok(live)
    }

    /// Asks for signs of life until the connection is given up.
    async fn watch(&self, live: &Arc<Live>) {
        let mut answered = self.stopwatch.read();
        while self.is_current(live) {
            let pause = if self.open.load(Ordering::Acquire) {
                WORRIED
            } else {
                CALM
            };
            tokio::select! {
                biased;
                () = self.lost.notified() => continue,
                () = sleep(pause) => {}
            }
            let asked = self.stopwatch.read();
            if let Some(sentinel) = self.within(live, self.patience, live.connection.probe()).await {
                answered = asked;
                self.note(sentinel);
                if self.open.swap(false, Ordering::AcqRel) {
                    tracing::info!("Redis answers again");
                }
            } else if self.stopwatch.read().since(answered) > GIVE_UP {
                self.give_up(live, "no sign of life");
            }
        }
    }

    async fn complain(&self, live: &Live, last: &mut Option<String>) {
        let complaint = timeout(CONNECT_TIMEOUT, live.connection.complaint())
            .await
            .ok()
            .flatten();
        if complaint != *last
            && let Some(words) = &complaint
        {
            tracing::warn!("{words}");
        }
        *last = complaint;
    }

    fn is_current(&self, live: &Arc<Live>) -> bool {
        self.live().is_some_and(|current| Arc::ptr_eq(&current, live))
    }

    fn give_up(&self, live: &Arc<Live>, reason: &str) {
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

    fn trip(&self, reason: &str) {
        if !self.open.swap(true, Ordering::AcqRel) {
            tracing::warn!(
                reason,
                "Redis is not asked until it answers again; checks ask the database"
            );
        }
    }

    fn note(&self, sentinel: Option<Sentinel>) {
        let at = self.stopwatch.read();
        self.sight
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .note(sentinel, at);
    }

    /// The common case takes no more than a shared lock: the sentinel is the one that was there before.
    fn holds_since(&self, live: &Live, sentinel: Option<Sentinel>) -> Option<Moment> {
        if let Some(value) = &sentinel
            && let Some(since) = self
                .sight
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .holds_since(live.made, value)
        {
            return Some(since);
        }
        let at = self.stopwatch.read();
        let mut sight = self.sight.write().unwrap_or_else(PoisonError::into_inner);
        sight.note(sentinel.clone(), at);
        sight.holds_since(live.made, &sentinel?)
    }
}
