//! The oracle: it remembers every answer that clients got about one account, and decides which further answers keep the promises. It
//! knows neither HTTP nor the product's code, and takes the time as a value.
//!
//! The rule: a history is good if there is an order of its calls, each taking effect at one moment between its begin and its
//! answer, in which every answer is the one that docs/rules.md gives (linearizability, checked as the history grows). All
//! states that such an order may have led to are kept, and an answer that none of them allows is a violation. A call whose
//! answer was lost may have taken effect at any later moment, or never, until [`History::closed`] says that it is too late.
//!
//! One promise is weaker than an order: until a revocation is answered, a node may still accept what another node refuses already.
//! `AccountState` keeps the moment from which every node must refuse.

mod account_state;

#[cfg(test)]
mod tests;

use account_state::{AccountState, Asked};
pub(crate) use account_state::{Call, Op, Outcome, Time};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write as _},
};

/// How many lost calls make an account uncertain. Until they are closed, only calls that leave no trace are made.
const MOST_LOST: usize = 3;

/// An answer: the outcome, and the tokens if it has any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) outcome: Outcome,
    pub(crate) pair: Option<Pair>,
}

/// A pair of tokens, as far as the oracle needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    /// The session's id.
    pub(crate) sid: String,
    /// The refresh token's number.
    pub(crate) number: u32,
    /// The refresh token.
    pub(crate) refresh: String,
}

/// A broken promise, with the history of the account.
#[derive(Debug)]
pub(crate) struct Violation {
    what: String,
    history: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.what, self.history)
    }
}

/// A call that was started and not answered.
struct Open {
    op: Op,
    begun: Time,
    lost: Option<Time>,
}

/// A state, and the answers of the calls that have taken effect in it but are not answered yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    state: AccountState,
    taken: BTreeMap<Call, (Outcome, Vec<Call>)>,
}

/// Everything that clients know of one account.
pub(crate) struct History {
    account: String,
    lines: BTreeSet<Line>,
    open: BTreeMap<Call, Open>,
    next: Call,
    sids: BTreeMap<Call, String>,
    issued: BTreeMap<(Call, u32), String>,
    log: String,
}

impl History {
    /// The history of an account that is not registered yet.
    pub(crate) fn new(account: &str) -> Self {
        Self {
            account: account.to_owned(),
            lines: BTreeSet::from([Line::default()]),
            open: BTreeMap::new(),
            next: 0,
            sids: BTreeMap::new(),
            issued: BTreeMap::new(),
            log: String::new(),
        }
    }

    /// A call starts. `place` names the node for the reader of a history.
    pub(crate) fn begun(&mut self, op: Op, place: &str, at: Time) -> Call {
        let call = self.next;
        self.next += 1;
        self.note(at, format_args!("#{call} at {place}: {op:?}"));
        let open = Open {
            op,
            begun: at,
            lost: None,
        };
        self.open.insert(call, open);
        call
    }

    /// A call is answered.
    pub(crate) fn answered(&mut self, call: Call, answer: &Answered, at: Time) -> Result<(), Violation> {
        self.note(at, format_args!("#{call} answered: {:?}", answer.outcome));
        let (mut good, mut possible) = (BTreeSet::new(), BTreeSet::new());
        let mut seen = BTreeSet::new();
        for line in &self.lines {
            self.reach(line, Some(call), at, &mut seen, &mut |line| {
                if let Some((outcome, _)) = line.taken.get(&call) {
                    possible.insert(outcome.clone());
                    if *outcome == answer.outcome {
                        good.insert(line.clone());
                    }
                }
            });
        }
        let Some(open) = self.open.remove(&call) else {
            return Err(self.violation(format!("#{call} was never begun")));
        };
        if good.is_empty() {
            let op = open.op;
            return Err(self.violation(format!(
                "#{call} {op:?} was answered {:?}; what the answers before it allow is {possible:?}",
                answer.outcome
            )));
        }
        let refused = matches!(answer.outcome, Outcome::Revoked | Outcome::Cut);
        self.lines = good
            .into_iter()
            .map(|mut line| {
                let (_, over) = line.taken.remove(&call).unwrap_or((Outcome::Ended, Vec::new()));
                line.state.known_everywhere(&over, at);
                if let (true, Some(session)) = (refused, open.op.presents()) {
                    line.state.was_refused(session, at);
                }
                line
            })
            .collect();
        self.tokens(call, &open.op, answer)
    }

    /// A call got no answer, or a 503: it may still take effect.
    pub(crate) fn lost(&mut self, call: Call, why: &str, at: Time) {
        self.note(at, format_args!("#{call} lost: {why}"));
        let Some(open) = self.open.get_mut(&call) else {
            return;
        };
        if open.op.leaves_a_trace() {
            open.lost = Some(at);
            return;
        }
        self.open.remove(&call);
        self.lines = std::mem::take(&mut self.lines)
            .into_iter()
            .map(|mut line| {
                line.taken.remove(&call);
                line.state.forget(call);
                line
            })
            .collect();
    }

    /// A call was never sent.
    pub(crate) fn unsent(&mut self, call: Call, at: Time) {
        self.note(at, format_args!("#{call} not sent"));
        self.open.remove(&call);
        self.lines.retain(|line| !line.taken.contains_key(&call));
    }

    /// Calls that were lost at this moment or before have taken effect by now, or never will.
    pub(crate) fn closed(&mut self, lost_by: Time, at: Time) {
        let over: Vec<Call> = self
            .open
            .iter()
            .filter(|(_, open)| open.lost.is_some_and(|lost| lost <= lost_by))
            .map(|(call, _)| *call)
            .collect();
        if over.is_empty() {
            return;
        }
        self.note(at, format_args!("too late for {over:?}"));
        let (mut reached, mut seen) = (BTreeSet::new(), BTreeSet::new());
        for line in &self.lines {
            self.reach(line, None, at, &mut seen, &mut |line| {
                reached.insert(line.clone());
            });
        }
        for call in &over {
            self.open.remove(call);
        }
        self.lines = reached
            .into_iter()
            .map(|mut line| {
                for call in &over {
                    line.taken.remove(call);
                }
                line.state.settle(at);
                line
            })
            .collect();
    }

    /// Whether so many calls are lost that only calls that leave no trace should be made.
    pub(crate) fn is_uncertain(&self) -> bool {
        self.open.values().filter(|open| open.lost.is_some()).count() >= MOST_LOST
    }

    /// A broken promise of this account that was found outside of the oracle.
    pub(crate) fn violation(&self, what: String) -> Violation {
        Violation {
            what: format!("{}: {what}", self.account),
            history: self.log.clone(),
        }
    }

    /// Walks through every state that open calls may lead to from this one; a branch ends where `until` has taken effect.
    fn reach(
        &self,
        line: &Line,
        until: Option<Call>,
        at: Time,
        seen: &mut BTreeSet<Line>,
        visit: &mut impl FnMut(&Line),
    ) {
        if !seen.insert(line.clone()) {
            return;
        }
        visit(line);
        if until.is_some_and(|call| line.taken.contains_key(&call)) {
            return;
        }
        for (call, open) in &self.open {
            // A check affects no other call's answer, and the set of its allowed answers only grows, because ended sessions stay ended.
            let beside_the_point = matches!(open.op, Op::Verify { .. }) && until != Some(*call);
            if beside_the_point || line.taken.contains_key(call) {
                continue;
            }
            let asked = Asked {
                call: *call,
                op: &open.op,
                window: (open.begun, open.lost.unwrap_or(at)),
                lost: open.lost.is_some(),
            };
            for effect in line.state.effects(asked) {
                let mut next = line.clone();
                next.state = effect.state;
                next.taken.insert(*call, (effect.outcome, effect.over));
                self.reach(&next, until, at, seen, visit);
            }
        }
    }

    /// No token has two successors, and none belongs to the wrong session.
    fn tokens(&mut self, call: Call, op: &Op, answer: &Answered) -> Result<(), Violation> {
        let wanted = match (op, &answer.outcome) {
            (Op::Register { .. } | Op::Login, Outcome::SignedIn) => (call, 0),
            (Op::Refresh { session, .. }, Outcome::Pair(number)) => (*session, *number),
            _ => return Ok(()),
        };
        let Some(pair) = &answer.pair else {
            return Err(self.violation(format!("#{call} was answered without tokens")));
        };
        if pair.number != wanted.1 {
            return Err(self.violation(format!(
                "#{call}: the first refresh token has number {}",
                pair.number
            )));
        }
        let anothers = self
            .sids
            .iter()
            .any(|(of, sid)| *of != wanted.0 && *sid == pair.sid);
        if anothers || *self.sids.entry(wanted.0).or_insert_with(|| pair.sid.clone()) != pair.sid {
            return Err(self.violation(format!("#{call} was answered with a token of another session")));
        }
        if *self.issued.entry(wanted).or_insert_with(|| pair.refresh.clone()) != pair.refresh {
            return Err(self.violation(format!(
                "#{call}: session #{} has two refresh tokens of number {}: a fork",
                wanted.0, wanted.1
            )));
        }
        Ok(())
    }

    fn note(&mut self, at: Time, what: fmt::Arguments<'_>) {
        let _never_fails = writeln!(self.log, "  {:>10.3}s {what}", at.as_secs_f64());
    }
}
