//! The load: callers, each with a few accounts whose clients make random calls, one after the other or at the same time.

use crate::{
    client::{AccountClient, SessionTokens},
    oracle::{Call, Op},
    random::Random,
    scenario::Scenario,
};
use futures::future::join_all;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::task::JoinHandle;

/// How many accounts a caller uses at a time.
const ACCOUNTS: usize = 5;
/// How many sessions an account has open before signing out of some.
const SESSIONS: usize = 5;
/// How many sessions an account may have had before another account takes its place.
const MOST_SESSIONS: usize = 12;

/// A source of load.
pub(crate) struct Caller {
    number: usize,
    random: Random,
    /// The accounts that it uses, and those that are only audited.
    pub(crate) accounts: Vec<AccountClient>,
    pub(crate) retired: Vec<AccountClient>,
    named: u64,
}

impl Caller {
    /// Creates callers whose calls the seed decides.
    pub(crate) fn several(count: usize, random: &mut Random) -> Vec<Self> {
        let caller = |number| Self {
            number,
            random: random.part(),
            accounts: Vec::new(),
            retired: Vec::new(),
            named: 0,
        };
        (0..count).map(caller).collect()
    }

    /// All accounts, in use or retired.
    pub(crate) fn all_accounts(&mut self) -> impl Iterator<Item = &mut AccountClient> {
        self.accounts.iter_mut().chain(&mut self.retired)
    }

    /// Retires the accounts with too many calls of unknown outcome.
    pub(crate) fn retire_the_uncertain(&mut self) {
        let (uncertain, accounts) = std::mem::take(&mut self.accounts)
            .into_iter()
            .partition(AccountClient::is_uncertain);
        self.accounts = accounts;
        self.retired.extend::<Vec<AccountClient>>(uncertain);
    }

    /// Makes a random call. Returns false if no node can be called.
    async fn step(&mut self, scenario: &Scenario) -> bool {
        self.renew();
        let chosen = self.random.below(self.accounts.len());
        let mut acts = vec![self.choose(chosen)];
        if self.random.once_in(4) {
            acts.push(self.choose(chosen));
        }
        if self.random.once_in(8) {
            acts.push(self.choose(chosen));
        }
        // The same call twice at once, as a second tab or an impatient client would make it.
        if let (true, [op @ Op::Refresh { .. }, ..]) = (self.random.once_in(5), acts.as_slice()) {
            acts.push(op.clone());
        }
        let mut calls = Vec::new();
        for op in acts {
            let nodes = scenario.nodes_for(&op);
            if nodes.is_empty() {
                return false;
            }
            let node = nodes[self.random.below(nodes.len())];
            calls.push((op, node, self.random.below(64)));
        }
        let account = &mut self.accounts[chosen];
        ask_at_once(scenario, account, calls).await;
        true
    }

    /// Adds a new account now and then, and retires one that has been used enough.
    fn renew(&mut self) {
        let done = |account: &AccountClient| account.held.len() >= MOST_SESSIONS || !account.may_sign_in();
        if let Some(at) = self.accounts.iter().position(done) {
            self.retired.push(self.accounts.remove(at));
        }
        if self.accounts.len() >= ACCOUNTS && self.random.once_in(60) {
            self.retired.push(self.accounts.remove(0));
        }
        // Uncertain accounts do not keep new ones out, up to a limit.
        let unknown = self
            .accounts
            .iter()
            .filter(|account| account.is_uncertain())
            .count();
        let wanted = ACCOUNTS + unknown.min(ACCOUNTS);
        let hurry = self.accounts.len() == unknown;
        if self.accounts.len() < wanted && (hurry || self.random.once_in(6)) {
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

    /// The next call of this account's client.
    fn choose(&mut self, chosen: usize) -> Op {
        let name = self.name();
        let (account, random) = (&self.accounts[chosen], &mut self.random);
        let live: Vec<&SessionTokens> = account.held.iter().filter(|held| !held.over).collect();
        let over: Vec<&SessionTokens> = account.held.iter().filter(|held| held.over).collect();
        let uncertain = account.is_uncertain();
        if account.held.is_empty() {
            return if uncertain || random.once_in(3) {
                Op::Login
            } else {
                Op::Register { name }
            };
        }
        if live.is_empty() && !uncertain && random.once_in(2) {
            return Op::Login;
        }
        let pick = |from: &[&SessionTokens], random: &mut Random| {
            from.get(random.below(from.len())).map(|held| held.session)
        };
        let dead = pick(&over, random).filter(|_| random.once_in(4));
        if let Some(session) = dead {
            return op_of_an_ended_session(account.held(session), uncertain, random);
        }
        let Some(session) = pick(&live, random) else {
            return Op::Login;
        };
        let held = account.held(session);
        let another = pick(&live, random).unwrap_or(session);
        match random.below(if uncertain { 40 } else { 100 }) {
            0..25 => Op::Verify { by: session },
            25..40 => Op::Me { by: session },
            40..64 => refresh(held, random),
            64..69 => repeat(held, random),
            69..71 => replay(held, random),
            71..81 if live.len() < SESSIONS => Op::Login,
            71..85 => Op::Logout { session },
            85..87 => Op::LogoutByRefresh { session },
            87..89 => Op::LogoutAll { by: session },
            89..93 => Op::EndSession { by: another, session },
            _ => Op::Rename { by: session, name },
        }
    }
}

/// A call with the tokens of a session that is over.
fn op_of_an_ended_session(held: &SessionTokens, uncertain: bool, random: &mut Random) -> Op {
    let session = held.session;
    match random.below(if uncertain { 8 } else { 10 }) {
        0..5 => Op::Verify { by: session },
        5..8 => Op::Me { by: session },
        8 => refresh(held, random),
        _ => Op::LogoutByRefresh { session },
    }
}

/// A refresh with the newest token, or a repetition with the same key if an answer was lost.
pub(crate) fn refresh(held: &SessionTokens, random: &mut Random) -> Op {
    let (number, key) = held.lost.unwrap_or_else(|| {
        let key = (!random.once_in(6)).then(|| random.number());
        (held.newest(), key)
    });
    Op::Refresh {
        session: held.session,
        number,
        key,
    }
}

/// A repetition of a refresh that was answered.
fn repeat(held: &SessionTokens, random: &mut Random) -> Op {
    let Some((number, key)) = held.last else {
        return refresh(held, random);
    };
    Op::Refresh {
        session: held.session,
        number,
        key: Some(key),
    }
}

/// A refresh with a token that was used long ago or just now, as a thief would present it.
fn replay(held: &SessionTokens, random: &mut Random) -> Op {
    let number = held.newest().saturating_sub(1 + u32::from(random.once_in(2)));
    Op::Refresh {
        session: held.session,
        number: if held.has(number) { number } else { held.newest() },
        key: Some(random.number()),
    }
}

/// Makes calls of one account at the same time, and records the answers.
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

/// Running callers.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    callers: Vec<JoinHandle<Caller>>,
}

impl Load {
    /// Starts the callers. Each runs on its own until it is stopped, finds no node, or a promise is broken.
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

    /// Lets the callers finish their calls, and returns them.
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

/// Closes the calls that were lost by this time.
pub(crate) fn close(callers: &mut [Caller], lost_by: std::time::Duration, now: std::time::Duration) {
    for account in callers.iter_mut().flat_map(Caller::all_accounts) {
        account.history.lock().unwrap().closed(lost_by, now);
    }
}
