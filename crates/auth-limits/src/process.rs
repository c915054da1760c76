//! The counters of one process: a table a limit, each under its own lock.
//!
//! A request locks the tables of its claims, always in the same order, decides over all and then writes all or nothing. A lock
//! is held for some comparisons and never across an await. More locks would gain nothing: the budget of the whole service is
//! one counter, and whatever counts on it meets there anyway.

use crate::{
    claim::Asked,
    name::LimitName,
    table::{Plan, Table},
    taken::all_granted,
};
use auth_domain::{rate::RateDecision, time::Timestamp};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The tables, in the order of [`LimitName::ALL`].
pub(crate) struct Process {
    tables: [(LimitName, Mutex<Table>); LimitName::ALL.len()],
}

impl Process {
    pub(crate) fn new(max_keys: usize) -> Self {
        Self {
            tables: LimitName::ALL.map(|name| (name, Mutex::new(Table::holding(max_keys)))),
        }
    }

    /// Takes a unit of each or of none; what is decided over each claim, in their order.
    pub(crate) fn take(&self, asked: &[Asked<'_>], now: Timestamp) -> Vec<RateDecision> {
        let mut planned: Vec<(MutexGuard<'_, Table>, Plan)> = Vec::new();
        for (name, table) in &self.tables {
            let mut own = asked
                .iter()
                .enumerate()
                .filter(|(_, asked)| asked.claim.name() == *name)
                .peekable();
            if own.peek().is_some() {
                let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
                let plan = table.plan(own, now);
                planned.push((table, plan));
            }
        }
        let mut decisions: Vec<(usize, RateDecision)> = planned
            .iter()
            .flat_map(|(_, plan)| plan.decisions.iter().copied())
            .collect();
        decisions.sort_unstable_by_key(|(position, _)| *position);
        let decisions: Vec<RateDecision> = decisions.into_iter().map(|(_, decision)| decision).collect();
        if all_granted(&decisions) {
            for (mut table, plan) in planned {
                table.carry_out(plan);
            }
        }
        decisions
    }

    /// Gives one unit of each back.
    pub(crate) fn refund(&self, asked: &[Asked<'_>]) {
        for (name, table) in &self.tables {
            for asked in asked.iter().filter(|asked| asked.claim.name() == *name) {
                table.lock().unwrap_or_else(PoisonError::into_inner).refund(asked);
            }
        }
    }
}
