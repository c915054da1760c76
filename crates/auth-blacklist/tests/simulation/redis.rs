//! A Redis that loses what it can: flushed, restarted from any snapshot, failed over to a replica that lags, frozen, cut off
//! from one node, its connections dropped, its clock wrong. What it acknowledged it had at that moment, and no longer than that.

use crate::world::{Broken, World, millis};
use auth_blacklist::{
    protocol::Sentinel,
    wire::{Connection, Connector, Seen},
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

/// The number and the end under each key, and the sentinel.
#[derive(Clone, Default)]
struct Data {
    entries: HashMap<(char, Uuid), (i64, Timestamp)>,
    sentinel: Option<Sentinel>,
}

struct Server {
    data: Data,
    /// Every state it was in: what a snapshot may hold and a replica may have got to.
    history: Vec<Data>,
    /// Counts restarts and failovers: a connection lives in one of them.
    life: u64,
    /// Counts dropped connections, for each node.
    drops: HashMap<usize, u64>,
    down_until: Instant,
    frozen_until: Instant,
    cut_until: HashMap<usize, Instant>,
}

pub(crate) struct Redis {
    world: Arc<World>,
    clock: Span,
    server: Mutex<Server>,
}

impl Redis {
    pub(crate) fn new(world: Arc<World>) -> Arc<Self> {
        let now = Instant::now();
        let clock = Span::milliseconds(i64::try_from(world.chance.within(0..240_000)).unwrap() - 120_000);
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
            world,
            clock,
            server: Mutex::new(server),
        })
    }

    fn now(&self) -> Timestamp {
        self.world.time() + self.clock
    }

    pub(crate) fn flush(&self) {
        let mut server = self.server.lock().unwrap();
        server.data = Data::default();
        server.history.push(Data::default());
    }

    /// Killed and started again from some earlier state, or a replica at that state takes over.
    pub(crate) fn restart(&self, down_for: u64) {
        let mut server = self.server.lock().unwrap();
        let age = if self.world.chance.percent(50) {
            self.world.chance.index(3)
        } else {
            self.world.chance.index(60)
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

    /// Waits while nothing gets through. TCP delivers late what it could not deliver.
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

/// The Redis as one node reaches it.
pub(crate) struct NodesRedis {
    pub(crate) redis: Arc<Redis>,
    pub(crate) node: usize,
}

impl Connector for NodesRedis {
    fn connect(&self) -> BoxFuture<'_, Result<Arc<dyn Connection>, RedisError>> {
        async move {
            self.redis.world.travel(3, 60).await;
            self.redis.get_through(self.node, true).await;
            let server = self.redis.server.lock().unwrap();
            if server.down_until > Instant::now() {
                return Err(RedisError::Lost("refused".to_owned()));
            }
            self.redis.world.note(format_args!("node {} connects", self.node));
            Ok(Arc::new(Wire {
                redis: Arc::clone(&self.redis),
                node: self.node,
                life: server.life,
                drops: server.drops.get(&self.node).copied().unwrap_or(0),
            }) as Arc<dyn Connection>)
        }
        .boxed()
    }
}

struct Wire {
    redis: Arc<Redis>,
    node: usize,
    life: u64,
    drops: u64,
}

impl Wire {
    fn is_dead(&self, server: &Server) -> bool {
        if self.redis.world.broken == Broken::ReconnectsAreHidden {
            return server.down_until > Instant::now();
        }
        self.life != server.life || self.drops != server.drops.get(&self.node).copied().unwrap_or(0)
    }

    async fn command<T>(&self, run: impl FnOnce(&mut Server) -> T + Send) -> Result<T, RedisError> {
        let lost = || RedisError::Lost("reset".to_owned());
        self.redis.world.travel(3, 60).await;
        self.redis.get_through(self.node, true).await;
        let answer = {
            let mut server = self.redis.server.lock().unwrap();
            if self.is_dead(&server) {
                return Err(lost());
            }
            run(&mut server)
        };
        self.redis.world.travel(3, 60).await;
        self.redis.get_through(self.node, false).await;
        // An answer that was under way when the server died may still come in, or not.
        let dead = self.is_dead(&self.redis.server.lock().unwrap());
        if dead && self.redis.world.chance.percent(50) {
            Err(lost())
        } else {
            Ok(answer)
        }
    }

    fn seen(&self, sentinel: Option<Sentinel>) -> Option<Sentinel> {
        match self.redis.world.broken {
            Broken::FlushedRedisIsTrusted => Some(Sentinel::new(b"always the same".to_vec())),
            _ => sentinel,
        }
    }
}

impl Connection for Wire {
    fn look(&self, token: TokenRef) -> BoxFuture<'_, Result<Seen, RedisError>> {
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
            Ok(Seen {
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
        if self.redis.world.broken == Broken::WritesAreNotAwaited {
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
            self.redis.world.note(format_args!(
                "node {} writes {} to Redis",
                self.node,
                revocations.len()
            ));
        })
        .boxed()
    }

    fn plant<'a>(&'a self, value: &'a Sentinel) -> BoxFuture<'a, Result<Option<Sentinel>, RedisError>> {
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

    fn complaint(&self) -> BoxFuture<'_, Option<String>> {
        async { None }.boxed()
    }
}
