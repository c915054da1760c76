//! The scenario of a run: the nodes that clients may call, the answers that are allowed at the moment, and the counts.
//!
//! The rule: outside of an outage every request is answered with a decision. Other answers are allowed right before a fault and
//! forbidden again after it.

use crate::{
    client::AccountClient,
    oracle::{Call, Op, Time},
    reading::{Reading, Reply, read},
};
use std::{
    sync::{Mutex, RwLock},
    time::{Duration, Instant},
};
use tests::Client;
use tokio::sync::watch;

/// Longer than a server may take for an answer (`server.request_timeout`, 30 s).
const PATIENCE: Duration = Duration::from_secs(40);
/// Writing transactions end within this time (docs/rules.md §1). A call that was lost earlier can no longer take effect.
const ENDS_WITHIN: Duration = Duration::from_secs(10);

/// The answers that are allowed besides a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// None.
    Decisions,
    /// 503 with `Retry-After`.
    Outage,
    /// 503 for calls that write.
    NoWrites,
}

/// The counts of a run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Decisions on calls that write: done or refused.
    pub(crate) acknowledged: u64,
    /// Refreshes among them.
    pub(crate) refreshes: u64,
    /// Decisions about access tokens.
    pub(crate) checks: u64,
    /// 503s and answers that never came: the outcome is unknown.
    pub(crate) open: u64,
    /// Broken promises.
    pub(crate) violations: u64,
}

impl Counts {
    /// All calls that ended.
    pub(crate) fn all(&self) -> u64 {
        self.acknowledged + self.checks + self.open
    }
}

/// A node.
#[derive(Clone)]
struct Node {
    client: Option<Client>,
    /// Whether it gets all calls, or only checks of access tokens.
    serves: bool,
    /// Whether its clock is wrong, so that it may consider a token expired or not yet valid.
    wrong_time: bool,
    /// How often it was killed.
    kills: u64,
    /// Whether it was killed and has not recovered: its connections may break, and its memory may be empty. For other nodes neither is
    /// allowed.
    recovering: bool,
}

impl Node {
    fn down() -> Self {
        Self {
            client: None,
            serves: true,
            wrong_time: false,
            kills: 0,
            recovering: false,
        }
    }
}

/// The state of a run that the load, the faults and the audit share.
pub(crate) struct Scenario {
    begun: Instant,
    nodes: RwLock<Vec<Node>>,
    /// What is allowed, and since when, in order; never empty.
    allowed: Mutex<Vec<(Allowed, Time)>>,
    counts: watch::Sender<Counts>,
    violations: Mutex<Vec<String>>,
}

impl Scenario {
    /// A scenario with this number of nodes, none of which is up.
    pub(crate) fn new(nodes: usize) -> Self {
        Self {
            begun: Instant::now(),
            nodes: RwLock::new(vec![Node::down(); nodes]),
            allowed: Mutex::new(vec![(Allowed::Decisions, Time::ZERO)]),
            counts: watch::Sender::new(Counts::default()),
            violations: Mutex::new(Vec::new()),
        }
    }

    /// The time since the beginning.
    pub(crate) fn now(&self) -> Time {
        self.begun.elapsed()
    }

    /// Adds a node, which is not up yet.
    pub(crate) fn add_node(&self) -> usize {
        let mut nodes = self.nodes.write().unwrap();
        nodes.push(Node::down());
        nodes.len() - 1
    }

    /// A node is up.
    pub(crate) fn up(&self, node: usize, client: Client) {
        self.nodes.write().unwrap()[node].client = Some(client);
    }

    /// A node is about to be killed. Called before the kill, so that the requests that it breaks are excused.
    pub(crate) fn killed(&self, node: usize) {
        let node = &mut self.nodes.write().unwrap()[node];
        node.kills += 1;
        node.recovering = true;
    }

    /// A node gets no more requests.
    pub(crate) fn down(&self, node: usize) {
        self.nodes.write().unwrap()[node].client = None;
    }

    /// Every node has recovered, and only decisions are allowed.
    pub(crate) fn well(&self) {
        for node in self.nodes.write().unwrap().iter_mut() {
            node.recovering = false;
        }
        self.allow(Allowed::Decisions);
    }

    /// Sets whether a node gets calls that write.
    pub(crate) fn serves(&self, node: usize, serves: bool) {
        self.nodes.write().unwrap()[node].serves = serves;
    }

    /// Sets whether a node's clock is wrong.
    pub(crate) fn wrong_time(&self, node: usize, wrong: bool) {
        self.nodes.write().unwrap()[node].wrong_time = wrong;
    }

    /// The nodes that may get a call.
    pub(crate) fn nodes_for(&self, op: &Op) -> Vec<usize> {
        let check = op.only_reads();
        let nodes = self.nodes.read().unwrap();
        let may = |node: &Node| node.client.is_some() && (check || node.serves);
        (0..nodes.len()).filter(|node| may(&nodes[*node])).collect()
    }

    /// From now on these answers are allowed.
    pub(crate) fn allow(&self, allowed: Allowed) {
        self.allowed.lock().unwrap().push((allowed, self.now()));
    }

    /// Calls that were lost by this moment can no longer take effect. `None` until every node has been well for a while, because a call
    /// that a frozen database or a silent network holds back takes effect afterwards.
    pub(crate) fn settled_by(&self) -> Option<Time> {
        let (allowed, since) = *self.allowed.lock().unwrap().last()?;
        let long_ago = self.now().checked_sub(ENDS_WITHIN)?;
        let well = self.nodes.read().unwrap().iter().all(|node| !node.recovering);
        (well && allowed == Allowed::Decisions && since <= long_ago).then_some(long_ago)
    }

    /// The counts so far.
    pub(crate) fn counts(&self) -> Counts {
        *self.counts.borrow()
    }

    /// Waits until this number of further answers have come. Returns at once after a violation.
    pub(crate) async fn answers(&self, more: u64) {
        let enough = self.counts().all() + more;
        self.until(|counts| counts.all() >= enough).await;
    }

    /// Waits until this number of further calls were acknowledged. Returns at once after a violation.
    pub(crate) async fn acknowledged(&self, more: u64) {
        let enough = self.counts().acknowledged + more;
        self.until(|counts| counts.acknowledged >= enough).await;
    }

    async fn until(&self, enough: impl Fn(&Counts) -> bool) {
        let mut counts = self.counts.subscribe();
        let reached = counts.wait_for(|counts| counts.violations > 0 || enough(counts));
        let in_time = tokio::time::timeout(PATIENCE * 2, reached).await;
        assert!(in_time.is_ok(), "the load stands still: {:?}", self.counts());
    }

    /// The broken promises.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.violations.lock().unwrap().clone()
    }

    /// Whether a promise was broken.
    pub(crate) fn is_broken(&self) -> bool {
        self.counts().violations > 0
    }

    /// Records a broken promise.
    pub(crate) fn record_violation(&self, what: String) {
        self.violations.lock().unwrap().push(what);
        self.counts.send_modify(|counts| counts.violations += 1);
    }

    /// Makes a call and reports it to the oracle. `None`: no decision came.
    pub(crate) async fn ask(
        &self,
        account: &AccountClient,
        node: usize,
        op: &Op,
        pick: usize,
    ) -> (Call, Option<Reply>) {
        let asked = self.nodes.read().unwrap()[node].clone();
        let call = account.history.lock().unwrap().begun(
            op.clone(),
            if node == 0 { "one" } else { "two" },
            self.now(),
        );
        let Some(client) = &asked.client else {
            account.history.lock().unwrap().unsent(call, self.now());
            return (call, None);
        };
        let before = self.allowed.lock().unwrap().len();
        let request = account.request(client, op, pick).timeout(PATIENCE);
        let answer = client.try_send(request).await;
        let mut history = account.history.lock().unwrap();
        let at = self.now();
        let answers = self.nodes.read().unwrap()[node].clone();
        let wrong_time = asked.wrong_time || answers.wrong_time;
        let killed = asked.recovering || answers.recovering || answers.kills != asked.kills;
        // What was allowed only for a while in between counts as allowed, too.
        let meanwhile = self.allowed.lock().unwrap()[before - 1..].to_vec();
        let may = |what: Allowed| meanwhile.iter().any(|(allowed, _)| *allowed == what);
        let (reply, wrong) = match answer {
            Ok(answer) => {
                let sid = op.presents().map(|session| account.sid(session));
                match read(op, &answer, &account.email, sid) {
                    // "Expired" or "not yet valid" by a wrong clock says nothing about the token.
                    Reading::Reply(reply) if wrong_time && reply.is_about_time() => {
                        history.lost(call, "by a clock that is off", at);
                        (None, None)
                    }
                    Reading::Reply(reply) => {
                        let wrong = history.answered(call, &reply.answered, at).err();
                        (Some(reply), wrong)
                    }
                    Reading::Unavailable => {
                        history.lost(call, "503", at);
                        let excused = killed
                            || wrong_time
                            || may(Allowed::Outage)
                            || (may(Allowed::NoWrites) && !op.only_reads());
                        let wrong = (!excused).then(|| {
                            history.violation(format!("#{call} {op:?} met an outage: {}", answer.text))
                        });
                        (None, wrong)
                    }
                }
            }
            Err(error) => {
                if error.is_connect() {
                    history.unsent(call, at);
                } else {
                    history.lost(call, &error.to_string(), at);
                }
                let late = error.is_timeout();
                let wrong = (late || !killed)
                    .then(|| history.violation(format!("#{call} {op:?} got no answer: {error:?}")));
                (None, wrong)
            }
        };
        drop(history);
        if let Some(wrong) = wrong {
            self.record_violation(wrong.to_string());
        }
        self.counts.send_modify(|counts| match (&reply, op) {
            (None, _) => counts.open += 1,
            (Some(_), op) if op.only_reads() => counts.checks += 1,
            (Some(_), op) => {
                counts.acknowledged += 1;
                counts.refreshes += u64::from(matches!(op, Op::Refresh { .. }));
            }
        });
        (call, reply)
    }
}
