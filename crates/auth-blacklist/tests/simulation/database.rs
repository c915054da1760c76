//! A database as bad as PostgreSQL may be: commits become visible up to ten seconds after they took their time, and out of
//! order; its clock is set back and forth; nodes are cut off from it.

use crate::world::{Broken, World, millis};
use auth_blacklist::{Batch, Truth, TruthUnavailable, config::LONGEST_WRITE};
use auth_domain::{
    revocation::{Revocation, RevocationFacts, Revoked, TokenRef},
    time::{Span, Timestamp},
};
use futures::{FutureExt, future::BoxFuture};
use std::sync::{Arc, Mutex};
use tokio::time::{Instant, sleep};

#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) revocation: Revocation,
    recorded_at: Timestamp,
    /// The event of becoming visible.
    pub(crate) visible: Option<u64>,
    /// The event of being answered.
    pub(crate) answered: Option<u64>,
}

/// A node, or all, can't reach the database from then until then.
#[derive(Clone, Copy)]
struct Outage {
    node: Option<usize>,
    from: Instant,
    to: Instant,
}

pub(crate) struct Database {
    pub(crate) world: Arc<World>,
    pub(crate) rows: Mutex<Vec<Row>>,
    clock: Mutex<Span>,
    set_at: Mutex<Option<Instant>>,
    outages: Mutex<Vec<Outage>>,
}

impl Database {
    pub(crate) fn new(world: Arc<World>) -> Arc<Self> {
        Arc::new(Self {
            world,
            rows: Mutex::default(),
            clock: Mutex::new(Span::zero()),
            set_at: Mutex::default(),
            outages: Mutex::default(),
        })
    }

    fn now(&self) -> Timestamp {
        self.world.time() + *self.clock.lock().unwrap()
    }

    /// Whether the clock was set within the time that rows may be under way: a node that starts then can't know of it.
    pub(crate) fn was_just_set(&self) -> bool {
        self.set_at
            .lock()
            .unwrap()
            .is_some_and(|at| at.elapsed() < LONGEST_WRITE)
    }

    pub(crate) fn step_clock(&self, by: Span) {
        *self.set_at.lock().unwrap() = Some(Instant::now());
        *self.clock.lock().unwrap() += by;
    }

    pub(crate) fn cut_off(&self, node: Option<usize>, length: u64) {
        let from = Instant::now();
        self.outages.lock().unwrap().push(Outage {
            node,
            from,
            to: from + millis(length),
        });
    }

    /// Whether the database could have been out of a node's reach at some time since then.
    pub(crate) fn was_cut_off(&self, node: usize, since: Instant) -> bool {
        let hits = |outage: &Outage| outage.node.is_none_or(|cut| cut == node) && outage.to >= since;
        self.outages.lock().unwrap().iter().any(hits)
    }

    fn is_cut_off(&self, node: usize) -> bool {
        let now = Instant::now();
        let hits = |outage: &Outage| {
            outage.node.is_none_or(|cut| cut == node) && outage.from <= now && now < outage.to
        };
        self.outages.lock().unwrap().iter().any(hits)
    }

    /// Commits a revocation; returns its row once the commit is acknowledged.
    pub(crate) async fn commit(&self, revocation: Revocation) -> usize {
        let row = {
            let mut rows = self.rows.lock().unwrap();
            rows.push(Row {
                revocation,
                recorded_at: self.now(),
                visible: None,
                answered: None,
            });
            rows.len() - 1
        };
        match self.world.chance.within(0..100) {
            0..80 => self.world.pause(0, 30).await,
            80..95 => self.world.pause(0, 2_000).await,
            _ => self.world.pause(2_000, 9_900).await,
        }
        self.world
            .note(format_args!("row {row} visible: {:?}", revocation.what));
        self.rows.lock().unwrap()[row].visible = Some(self.world.event());
        self.world.travel(5, 60).await;
        row
    }

    fn visible(&self) -> Vec<Row> {
        self.rows
            .lock()
            .unwrap()
            .iter()
            .filter(|row| row.visible.is_some())
            .cloned()
            .collect()
    }
}

/// Whether a revocation hits a token.
pub(crate) fn hits(revocation: &Revocation, token: &TokenRef) -> bool {
    match revocation.what {
        Revoked::Token(id) => id == token.token,
        Revoked::Session(id) => id == token.session,
        Revoked::User(id, least) => id == token.user && token.generation < least,
    }
}

/// The database as one node reaches it.
pub(crate) struct NodesDatabase {
    pub(crate) database: Arc<Database>,
    pub(crate) node: usize,
}

impl NodesDatabase {
    /// A way there or back; fails at once or after a silence while the node is cut off.
    async fn way(&self) -> Result<(), TruthUnavailable> {
        let world = &self.database.world;
        world.travel(6, 400).await;
        if self.database.is_cut_off(self.node) {
            world
                .pause(0, if world.chance.percent(50) { 5 } else { 4_000 })
                .await;
            return Err(TruthUnavailable);
        }
        Ok(())
    }

    async fn read(&self, after: Option<Timestamp>) -> Result<Batch, TruthUnavailable> {
        self.way().await?;
        let database_now = self.database.now();
        // The statement's time is taken before its snapshot.
        sleep(self.database.world.chance.millis(0..10)).await;
        let due = |row: &Row| {
            row.revocation.until > database_now && after.is_none_or(|after| row.recorded_at > after)
        };
        let rows = self.database.visible().into_iter().filter(due);
        let revocations: Vec<_> = rows.map(|row| (row.revocation, row.recorded_at)).collect();
        self.database.world.note(format_args!(
            "node {} reads {} rows after {after:?} at {database_now}",
            self.node,
            revocations.len()
        ));
        self.way().await?;
        Ok(Batch {
            revocations,
            database_now,
        })
    }
}

impl Truth for NodesDatabase {
    fn revocations_since(&self, after: Option<Timestamp>) -> BoxFuture<'_, Result<Batch, TruthUnavailable>> {
        let after = match self.database.world.broken {
            Broken::NoLookBack => after.map(|after| after + Span::seconds(30)),
            _ => after,
        };
        async move {
            let mut read = self.read(after).await;
            match self.database.world.broken {
                Broken::FailedReadsCount if read.is_err() => {
                    read = Ok(Batch {
                        revocations: Vec::new(),
                        database_now: self.database.now(),
                    });
                }
                Broken::ClockStepsAreMissed => {
                    read = read.map(|batch| Batch {
                        database_now: self.database.world.time(),
                        ..batch
                    });
                }
                _ => {}
            }
            read
        }
        .boxed()
    }

    fn facts(&self, token: TokenRef) -> BoxFuture<'_, Result<RevocationFacts, TruthUnavailable>> {
        async move {
            self.way().await?;
            let now = self.database.now();
            let mut facts = RevocationFacts::default();
            for row in self
                .database
                .visible()
                .iter()
                .filter(|row| row.revocation.until > now)
            {
                match row.revocation.what {
                    Revoked::Token(id) => facts.token |= id == token.token,
                    Revoked::Session(id) => facts.session |= id == token.session,
                    Revoked::User(id, least) if id == token.user => {
                        facts.least = facts.least.max(Some(least));
                    }
                    Revoked::User(..) => {}
                }
            }
            self.way().await?;
            Ok(facts)
        }
        .boxed()
    }
}
