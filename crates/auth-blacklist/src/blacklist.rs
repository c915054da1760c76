//! The node's blacklist: one handle for checks and announcements, and the tasks behind it.

use crate::{
    clock::Clock,
    config::{BlacklistConfig, Nodes},
    link::Link,
    moment::Stopwatch,
    protocol::{Policy, Step, Unavailable},
    reader::Reader,
    redis::RedisConnector,
    shared::Shared,
    truth::Truth,
    window::ReadWindow,
    wire::Connector,
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
    /// A value of the configuration won't do.
    #[error("blacklist.{}: {}", .0.key, .0.what)]
    Config(Complaint),
}

/// How Redis does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisHealth {
    /// There is none.
    NotConfigured,
    /// It answers.
    Up,
    /// It can't be reached or doesn't answer in time; checks ask the database.
    Down,
}

/// What readiness and metrics ask of the blacklist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlacklistHealth {
    /// How long ago the last complete read began; `None` before the first one.
    pub last_complete_read_age: Option<Duration>,
    /// Whether that is recent enough for memory to decide.
    pub fresh: bool,
    /// How Redis does.
    pub redis: RedisHealth,
    /// How far the database's clock is ahead of this node's (negative: behind), as of the last read.
    pub database_clock_offset: Option<Span>,
    /// How many revocations are in memory.
    pub revocations: usize,
}

/// The blacklist of this node. Clones share it; its tasks end with [`Self::stop`] or with the last clone.
#[derive(Clone)]
pub struct Blacklist {
    inner: Arc<Inner>,
}

struct Inner {
    policy: Policy,
    nodes: Nodes,
    known_everywhere_within: Duration,
    database_timeout: Duration,
    truth: Arc<dyn Truth>,
    shared: Arc<Shared>,
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
    /// Starts the tasks: the reader, and with Redis its connection and its writer. Neither the database nor Redis has to be up:
    /// until the first read is complete, every check asks the database. `clock` must not run backwards.
    ///
    /// Must be called within a Tokio runtime with its timers on.
    ///
    /// # Errors
    /// [`StartError`] for a configuration that won't do.
    #[expect(
        clippy::unused_async,
        reason = "the tasks need the runtime, which an async function can't be without"
    )]
    pub async fn start(
        config: BlacklistConfig,
        truth: Arc<dyn Truth>,
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
        Self::start_over(config, truth, connector, nodes, clock)
    }

    /// The same over any way to reach a Redis. The simulation brings one that loses things.
    ///
    /// # Errors
    /// [`StartError::Config`].
    pub fn start_over(
        config: BlacklistConfig,
        truth: Arc<dyn Truth>,
        connector: Option<Arc<dyn Connector>>,
        nodes: Nodes,
        clock: Clock,
    ) -> Result<Self, StartError> {
        if let Some(complaint) = config.validate().into_iter().next() {
            return Err(StartError::Config(complaint));
        }
        let stopwatch = Stopwatch::start();
        let shared = Arc::new(Shared::default());
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
            truth: Arc::clone(&truth),
            shared: Arc::clone(&shared),
            link: redis.as_ref().map(|(link, _)| Arc::clone(link)),
            stopwatch,
            clock: Arc::clone(&clock),
            read_interval: config.read_interval,
            patience: config.database_timeout,
            window: ReadWindow::new(config.look_back),
        };
        let mut tasks = vec![tokio::spawn(reader.read())];
        if let Some((link, writer)) = &redis {
            let (link, writer) = (Arc::clone(link), Arc::clone(writer));
            tasks.push(tokio::spawn(async move { link.keep().await }));
            tasks.push(tokio::spawn(async move { writer.write().await }));
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
            truth,
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

    /// The verdict, where the node's memory alone may give it: no waiting, no allocation. `None`: [`Self::check`] has to be asked.
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

    /// Whether a token is refused for what happened since it was signed. `now` is the request's.
    ///
    /// # Errors
    /// [`Unavailable`] where nobody who can be believed could be asked.
    pub async fn check(&self, token: TokenRef, now: Timestamp) -> Result<Verdict, Unavailable> {
        let inner = &*self.inner;
        let at = inner.stopwatch.read();
        let first = inner.policy.first(&inner.shared.read(), &token, at, now);
        let mut from_redis = RevocationFacts::default();
        match first {
            Step::Answer(verdict) => return Ok(verdict),
            Step::AskRedis => {
                if let Some((link, _)) = &inner.redis
                    && let Some(reply) = link.look(token).await
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
        let answer = timeout(inner.database_timeout, inner.truth.facts(token)).await;
        let database = answer.ok().and_then(Result::ok);
        inner
            .policy
            .after_database(&inner.shared.read(), &token, from_redis, database, at, now)
    }

    /// To be called with what a transaction revoked, **after its commit** and before its answer: returns when every node refuses
    /// it, that is when Redis has it or `max_staleness` has passed; at once where there is one node. This node refuses it from
    /// the first poll on, and the writing to Redis goes on also if the future is dropped.
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

    /// How it does, for readiness and metrics.
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

    /// Ends the tasks. Checks afterwards ask the database once memory is too old; nothing answered is lost.
    pub async fn stop(&self) {
        let tasks = std::mem::take(&mut *self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            task.abort();
            // It ends with the abort, and its reason is that.
            let _aborted = task.await;
        }
    }
}
