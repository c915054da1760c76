//! What a run plays on: the nodes that clients may ask, what may befall a request just now, and what was counted.
//!
//! Outside of an outage every request must be answered, and answered with a decision. What else is allowed is said before
//! the fault and taken back after it.

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
/// Writing transactions end within this time (docs/rules.md §1); what was lost before can't take effect any more.
const ENDS_WITHIN: Duration = Duration::from_secs(10);

/// What a request may meet besides a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// Nothing.
    Decisions,
    /// 503 with a time to try again.
    Outage,
    /// The same, but for what only reads.
    NoWrites,
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Decisions about what changes something: done or refused.
    pub(crate) acknowledged: u64,
    /// Refreshes among them.
    pub(crate) refreshes: u64,
    /// Decisions about access tokens.
    pub(crate) checks: u64,
    /// Answers that say that nobody knows, and answers that never came.
    pub(crate) open: u64,
    /// Promises that were broken.
    pub(crate) violations: u64,
}

impl Counts {
    /// All that came to an end.
    pub(crate) fn all(&self) -> u64 {
        self.acknowledged + self.checks + self.open
    }
}

/// A node.
#[derive(Clone)]
struct Node {
    client: Option<Client>,
    /// Whether it is sent what changes something, or checks of access tokens alone.
    serves: bool,
    /// Whether it may take a token for expired or not yet valid.
    wrong_time: bool,
    /// How often it was killed.
    kills: u64,
    /// Whether it was killed and is not well again: its connections may break, and it may know nothing yet. The others have
    /// no such excuse.
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

/// The scenario.
pub(crate) struct Scenario {
    begun: Instant,
    nodes: RwLock<Vec<Node>>,
    /// What was allowed since when, in order; never empty.
    allowed: Mutex<Vec<(Allowed, Time)>>,
    counts: watch::Sender<Counts>,
    violations: Mutex<Vec<String>>,
}

impl Scenario {
    /// A scenario for so many nodes, none of which is up.
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

    /// A node more, which is not up yet.
    pub(crate) fn one_more(&self) -> usize {
        let mut nodes = self.nodes.write().unwrap();
        nodes.push(Node::down());
        nodes.len() - 1
    }

    /// A node is up.
    pub(crate) fn up(&self, node: usize, client: Client) {
        self.nodes.write().unwrap()[node].client = Some(client);
    }

    /// A node is about to be killed. Told before it is, so that whoever meets the end of it is excused.
    pub(crate) fn killed(&self, node: usize) {
        let node = &mut self.nodes.write().unwrap()[node];
        node.kills += 1;
        node.recovering = true;
    }

    /// A node is asked no more.
    pub(crate) fn down(&self, node: usize) {
        self.nodes.write().unwrap()[node].client = None;
    }

    /// All is well again, and nothing but decisions is allowed.
    pub(crate) fn well(&self) {
        for node in self.nodes.write().unwrap().iter_mut() {
            node.recovering = false;
        }
        self.allow(Allowed::Decisions);
    }

    /// Whether a node is sent what changes something.
    pub(crate) fn serves(&self, node: usize, serves: bool) {
        self.nodes.write().unwrap()[node].serves = serves;
    }

    /// Whether a node's clock is off, or right again.
    pub(crate) fn wrong_time(&self, node: usize, wrong: bool) {
        self.nodes.write().unwrap()[node].wrong_time = wrong;
    }

    /// The nodes that may be asked.
    pub(crate) fn nodes_for(&self, op: &Op) -> Vec<usize> {
        let check = op.only_reads();
        let nodes = self.nodes.read().unwrap();
        let may = |node: &Node| node.client.is_some() && (check || node.serves);
        (0..nodes.len()).filter(|node| may(&nodes[*node])).collect()
    }

    /// From now on this may befall requests.
    pub(crate) fn allow(&self, allowed: Allowed) {
        self.allowed.lock().unwrap().push((allowed, self.now()));
    }

    /// What was lost by this moment can't take effect any more. Not before all has been well for a while: what a frozen
    /// database or a silent network holds back is carried out afterwards.
    pub(crate) fn settled_by(&self) -> Option<Time> {
        let (allowed, since) = *self.allowed.lock().unwrap().last()?;
        let long_ago = self.now().checked_sub(ENDS_WITHIN)?;
        let well = self.nodes.read().unwrap().iter().all(|node| !node.recovering);
        (well && allowed == Allowed::Decisions && since <= long_ago).then_some(long_ago)
    }

    /// What was counted so far.
    pub(crate) fn counts(&self) -> Counts {
        *self.counts.borrow()
    }

    /// Waits until so many more answers have come; at once after a violation.
    pub(crate) async fn answers(&self, more: u64) {
        let enough = self.counts().all() + more;
        self.until(|counts| counts.all() >= enough).await;
    }

    /// Waits until so much more was acknowledged; at once after a violation.
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

    /// What was broken.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.violations.lock().unwrap().clone()
    }

    /// Whether something was broken.
    pub(crate) fn is_broken(&self) -> bool {
        self.counts().violations > 0
    }

    /// Takes down a broken promise.
    pub(crate) fn broke(&self, what: String) {
        self.violations.lock().unwrap().push(what);
        self.counts.send_modify(|counts| counts.violations += 1);
    }

    /// Makes a call and tells the oracle of it. `None`: no decision came.
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
        // What was allowed only for a while in between was allowed, too.
        let meanwhile = self.allowed.lock().unwrap()[before - 1..].to_vec();
        let may = |what: Allowed| meanwhile.iter().any(|(allowed, _)| *allowed == what);
        let (reply, wrong) = match answer {
            Ok(answer) => {
                let sid = op.presents().map(|session| account.sid(session));
                match read(op, &answer, &account.email, sid) {
                    // What a clock that is off takes for expired or not yet valid tells nothing of the token.
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
            self.broke(wrong.to_string());
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
