//! The audit: everything that was acknowledged is asked for again, on every node. The oracle judges the answers, so all that
//! is needed here is to ask.

use crate::{
    chance::Chance,
    client::AccountClient,
    load::{Caller, ask_at_once, refresh},
    oracle::Op,
    scenario::Scenario,
};
use futures::{StreamExt, stream};

/// How many accounts are looked after at a time.
const AT_A_TIME: usize = 8;

/// Whom to ask after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Those whom the load has just dealt with.
    Recent,
    /// Everybody that there ever was, with every token that is held.
    Everything,
}

/// Asks after accounts: their names, every session on every node, the newest refresh tokens, and whether they can sign in.
pub(crate) async fn audit(scenario: &Scenario, callers: &mut [Caller], depth: Depth, chance: &mut Chance) {
    let mut accounts: Vec<(&mut AccountClient, Chance)> = Vec::new();
    for caller in callers {
        match depth {
            Depth::Recent => {
                accounts.extend(caller.accounts.iter_mut().map(|account| (account, chance.part())))
            }
            Depth::Everything => accounts.extend(caller.everybody().map(|account| (account, chance.part()))),
        }
    }
    let tokens = if depth == Depth::Everything { 2 } else { 1 };
    stream::iter(accounts)
        .for_each_concurrent(AT_A_TIME, |(account, mut chance)| async move {
            check(scenario, account, tokens).await;
            ask_after(scenario, account, &mut chance).await;
        })
        .await;
}

/// While a fault lasts: every session of those whom the load has just dealt with, on every node.
pub(crate) async fn check_everywhere(scenario: &Scenario, callers: &mut [Caller]) {
    let accounts = callers.iter_mut().flat_map(|caller| &mut caller.accounts);
    stream::iter(accounts)
        .for_each_concurrent(AT_A_TIME, |account| check(scenario, account, 1))
        .await;
}

/// All at once: while a fault lasts, a check may wait for two seconds until it is told 503.
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

async fn ask_after(scenario: &Scenario, account: &mut AccountClient, chance: &mut Chance) {
    let mut changes = vec![Op::Login];
    for held in account.held.iter().filter(|held| !held.over) {
        changes.push(Op::Me { by: held.session });
        changes.push(refresh(held, chance));
    }
    for op in changes {
        if scenario.is_broken() || (op == Op::Login && !account.may_sign_in()) {
            continue;
        }
        let nodes = scenario.nodes_for(&op);
        if !nodes.is_empty() {
            let node = nodes[chance.below(nodes.len())];
            ask_at_once(scenario, account, vec![(op, node, 0)]).await;
        }
    }
}
