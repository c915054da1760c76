//! The audit: everything that was acknowledged is asked for again, on every node. The oracle judges the answers, so all that
//! is needed here is to ask.

use crate::{
    chance::Chance,
    load::{Caller, ask_at_once, refresh},
    oracle::Op,
    person::Person,
    stage::Stage,
};
use futures::{StreamExt, stream};

/// How many people are looked after at a time.
const AT_A_TIME: usize = 8;

/// Whom to ask after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Those whom the load has just dealt with.
    Recent,
    /// Everybody that there ever was, with every token that is held.
    Everything,
}

/// Asks after people: their names, every session on every node, the newest refresh tokens, and whether they can sign in.
pub(crate) async fn audit(stage: &Stage, callers: &mut [Caller], depth: Depth, chance: &mut Chance) {
    let mut people: Vec<(&mut Person, Chance)> = Vec::new();
    for caller in callers {
        match depth {
            Depth::Recent => people.extend(caller.people.iter_mut().map(|person| (person, chance.part()))),
            Depth::Everything => people.extend(caller.everybody().map(|person| (person, chance.part()))),
        }
    }
    let tokens = if depth == Depth::Everything { 2 } else { 1 };
    stream::iter(people)
        .for_each_concurrent(AT_A_TIME, |(person, mut chance)| async move {
            check(stage, person, tokens).await;
            ask_after(stage, person, &mut chance).await;
        })
        .await;
}

/// While a fault lasts: every session of those whom the load has just dealt with, on every node.
pub(crate) async fn check_everywhere(stage: &Stage, callers: &mut [Caller]) {
    let people = callers.iter_mut().flat_map(|caller| &mut caller.people);
    stream::iter(people)
        .for_each_concurrent(AT_A_TIME, |person| check(stage, person, 1))
        .await;
}

/// All at once: while a fault lasts, a check may wait for two seconds until it is told 503.
async fn check(stage: &Stage, person: &mut Person, tokens: usize) {
    let mut calls = Vec::new();
    for held in &person.held {
        let by = held.session;
        for node in stage.nodes_for(&Op::Verify { by }) {
            for token in 0..tokens {
                calls.push((Op::Verify { by }, node, token));
            }
        }
    }
    ask_at_once(stage, person, calls).await;
}

async fn ask_after(stage: &Stage, person: &mut Person, chance: &mut Chance) {
    let mut changes = vec![Op::Login];
    for held in person.held.iter().filter(|held| !held.over) {
        changes.push(Op::Me { by: held.session });
        changes.push(refresh(held, chance));
    }
    for op in changes {
        if stage.is_broken() || (op == Op::Login && !person.may_sign_in()) {
            continue;
        }
        let nodes = stage.nodes_for(&op);
        if !nodes.is_empty() {
            let node = nodes[chance.below(nodes.len())];
            ask_at_once(stage, person, vec![(op, node, 0)]).await;
        }
    }
}
