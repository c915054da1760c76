//! One run: nodes, clients that revoke and check, injected faults, and the check of every result.

use crate::{
    database::{Database, NodesDatabase, hits},
    environment::{Environment, Mutation, millis, start_of_time},
    redis::{NodesRedis, Redis},
};
use auth_blacklist::{Blacklist, BlacklistConfig, Clock, Nodes, redis_interface::Connector};
use auth_domain::{
    ids::{SessionId, TokenId, UserId},
    revocation::{Revocation, Revoked, TokenRef, Verdict},
    time::{Span, Timestamp},
    user::Generation,
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// For how long an expired token is still accepted.
const LEEWAY: Span = Span::seconds(5);
/// How long a run lasts, in virtual milliseconds.
const LENGTH: u64 = 25_000;

/// The result of a run.
#[derive(Debug, Default)]
pub(crate) struct RunResult {
    pub(crate) checks: u64,
    pub(crate) answered: u64,
    pub(crate) refused: u64,
    pub(crate) unavailable: u64,
    pub(crate) violations: Vec<String>,
    pub(crate) journal: Vec<String>,
}

#[derive(Clone, Copy)]
struct Token {
    is: TokenRef,
    expires: Timestamp,
}

pub(crate) struct Fleet {
    environment: Arc<Environment>,
    database: Arc<Database>,
    redis: Arc<Redis>,
    with_redis: bool,
    nodes: Vec<Node>,
    tokens: Mutex<Vec<Token>>,
    generations: Mutex<HashMap<UserId, Generation>>,
    outcome: Mutex<RunResult>,
}

struct Node {
    blacklist: Mutex<Blacklist>,
    clock: Clock,
    /// The error of the node's clock, in milliseconds.
    skew: Arc<AtomicI64>,
}

impl Fleet {
    /// Runs one seed to its end.
    pub(crate) async fn play(seed: u64, mutation: Mutation) -> RunResult {
        let fleet = Arc::new(Self::new(seed, mutation));
        let environment = Arc::clone(&fleet.environment);
        let mut actors = Vec::new();
        for _ in 0..3 {
            actors.push(tokio::spawn(Arc::clone(&fleet).revoke_repeatedly()));
        }
        for _ in 0..2 {
            actors.push(tokio::spawn(Arc::clone(&fleet).check_repeatedly()));
        }
        let faults = tokio::spawn(Arc::clone(&fleet).inject_faults());
        sleep(millis(LENGTH)).await;
        faults.abort();
        for actor in actors {
            actor.abort();
            if let Err(error) = actor.await {
                assert!(error.is_cancelled(), "seed {seed}: {error}");
            }
        }
        let outcome = std::mem::take(&mut *fleet.outcome.lock().unwrap());
        RunResult {
            journal: environment.take_journal(),
            ..outcome
        }
    }

    fn new(seed: u64, mutation: Mutation) -> Self {
        let environment = Arc::new(Environment::new(seed, mutation));
        let database = Database::new(Arc::clone(&environment));
        let redis = Redis::new(Arc::clone(&environment));
        let with_redis = mutation != Mutation::None || environment.random.percent(85);
        let mut fleet = Self {
            nodes: Vec::new(),
            tokens: Mutex::default(),
            generations: Mutex::default(),
            outcome: Mutex::default(),
            with_redis,
            environment,
            database,
            redis,
        };
        for number in 0..2 + fleet.environment.random.index(3) {
            let node = fleet.new_node(number);
            fleet.nodes.push(node);
        }
        for user in 0..3 {
            for _ in 0..3 {
                fleet.sign_in(UserId::from_uuid(Uuid::from_u128(user)));
            }
        }
        fleet
    }

    fn new_node(&self, number: usize) -> Node {
        let skew = Arc::new(AtomicI64::new(
            i64::try_from(self.environment.random.within(0..900)).unwrap() - 450,
        ));
        let (environment, offset) = (Arc::clone(&self.environment), Arc::clone(&skew));
        let clock: Clock =
            Arc::new(move || environment.time() + Span::milliseconds(offset.load(Ordering::Relaxed)));
        Node {
            blacklist: Mutex::new(self.start(number, Arc::clone(&clock))),
            clock,
            skew,
        }
    }

    fn start(&self, number: usize, clock: Clock) -> Blacklist {
        let source = NodesDatabase {
            database: Arc::clone(&self.database),
            node: number,
        };
        let redis = NodesRedis {
            redis: Arc::clone(&self.redis),
            node: number,
        };
        let connector = self.with_redis.then(|| Arc::new(redis) as Arc<dyn Connector>);
        Blacklist::start_with_connector(
            BlacklistConfig::default(),
            Arc::new(source),
            connector,
            Nodes::Many,
            clock,
        )
        .unwrap()
    }

    fn id(&self) -> Uuid {
        Uuid::from_u64_pair(self.environment.random.number(), self.environment.random.number())
    }

    /// A new session of a user with two tokens.
    fn sign_in(&self, user: UserId) {
        let generation = *self
            .generations
            .lock()
            .unwrap()
            .entry(user)
            .or_insert(Generation::FIRST);
        let session = SessionId::from_uuid(self.id());
        for _ in 0..2 {
            let lifetime = if self.environment.short_lives {
                self.environment.random.within(500..20_000)
            } else {
                86_400_000
            };
            let is = TokenRef {
                token: TokenId::from_uuid(self.id()),
                session,
                user,
                generation,
            };
            let expires = self.environment.time() + Span::from_std(millis(lifetime)).unwrap();
            self.tokens.lock().unwrap().push(Token { is, expires });
        }
    }

    fn some_token(&self) -> Token {
        let tokens = self.tokens.lock().unwrap();
        // Prefer the latest tokens: most of the others are revoked by now.
        let from = if self.environment.random.percent(60) {
            tokens.len().saturating_sub(8)
        } else {
            0
        };
        tokens[from + self.environment.random.index(tokens.len() - from)]
    }

    fn some_node(&self) -> usize {
        self.environment.random.index(self.nodes.len())
    }

    async fn revoke_repeatedly(self: Arc<Self>) {
        loop {
            self.environment.pause(0, 900).await;
            self.revoke(self.some_token().is).await;
        }
    }

    async fn revoke(self: &Arc<Self>, token: TokenRef) {
        let what = match self.environment.random.within(0..10) {
            0..4 => Revoked::Token(token.token),
            4..7 => Revoked::Session(token.session),
            _ => Revoked::User(token.user, token.generation.raised()),
        };
        let expiries: Vec<Timestamp> = self
            .tokens
            .lock()
            .unwrap()
            .iter()
            .map(|token| token.expires)
            .collect();
        let revocation = Revocation::new(
            what,
            expiries.into_iter().max().unwrap_or_else(start_of_time),
            LEEWAY,
        );
        let row = self.database.commit(revocation).await;
        if let Revoked::User(user, least) = what {
            let raised = *self
                .generations
                .lock()
                .unwrap()
                .entry(user)
                .and_modify(|g| *g = least.max(*g))
                .or_insert(least);
            assert!(raised >= least);
        }
        self.sign_in(token.user);
        let blacklist = self.nodes[self.some_node()].blacklist.lock().unwrap().clone();
        if self.environment.random.percent(5) {
            // The client disconnected, or the process is about to die: there is no answer, so nothing is guaranteed.
            return;
        }
        if self.environment.mutation != Mutation::AnswersAreNotHeldBack {
            blacklist.announce(&[revocation]).await;
        }
        self.database.rows.lock().unwrap()[row].answered = Some(self.environment.event());
        self.environment.note(format_args!("row {row} answered"));
        self.outcome.lock().unwrap().answered += 1;
        // The revocation was answered: from now on every node must refuse the token.
        for node in 0..self.nodes.len() {
            for token in self.tokens_hit(&revocation) {
                tokio::spawn(Arc::clone(self).check(node, token));
            }
        }
    }

    fn tokens_hit(&self, revocation: &Revocation) -> Vec<Token> {
        self.tokens
            .lock()
            .unwrap()
            .iter()
            .filter(|token| hits(revocation, &token.is))
            .take(2)
            .copied()
            .collect()
    }

    async fn check_repeatedly(self: Arc<Self>) {
        loop {
            self.environment.pause(0, 120).await;
            tokio::spawn(Arc::clone(&self).check(self.some_node(), self.some_token()));
        }
    }

    async fn check(self: Arc<Self>, node: usize, token: Token) {
        let blacklist = self.nodes[node].blacklist.lock().unwrap().clone();
        let now = (self.nodes[node].clock)();
        let (began, event) = (Instant::now(), self.environment.event());
        let outcome = match blacklist.check_local(token.is, now) {
            Some(verdict) => Ok(verdict),
            None => blacklist.check(token.is, now).await,
        };
        let rows = self.database.rows.lock().unwrap();
        let mut summary = self.outcome.lock().unwrap();
        summary.checks += 1;
        let wrong = match outcome {
            Ok(Verdict::Valid) => {
                let lives = now < token.expires + LEEWAY;
                let was_answered = |row: &&crate::database::Row| {
                    row.answered.is_some_and(|at| at < event) && hits(&row.revocation, &token.is)
                };
                rows.iter()
                    .find(was_answered)
                    .filter(|_| lives)
                    .map(|row| format!("accepted in spite of {:?}", row.revocation))
            }
            Ok(verdict) => {
                summary.refused += 1;
                let why = |row: &crate::database::Row| {
                    let cut = matches!(row.revocation.what, Revoked::User(..));
                    row.visible.is_some()
                        && hits(&row.revocation, &token.is)
                        && cut == (verdict == Verdict::AllSessionsRevoked)
                };
                (!rows.iter().any(why)).then(|| format!("refused as {verdict:?} for nothing"))
            }
            Err(_) => {
                summary.unavailable += 1;
                let excused = self.database.was_cut_off(node, began);
                (!excused).then(|| "unavailable, though the database could be reached".to_owned())
            }
        };
        if let Some(wrong) = wrong {
            self.environment
                .note(format_args!("VIOLATION at node {node}: {wrong}"));
            summary.violations.push(format!(
                "{:?}, node {node}, {:?}: {wrong}",
                began.elapsed(),
                token.is
            ));
        }
    }

    async fn inject_faults(self: Arc<Self>) {
        let random = &self.environment.random;
        loop {
            self.environment.pause(100, 3_500).await;
            let node = self.some_node();
            let what = random.within(0..12);
            self.environment.note(format_args!("break {what} at node {node}"));
            match what {
                0 | 1 => self.redis.flush(),
                2 | 3 => self.redis.restart(random.within(0..2_000)),
                4 => self.redis.restart(0),
                5 => self.redis.freeze(random.within(20..4_000)),
                6 => self.redis.cut_off(node, random.within(20..4_000)),
                7 => self.redis.drop_connection(node),
                8 => self.database.cut_off(Some(node), random.within(100..5_000)),
                9 => self.database.cut_off(None, random.within(100..3_000)),
                10 => self.step_a_clock(node).await,
                _ if self.database.was_just_set() => {}
                _ => {
                    let restarted = self.start(node, Arc::clone(&self.nodes[node].clock));
                    *self.nodes[node].blacklist.lock().unwrap() = restarted;
                }
            }
        }
    }

    async fn step_a_clock(&self, node: usize) {
        let random = &self.environment.random;
        if self.environment.short_lives || random.percent(40) {
            // A node's clock is ahead for a while, which it is not supposed to be.
            let ahead = i64::try_from(random.within(1_000..7_200_000)).unwrap();
            self.nodes[node].skew.fetch_add(ahead, Ordering::Relaxed);
            self.environment.pause(100, 2_000).await;
            self.nodes[node].skew.fetch_sub(ahead, Ordering::Relaxed);
        } else {
            let by = i64::try_from(random.within(0..240_000)).unwrap() - 180_000;
            self.environment
                .note(format_args!("the database's clock is set by {by} ms"));
            self.database.step_clock(Span::milliseconds(by));
        }
    }
}
