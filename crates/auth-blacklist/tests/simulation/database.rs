//! A database at its worst, within what PostgreSQL allows: commits become visible out of order and up to ten seconds after their rows
//! were recorded; the clock is set back and forth; nodes can't reach it.

use crate::environment::{Environment, Mutation, millis};
use auth_blacklist::{RevocationBatch, RevocationSource, SourceUnavailable, config::LONGEST_WRITE};
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
    /// The event at which the row became visible.
    pub(crate) visible: Option<u64>,
    /// The event at which the revocation was answered.
    pub(crate) answered: Option<u64>,
}

/// The time during which a node, or every node (`None`), can't reach the database.
#[derive(Clone, Copy)]
struct Outage {
    node: Option<usize>,
    from: Instant,
    to: Instant,
}

pub(crate) struct Database {
    pub(crate) environment: Arc<Environment>,
    pub(crate) rows: Mutex<Vec<Row>>,
    clock: Mutex<Span>,
    set_at: Mutex<Option<Instant>>,
    outages: Mutex<Vec<Outage>>,
}

impl Database {
    pub(crate) fn new(environment: Arc<Environment>) -> Arc<Self> {
        Arc::new(Self {
            environment,
            rows: Mutex::default(),
            clock: Mutex::new(Span::zero()),
            set_at: Mutex::default(),
            outages: Mutex::default(),
        })
    }

    fn now(&self) -> Timestamp {
        self.environment.time() + *self.clock.lock().unwrap()
    }

    /// Whether the clock was set within the time that a transaction may take: a node that starts then can't notice it.
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

    /// Whether the database may have been unreachable for a node at some time since `since`.
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

    /// Commits a revocation, and returns its row once the commit is acknowledged.
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
        match self.environment.random.within(0..100) {
            0..80 => self.environment.pause(0, 30).await,
            80..95 => self.environment.pause(0, 2_000).await,
            _ => self.environment.pause(2_000, 9_900).await,
        }
        self.environment
            .note(format_args!("row {row} visible: {:?}", revocation.what));
        self.rows.lock().unwrap()[row].visible = Some(self.environment.event());
        self.environment.travel(5, 60).await;
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

/// Whether a revocation concerns a token.
pub(crate) fn hits(revocation: &Revocation, token: &TokenRef) -> bool {
    match revocation.what {
        Revoked::Token(id) => id == token.token,
        Revoked::Session(id) => id == token.session,
        Revoked::User(id, least) => id == token.user && token.generation < least,
    }
}

/// The database as seen by one node.
pub(crate) struct NodesDatabase {
    pub(crate) database: Arc<Database>,
    pub(crate) node: usize,
}

impl NodesDatabase {
    /// One way over the network. Fails while the node can't reach the database: at once, or after a silence.
    async fn travel(&self) -> Result<(), SourceUnavailable> {
        let environment = &self.database.environment;
        environment.travel(6, 400).await;
        if self.database.is_cut_off(self.node) {
            environment
                .pause(0, if environment.random.percent(50) { 5 } else { 4_000 })
                .await;
            return Err(SourceUnavailable);
        }
        Ok(())
    }

    async fn read(&self, after: Option<Timestamp>) -> Result<RevocationBatch, SourceUnavailable> {
        self.travel().await?;
        let database_now = self.database.now();
        // The statement reads the clock before it takes its snapshot.
        sleep(self.database.environment.random.millis(0..10)).await;
        let due = |row: &Row| {
            row.revocation.until > database_now && after.is_none_or(|after| row.recorded_at > after)
        };
        let rows = self.database.visible().into_iter().filter(due);
        let revocations: Vec<_> = rows.map(|row| (row.revocation, row.recorded_at)).collect();
        self.database.environment.note(format_args!(
            "node {} reads {} rows after {after:?} at {database_now}",
            self.node,
            revocations.len()
        ));
        self.travel().await?;
        Ok(RevocationBatch {
            revocations,
            database_now,
        })
    }
}

impl RevocationSource for NodesDatabase {
    fn revocations_since(
        &self,
        after: Option<Timestamp>,
    ) -> BoxFuture<'_, Result<RevocationBatch, SourceUnavailable>> {
        let after = match self.database.environment.mutation {
            Mutation::NoLookBack => after.map(|after| after + Span::seconds(30)),
            _ => after,
        };
        async move {
            let mut read = self.read(after).await;
            match self.database.environment.mutation {
                Mutation::FailedReadsCount if read.is_err() => {
                    read = Ok(RevocationBatch {
                        revocations: Vec::new(),
                        database_now: self.database.now(),
                    });
                }
                Mutation::ClockStepsAreMissed => {
                    read = read.map(|batch| RevocationBatch {
                        database_now: self.database.environment.time(),
                        ..batch
                    });
                }
                _ => {}
            }
            read
        }
        .boxed()
    }

    fn facts(&self, token: TokenRef) -> BoxFuture<'_, Result<RevocationFacts, SourceUnavailable>> {
        async move {
            self.travel().await?;
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
            self.travel().await?;
            Ok(facts)
        }
        .boxed()
    }
}
