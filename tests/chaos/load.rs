//! The load: callers, each with a few accounts whose clients do what clients do, by chance, one after the other or at once.

use crate::{
    chance::Chance,
    client::{AccountClient, Held},
    oracle::{Call, Op},
    scenario::Scenario,
};
use futures::future::join_all;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::task::JoinHandle;

/// How many accounts a caller cares for at a time.
const ACCOUNTS: usize = 5;
/// How many sessions an account has open before signing out of some.
const SESSIONS: usize = 5;
/// How many sessions an account may have had before another takes its place.
const MOST_SESSIONS: usize = 12;

/// A source of load.
pub(crate) struct Caller {
    number: usize,
    chance: Chance,
    /// Those that it cares for, and those that are only looked after now and then.
    pub(crate) accounts: Vec<AccountClient>,
    pub(crate) retired: Vec<AccountClient>,
    named: u64,
}

impl Caller {
    /// So many callers, who do what the seed says.
    pub(crate) fn several(count: usize, chance: &mut Chance) -> Vec<Self> {
        let caller = |number| Self {
            number,
            chance: chance.part(),
            accounts: Vec::new(),
            retired: Vec::new(),
            named: 0,
        };
        (0..count).map(caller).collect()
    }

    /// Everybody that there is.
    pub(crate) fn everybody(&mut self) -> impl Iterator<Item = &mut AccountClient> {
        self.accounts.iter_mut().chain(&mut self.retired)
    }

    /// Leaves those alone of whom too much is unknown.
    pub(crate) fn retire_the_uncertain(&mut self) {
        let (uncertain, accounts) = std::mem::take(&mut self.accounts)
            .into_iter()
            .partition(AccountClient::is_uncertain);
        self.accounts = accounts;
        self.retired.extend::<Vec<AccountClient>>(uncertain);
    }

    /// Does something. False: no node is there to be asked.
    async fn step(&mut self, scenario: &Scenario) -> bool {
        self.renew();
        let chosen = self.chance.below(self.accounts.len());
        let mut acts = vec![self.choose(chosen)];
        if self.chance.once_in(4) {
            acts.push(self.choose(chosen));
        }
        if self.chance.once_in(8) {
            acts.push(self.choose(chosen));
        }
        // The same call twice at once, as a second tab or an impatient client makes it.
        if let (true, [op @ Op::Refresh { .. }, ..]) = (self.chance.once_in(5), acts.as_slice()) {
            acts.push(op.clone());
        }
        let mut calls = Vec::new();
        for op in acts {
            let nodes = scenario.nodes_for(&op);
            if nodes.is_empty() {
                return false;
            }
            let node = nodes[self.chance.below(nodes.len())];
            calls.push((op, node, self.chance.below(64)));
        }
        let account = &mut self.accounts[chosen];
        ask_at_once(scenario, account, calls).await;
        true
    }

    /// Somebody new now and then, in the place of somebody who has done enough.
    fn renew(&mut self) {
        let done = |account: &AccountClient| account.held.len() >= MOST_SESSIONS || !account.may_sign_in();
        if let Some(at) = self.accounts.iter().position(done) {
            self.retired.push(self.accounts.remove(at));
        }
        if self.accounts.len() >= ACCOUNTS && self.chance.once_in(60) {
            self.retired.push(self.accounts.remove(0));
        }
        // Those of whom too much is unknown keep nobody else from coming, up to a point.
        let unknown = self
            .accounts
            .iter()
            .filter(|account| account.is_uncertain())
            .count();
        let wanted = ACCOUNTS + unknown.min(ACCOUNTS);
        let hurry = self.accounts.len() == unknown;
        if self.accounts.len() < wanted && (hurry || self.chance.once_in(6)) {
            let email = format!(
                "c{}p{}@example.com",
                self.number,
                self.accounts.len() + self.retired.len()
            );
            self.accounts.push(AccountClient::new(email));
        }
    }

    fn name(&mut self) -> String {
        self.named += 1;
        format!("name {} of {}", self.named, self.number)
    }

    /// What this account's client does next.
    fn choose(&mut self, chosen: usize) -> Op {
        let name = self.name();
        let (account, chance) = (&self.accounts[chosen], &mut self.chance);
        let live: Vec<&Held> = account.held.iter().filter(|held| !held.over).collect();
        let over: Vec<&Held> = account.held.iter().filter(|held| held.over).collect();
        let uncertain = account.is_uncertain();
        if account.held.is_empty() {
            return if uncertain || chance.once_in(3) {
                Op::Login
            } else {
                Op::Register { name }
            };
        }
        if live.is_empty() && !uncertain && chance.once_in(2) {
            return Op::Login;
        }
        let pick =
            |from: &[&Held], chance: &mut Chance| from.get(chance.below(from.len())).map(|held| held.session);
        let dead = pick(&over, chance).filter(|_| chance.once_in(4));
        if let Some(session) = dead {
            return op_of_an_ended_session(account.held(session), uncertain, chance);
        }
        let Some(session) = pick(&live, chance) else {
            return Op::Login;
        };
        let held = account.held(session);
        let another = pick(&live, chance).unwrap_or(session);
        match chance.below(if uncertain { 40 } else { 100 }) {
            0..25 => Op::Verify { by: session },
            25..40 => Op::Me { by: session },
            40..64 => refresh(held, chance),
            64..69 => repeat(held, chance),
            69..71 => replay(held, chance),
            71..81 if live.len() < SESSIONS => Op::Login,
            71..85 => Op::Logout { session },
            85..87 => Op::LogoutByRefresh { session },
            87..89 => Op::LogoutAll { by: session },
            89..93 => Op::EndSession { by: another, session },
            _ => Op::Rename { by: session, name },
        }
    }
}

/// What is tried with the tokens of a session that is over.
fn op_of_an_ended_session(held: &Held, uncertain: bool, chance: &mut Chance) -> Op {
    let session = held.session;
    match chance.below(if uncertain { 8 } else { 10 }) {
        0..5 => Op::Verify { by: session },
        5..8 => Op::Me { by: session },
        8 => refresh(held, chance),
        _ => Op::LogoutByRefresh { session },
    }
}

/// The newest token; with the same key again where an answer was lost.
pub(crate) fn refresh(held: &Held, chance: &mut Chance) -> Op {
    let (number, key) = held.lost.unwrap_or_else(|| {
        let key = (!chance.once_in(6)).then(|| chance.number());
        (held.newest(), key)
    });
    Op::Refresh {
        session: held.session,
        number,
        key,
    }
}

/// A refresh that was answered, once more.
fn repeat(held: &Held, chance: &mut Chance) -> Op {
    let Some((number, key)) = held.last else {
        return refresh(held, chance);
    };
    Op::Refresh {
        session: held.session,
        number,
        key: Some(key),
    }
}

/// A token that was used long ago or a moment ago, as a thief presents it.
fn replay(held: &Held, chance: &mut Chance) -> Op {
    let number = held.newest().saturating_sub(1 + u32::from(chance.once_in(2)));
    Op::Refresh {
        session: held.session,
        number: if held.has(number) { number } else { held.newest() },
        key: Some(chance.number()),
    }
}

/// Makes calls of one account at once, and takes down what they were answered.
pub(crate) async fn ask_at_once(
    scenario: &Scenario,
    account: &mut AccountClient,
    calls: Vec<(Op, usize, usize)>,
) {
    let asked = &*account;
    let replies = join_all(
        calls
            .iter()
            .map(|(op, node, pick)| scenario.ask(asked, *node, op, *pick)),
    );
    let replies: Vec<(Call, _)> = replies.await;
    for ((op, _, _), (call, reply)) in calls.iter().zip(replies) {
        account.learns(call, op, reply);
    }
}

/// Callers at work.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    callers: Vec<JoinHandle<Caller>>,
}

impl Load {
    /// Sets callers to work, each after its own mind, until they are stopped, find no node, or a promise is broken.
    pub(crate) fn start(scenario: &Arc<Scenario>, callers: Vec<Caller>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let work = |mut caller: Caller| {
            let (scenario, stop) = (Arc::clone(scenario), Arc::clone(&stop));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) && !scenario.is_broken() && caller.step(&scenario).await {
                }
                caller
            })
        };
        let callers = callers.into_iter().map(work).collect();
        Self { stop, callers }
    }

    /// Lets them finish what they are at, and takes them back.
    pub(crate) async fn stop(self, scenario: &Scenario) -> Vec<Caller> {
        self.stop.store(true, Ordering::Relaxed);
        let mut callers = Vec::new();
        for caller in self.callers {
            callers.push(caller.await.unwrap());
        }
        if let Some(long_ago) = scenario.settled_by() {
            close(&mut callers, long_ago, scenario.now());
        }
        callers
    }
}

/// What was lost by this time is over.
pub(crate) fn close(callers: &mut [Caller], lost_by: std::time::Duration, now: std::time::Duration) {
    for account in callers.iter_mut().flat_map(Caller::everybody) {
        account.history.lock().unwrap().closed(lost_by, now);
    }
}
