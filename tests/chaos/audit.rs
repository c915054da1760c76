//! The audit: everything that was acknowledged is requested again, on every node. The oracle judges the answers, so this module only
//! makes the calls.

use crate::{
    client::AccountClient,
    load::{Caller, ask_at_once, refresh},
    oracle::Op,
    random::Random,
    scenario::Scenario,
};
use futures::{StreamExt, stream};

/// How many accounts are audited at a time.
const AT_A_TIME: usize = 8;

/// Which accounts are audited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Those that the load has just used.
    Recent,
    /// Every account of the run, with every token that its client holds.
    Everything,
}

/// Audits accounts: their names, every session on every node, the newest refresh tokens, and whether they can sign in.
pub(crate) async fn audit(scenario: &Scenario, callers: &mut [Caller], depth: Depth, random: &mut Random) {
    let mut accounts: Vec<(&mut AccountClient, Random)> = Vec::new();
    for caller in callers {
        match depth {
            Depth::Recent => {
                accounts.extend(caller.accounts.iter_mut().map(|account| (account, random.part())));
            }
            Depth::Everything => {
                accounts.extend(caller.all_accounts().map(|account| (account, random.part())));
            }
        }
    }
    let tokens = if depth == Depth::Everything { 2 } else { 1 };
    stream::iter(accounts)
        .for_each_concurrent(AT_A_TIME, |(account, mut random)| async move {
            check(scenario, account, tokens).await;
            audit_account(scenario, account, &mut random).await;
        })
        .await;
}

/// During a fault: checks every session of the accounts that the load has just used, on every node.
pub(crate) async fn check_everywhere(scenario: &Scenario, callers: &mut [Caller]) {
    let accounts = callers.iter_mut().flat_map(|caller| &mut caller.accounts);
    stream::iter(accounts)
        .for_each_concurrent(AT_A_TIME, |account| check(scenario, account, 1))
        .await;
}

/// All at once, because during a fault a check may wait for two seconds until it gets a 503.
async fn check(scenario: &Scenario, account: &mut AccountClient, tokens: usize) {
    let mut calls = Vec::new();
    for held in &account.held {
        let by = held.session;
        for node in scenario.nodes_for(&Op::Verify { by }) {
            for token in 0..tokens {
                calls.push((Op::Verify { by }, node, token));
            }
        }
    }
    ask_at_once(scenario, account, calls).await;
}

async fn audit_account(scenario: &Scenario, account: &mut AccountClient, random: &mut Random) {
    let mut changes = vec![Op::Login];
    for held in account.held.iter().filter(|held| !held.over) {
        changes.push(Op::Me { by: held.session });
        changes.push(refresh(held, random));
    }
    for op in changes {
        if scenario.is_broken() || (op == Op::Login && !account.may_sign_in()) {
            continue;
        }
        let nodes = scenario.nodes_for(&op);
        if !nodes.is_empty() {
            let node = nodes[random.below(nodes.len())];
            ask_at_once(scenario, account, vec![(op, node, 0)]).await;
        }
    }
}
