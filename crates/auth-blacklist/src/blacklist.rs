//! The blacklist of a node: one handle for checks and announcements, and the background tasks behind it.

use crate::{
    clock::Clock,
    config::{BlacklistConfig, Nodes},
    link::Link,
    moment::Stopwatch,
    node_state::NodeState,
    protocol::{Policy, Step, Unavailable},
    reader::Reader,
    redis::RedisConnector,
    redis_interface::Connector,
    revocation_source::RevocationSource,
    window::ReadWindow,
    writer::Writer,
};
use auth_domain::{
    revocation::{Revocation, RevocationFacts, TokenRef, Verdict},
    settings::{Complaint, Section as _},
    time::{Span, Timestamp},
};
use auth_redis::RedisUrls;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep_until, timeout},
};

/// Why the blacklist can't start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// A value of the configuration is invalid.
    #[error("blacklist.{}: {}", .0.key, .0.what)]
    Config(Complaint),
}

/// The state of Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisHealth {
    /// No Redis is configured.
    NotConfigured,
    /// Redis answers.
    Up,
    /// Redis can't be reached or does not answer in time. Checks ask the database.
    Down,
}

/// The state of the blacklist, for readiness and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlacklistHealth {
    /// How long ago the last complete read began; `None` before the first one.
    pub last_complete_read_age: Option<Duration>,
    /// Whether the last complete read is recent enough for memory to answer checks.
    pub fresh: bool,
    /// The state of Redis.
    pub redis: RedisHealth,
    /// How far the database's clock is ahead of this node's (negative: behind), as of the last read.
    pub database_clock_offset: Option<Span>,
    /// The number of revocations in memory.
    pub revocations: usize,
}

/// The blacklist of this node. Clones share it. Its tasks end with [`Self::stop`] or when the last clone is dropped.
#[derive(Clone)]
pub struct Blacklist {
    inner: Arc<Inner>,
}

struct Inner {
    policy: Policy,
    nodes: Nodes,
    known_everywhere_within: Duration,
    database_timeout: Duration,
    source: Arc<dyn RevocationSource>,
    shared: Arc<NodeState>,
    redis: Option<(Arc<Link>, Arc<Writer>)>,
    stopwatch: Stopwatch,
    clock: Clock,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        for task in self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}

impl Blacklist {
    /// Starts the background tasks: the reader and, with Redis, the connection and the writer. Neither the database nor Redis has to be
    /// available: until the first read is complete, every check asks the database. `clock` must not run backwards.
    ///
    /// Must be called within a Tokio runtime with timers enabled.
    ///
    /// # Errors
    /// [`StartError`] if the configuration is invalid.
    #[expect(
        clippy::unused_async,
        reason = "the tasks need a runtime, and an async function always runs on one"
    )]
    pub async fn start(
        config: BlacklistConfig,
        source: Arc<dyn RevocationSource>,
        redis: Option<RedisUrls>,
        nodes: Nodes,
        clock: Clock,
    ) -> Result<Self, StartError> {
        let connector = match redis {
            Some(urls) if nodes == Nodes::Many => {
                Some(Arc::new(RedisConnector::new(&urls, &config.redis_prefix)) as Arc<dyn Connector>)
            }
            _ => None,
        };
        Self::start_with_connector(config, source, connector, nodes, clock)
    }

    /// Like [`Self::start`], with any connector. The simulation passes one whose Redis loses data.
    ///
    /// # Errors
    /// [`StartError`] if the configuration is invalid.
    pub fn start_with_connector(
        config: BlacklistConfig,
        source: Arc<dyn RevocationSource>,
        connector: Option<Arc<dyn Connector>>,
        nodes: Nodes,
        clock: Clock,
    ) -> Result<Self, StartError> {
        if let Some(complaint) = config.validate().into_iter().next() {
            return Err(StartError::Config(complaint));
        }
        let stopwatch = Stopwatch::start();
        let shared = Arc::new(NodeState::default());
        let redis = connector.map(|connector| {
            let link = Arc::new(Link::new(connector, stopwatch, config.timeout));
            let writer = Arc::new(Writer::new(
                Arc::clone(&link),
                Arc::clone(&shared),
                stopwatch,
                Arc::clone(&clock),
            ));
            (link, writer)
        });
        let reader = Reader {
            source: Arc::clone(&source),
            shared: Arc::clone(&shared),
            link: redis.as_ref().map(|(link, _)| Arc::clone(link)),
            stopwatch,
            clock: Arc::clone(&clock),
            read_interval: config.read_interval,
            timeout: config.database_timeout,
            window: ReadWindow::new(config.look_back),
        };
        let mut tasks = vec![tokio::spawn(reader.run())];
        if let Some((link, writer)) = &redis {
            let (link, writer) = (Arc::clone(link), Arc::clone(writer));
            tasks.push(tokio::spawn(async move { link.run().await }));
            tasks.push(tokio::spawn(async move { writer.run().await }));
        }
        let policy = Policy {
            max_staleness: config.max_staleness,
            serve_stale: config.serve_stale,
            redis: redis.is_some(),
        };
        let inner = Inner {
            policy,
            nodes,
            known_everywhere_within: config.known_everywhere_within(),
            database_timeout: config.database_timeout,
            source,
            shared,
            redis,
            stopwatch,
            clock,
            tasks: Mutex::new(tasks),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The verdict if the node's memory alone may answer, without waiting or allocating. `None`: call [`Self::check`].
    #[must_use]
    pub fn check_local(&self, token: TokenRef, now: Timestamp) -> Option<Verdict> {
        let inner = &*self.inner;
        match inner
            .policy
            .first(&inner.shared.read(), &token, inner.stopwatch.read(), now)
        {
            Step::Answer(verdict) => Some(verdict),
            Step::AskRedis | Step::AskDatabase => None,
        }
    }

    /// Whether a token was revoked after it was signed. `now` is the time of the request.
    ///
    /// # Errors
    /// [`Unavailable`] if no reliable copy could be asked.
    pub async fn check(&self, token: TokenRef, now: Timestamp) -> Result<Verdict, Unavailable> {
        let inner = &*self.inner;
        let at = inner.stopwatch.read();
        let first = inner.policy.first(&inner.shared.read(), &token, at, now);
        let mut from_redis = RevocationFacts::default();
        match first {
            Step::Answer(verdict) => return Ok(verdict),
            Step::AskRedis => {
                if let Some((link, _)) = &inner.redis
                    && let Some(reply) = link.look_up(token).await
                {
                    from_redis = reply.facts;
                    if let Step::Answer(verdict) =
                        inner.policy.after_redis(&inner.shared.read(), &token, reply)
                    {
                        return Ok(verdict);
                    }
                }
            }
            Step::AskDatabase => {}
        }
        let answer = timeout(inner.database_timeout, inner.source.facts(token)).await;
        let database = answer.ok().and_then(Result::ok);
        inner
            .policy
            .after_database(&inner.shared.read(), &token, from_redis, database, at, now)
    }

    /// Announces the revocations of a transaction. Call it **after the commit** and before the answer. It returns when every node refuses
    /// the revoked tokens: when Redis has the revocations, or `max_staleness` has passed; at once if there is only one node. This node
    /// refuses the tokens from the first poll on. The write to Redis continues if the future is dropped.
    pub async fn announce(&self, revocations: &[Revocation]) {
        if revocations.is_empty() {
            return;
        }
        let inner = &*self.inner;
        let known_everywhere = Instant::now() + inner.known_everywhere_within;
        {
            let mut copy = inner.shared.write();
            for revocation in revocations {
                copy.insert(*revocation);
            }
        }
        match (&inner.redis, inner.nodes) {
            (_, Nodes::One) => {}
            (None, Nodes::Many) => sleep_until(known_everywhere).await,
            (Some((_, writer)), Nodes::Many) => {
                let ticket = writer.add(revocations);
                tokio::select! {
                    biased;
                    () = ticket.written() => {}
                    () = sleep_until(known_everywhere) => {}
                }
            }
        }
    }

    /// The state of the blacklist, for readiness and metrics.
    #[must_use]
    pub fn health(&self) -> BlacklistHealth {
        let inner = &*self.inner;
        let now = (inner.clock)();
        let copy = inner.shared.read();
        let last_complete_read_age = copy.staleness(inner.stopwatch.read(), now);
        BlacklistHealth {
            last_complete_read_age,
            fresh: last_complete_read_age.is_some_and(|age| age <= inner.policy.max_staleness),
            redis: match &inner.redis {
                None => RedisHealth::NotConfigured,
                Some((link, _)) if link.is_up() => RedisHealth::Up,
                Some(_) => RedisHealth::Down,
            },
            database_clock_offset: inner.shared.offset(),
            revocations: copy.len(),
        }
    }

    /// The earliest and the latest time that the database's clock may show now; `None` before the first read.
    #[must_use]
    pub fn database_clock(&self) -> Option<(Timestamp, Timestamp)> {
        self.inner.shared.database_clock(self.inner.stopwatch.read())
    }

    /// Ends the background tasks. Later checks ask the database once memory is too old. No announced revocation is lost.
    pub async fn stop(&self) {
        let tasks = std::mem::take(&mut *self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            task.abort();
            // The result is that the task was aborted.
            let _aborted = task.await;
        }
    }
}
