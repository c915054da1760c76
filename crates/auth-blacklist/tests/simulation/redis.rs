//! A Redis that loses data: flushed, restarted from any snapshot, failed over to a lagging replica, frozen, unreachable for one node, its
//! connections dropped, its clock wrong. It had what it acknowledged at that moment, and nothing is guaranteed after that.

use crate::environment::{Environment, Mutation, millis};
use auth_blacklist::{
    protocol::Sentinel,
    redis_interface::{Connection, Connector, Lookup},
};
use auth_domain::{
    revocation::{Revocation, RevocationFacts, Revoked, TokenRef},
    time::{Span, Timestamp},
    user::Generation,
};
use auth_redis::RedisError;
use futures::{FutureExt, future::BoxFuture};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

/// The number and the expiry of each key, and the sentinel.
#[derive(Clone, Default)]
struct Data {
    entries: HashMap<(char, Uuid), (i64, Timestamp)>,
    sentinel: Option<Sentinel>,
}

struct Server {
    data: Data,
    /// Every earlier state: a snapshot may hold it, or a replica may have reached it.
    history: Vec<Data>,
    /// Counts restarts and failovers. A connection does not survive one.
    life: u64,
    /// Counts dropped connections, for each node.
    drops: HashMap<usize, u64>,
    down_until: Instant,
    frozen_until: Instant,
    cut_until: HashMap<usize, Instant>,
}

pub(crate) struct Redis {
    environment: Arc<Environment>,
    clock: Span,
    server: Mutex<Server>,
}

impl Redis {
    pub(crate) fn new(environment: Arc<Environment>) -> Arc<Self> {
        let now = Instant::now();
        let clock =
            Span::milliseconds(i64::try_from(environment.random.within(0..240_000)).unwrap() - 120_000);
        let server = Server {
            data: Data::default(),
            history: vec![Data::default()],
            life: 0,
            drops: HashMap::new(),
            down_until: now,
            frozen_until: now,
            cut_until: HashMap::new(),
        };
        Arc::new(Self {
            environment,
            clock,
            server: Mutex::new(server),
        })
    }

    fn now(&self) -> Timestamp {
        self.environment.time() + self.clock
    }

    pub(crate) fn flush(&self) {
        let mut server = self.server.lock().unwrap();
        server.data = Data::default();
        server.history.push(Data::default());
    }

    /// Kills and restarts the server from an earlier state, or lets a replica in that state take over.
    pub(crate) fn restart(&self, down_for: u64) {
        let mut server = self.server.lock().unwrap();
        let age = if self.environment.random.percent(50) {
            self.environment.random.index(3)
        } else {
            self.environment.random.index(60)
        };
        let last = server.history.len() - 1;
        server.data = server.history[last.saturating_sub(age)].clone();
        let restored = server.data.clone();
        server.history.push(restored);
        server.life += 1;
        server.down_until = Instant::now() + millis(down_for);
    }

    pub(crate) fn freeze(&self, length: u64) {
        self.server.lock().unwrap().frozen_until = Instant::now() + millis(length);
    }

    pub(crate) fn cut_off(&self, node: usize, length: u64) {
        self.server
            .lock()
            .unwrap()
            .cut_until
            .insert(node, Instant::now() + millis(length));
    }

    pub(crate) fn drop_connection(&self, node: usize) {
        *self.server.lock().unwrap().drops.entry(node).or_default() += 1;
    }

    /// Waits while nothing gets through. TCP delivers it later.
    async fn get_through(&self, node: usize, thaw: bool) {
        loop {
            let until = {
                let server = self.server.lock().unwrap();
                let cut = server.cut_until.get(&node).copied().unwrap_or(server.down_until);
                if thaw { cut.max(server.frozen_until) } else { cut }
            };
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }
}

/// Redis as seen by one node.
pub(crate) struct NodesRedis {
    pub(crate) redis: Arc<Redis>,
    pub(crate) node: usize,
}

impl Connector for NodesRedis {
    fn connect(&self) -> BoxFuture<'_, Result<Arc<dyn Connection>, RedisError>> {
        async move {
            self.redis.environment.travel(3, 60).await;
            self.redis.get_through(self.node, true).await;
            let server = self.redis.server.lock().unwrap();
            if server.down_until > Instant::now() {
                return Err(RedisError::Lost("refused".to_owned()));
            }
            self.redis
                .environment
                .note(format_args!("node {} connects", self.node));
            Ok(Arc::new(SimulatedConnection {
                redis: Arc::clone(&self.redis),
                node: self.node,
                life: server.life,
                drops: server.drops.get(&self.node).copied().unwrap_or(0),
            }) as Arc<dyn Connection>)
        }
        .boxed()
    }
}

struct SimulatedConnection {
    redis: Arc<Redis>,
    node: usize,
    life: u64,
    drops: u64,
}

impl SimulatedConnection {
    fn is_dead(&self, server: &Server) -> bool {
        if self.redis.environment.mutation == Mutation::ReconnectsAreHidden {
            return server.down_until > Instant::now();
        }
        self.life != server.life || self.drops != server.drops.get(&self.node).copied().unwrap_or(0)
    }

    async fn command<T>(&self, run: impl FnOnce(&mut Server) -> T + Send) -> Result<T, RedisError> {
        let lost = || RedisError::Lost("reset".to_owned());
        self.redis.environment.travel(3, 60).await;
        self.redis.get_through(self.node, true).await;
        let answer = {
            let mut server = self.redis.server.lock().unwrap();
            if self.is_dead(&server) {
                return Err(lost());
            }
            run(&mut server)
        };
        self.redis.environment.travel(3, 60).await;
        self.redis.get_through(self.node, false).await;
        // An answer that was on its way when the server died may arrive or not.
        let dead = self.is_dead(&self.redis.server.lock().unwrap());
        if dead && self.redis.environment.random.percent(50) {
            Err(lost())
        } else {
            Ok(answer)
        }
    }

    fn seen(&self, sentinel: Option<Sentinel>) -> Option<Sentinel> {
        match self.redis.environment.mutation {
            Mutation::FlushedRedisIsTrusted => Some(Sentinel::new(b"always the same".to_vec())),
            _ => sentinel,
        }
    }
}

impl Connection for SimulatedConnection {
    fn look_up(&self, token: TokenRef) -> BoxFuture<'_, Result<Lookup, RedisError>> {
        async move {
            let now = self.redis.now();
            let (facts, sentinel) = self
                .command(move |server| {
                    let find = |kind, id| {
                        let (number, end) = server.data.entries.get(&(kind, id)).copied()?;
                        (end > now).then_some(number)
                    };
                    let facts = RevocationFacts {
                        token: find('t', token.token.as_uuid()).is_some(),
                        session: find('s', token.session.as_uuid()).is_some(),
                        least: find('u', token.user.as_uuid()).and_then(Generation::from_number),
                    };
                    (facts, server.data.sentinel.clone())
                })
                .await?;
            Ok(Lookup {
                facts,
                sentinel: self.seen(sentinel),
            })
        }
        .boxed()
    }

    fn probe(&self) -> BoxFuture<'_, Result<Option<Sentinel>, RedisError>> {
        async move { Ok(self.seen(self.command(|server| server.data.sentinel.clone()).await?)) }.boxed()
    }

    fn merge<'a>(
        &'a self,
        revocations: &'a [Revocation],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), RedisError>> {
        if self.redis.environment.mutation == Mutation::WritesAreNotAwaited {
            return async { Ok(()) }.boxed();
        }
        let there = self.redis.now();
        self.command(move |server| {
            for revocation in revocations {
                let (key, number) = match revocation.what {
                    Revoked::Token(id) => (('t', id.as_uuid()), 1),
                    Revoked::Session(id) => (('s', id.as_uuid()), 1),
                    Revoked::User(id, least) => (('u', id.as_uuid()), least.number()),
                };
                let end = revocation.until.max(there + (revocation.until - now));
                let entry = server.data.entries.entry(key).or_insert((number, end));
                *entry = (entry.0.max(number), entry.1.max(end));
            }
            server.history.push(server.data.clone());
            self.redis.environment.note(format_args!(
                "node {} writes {} to Redis",
                self.node,
                revocations.len()
            ));
        })
        .boxed()
    }

    fn set_sentinel_if_absent<'a>(
        &'a self,
        value: &'a Sentinel,
    ) -> BoxFuture<'a, Result<Option<Sentinel>, RedisError>> {
        async move {
            let set = |server: &mut Server| {
                let there = server.data.sentinel.get_or_insert_with(|| value.clone()).clone();
                server.history.push(server.data.clone());
                Some(there)
            };
            Ok(self.seen(self.command(set).await?))
        }
        .boxed()
    }

    fn misconfiguration(&self) -> BoxFuture<'_, Option<String>> {
        async { None }.boxed()
    }
}
