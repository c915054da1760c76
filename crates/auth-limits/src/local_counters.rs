//! The counters of one process: one table for each limit, each behind a lock of its own.
//!
//! A request locks the tables of its permits, always in the same order. It decides on all permits and then writes all or none. A
//! lock is held for a few comparisons and never across an await. Finer locks would gain nothing: the budget of the whole service
//! is one counter, and the requests that count there meet at its lock anyway.

use crate::{
    name::LimitName,
    permit::PermitRequest,
    table::{Plan, Table},
    take_result::all_granted,
};
use auth_domain::{rate::RateDecision, time::Timestamp};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The tables, in the order of [`LimitName::ALL`].
pub(crate) struct LocalCounters {
    tables: [(LimitName, Mutex<Table>); LimitName::ALL.len()],
}

impl LocalCounters {
    pub(crate) fn new(max_keys: usize) -> Self {
        Self {
            tables: LimitName::ALL.map(|name| (name, Mutex::new(Table::with_capacity(max_keys)))),
        }
    }

    /// Takes all permits or none. The decisions are in the order of the permits.
    pub(crate) fn take(&self, requests: &[PermitRequest<'_>], now: Timestamp) -> Vec<RateDecision> {
        let mut planned: Vec<(MutexGuard<'_, Table>, Plan)> = Vec::new();
        for (name, table) in &self.tables {
            let mut own = requests
                .iter()
                .enumerate()
                .filter(|(_, request)| request.permit.name() == *name)
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
                table.apply(plan);
            }
        }
        decisions
    }

    /// Gives the permits back.
    pub(crate) fn refund(&self, requests: &[PermitRequest<'_>]) {
        for (name, table) in &self.tables {
            for request in requests.iter().filter(|request| request.permit.name() == *name) {
                table
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .refund(request);
            }
        }
    }
}
