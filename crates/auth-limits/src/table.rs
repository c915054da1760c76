//! The counters of one limit in one process: bounded, and no counter is evicted before it has expired.
//!
//! If filling the table could evict a counter, the limit could be bypassed: in another program, five thousand failures at other
//! accounts reset the count of the victim's account (CVE-2024-21662). So a counter is removed when it has expired and not before.
//! While the table is full, all new keys share one overflow counter.

use crate::permit::PermitRequest;
use auth_domain::{
    rate::{RateDecision, refund},
    time::Timestamp,
};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, binary_heap::PeekMut},
    sync::Arc,
};

/// How many counters each call checks for expiry.
const SWEEP_BATCH: usize = 8;

/// The counters of one limit.
#[derive(Debug, Default)]
pub(crate) struct Table {
    capacity: usize,
    /// The theoretical arrival time (TAT) of each key, which is also the time at which the counter expires.
    counters: HashMap<Arc<str>, Timestamp>,
    /// Each counter once, with a lower bound of its expiry (unless permits were refunded), the earliest on top.
    expiries: BinaryHeap<Reverse<(Timestamp, Arc<str>)>>,
    /// The counter that all keys share that came while the table was full.
    overflow: Option<Timestamp>,
}

/// The counter that a key uses.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Slot {
    Own(Arc<str>),
    Overflow,
}

/// Decisions on permits that are not yet written to the table.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Each decision with its permit's position in the request.
    pub(crate) decisions: Vec<(usize, RateDecision)>,
    writes: Vec<(Slot, Timestamp)>,
}

impl Table {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            capacity,
            ..Self::default()
        }
    }

    /// Decides on the permits in order, each as if those before it had been written. Writes nothing.
    pub(crate) fn plan<'a>(
        &mut self,
        requests: impl Iterator<Item = (usize, &'a PermitRequest<'a>)>,
        now: Timestamp,
    ) -> Plan {
        self.sweep(now);
        let mut plan = Plan::default();
        for (position, request) in requests {
            let slot = self.slot(request.permit.shared_key(), &plan);
            let decision = request.decide(self.tat(&slot, &plan), now);
            if let RateDecision::Granted { tat, .. } = decision {
                plan.writes.push((slot, tat));
            }
            plan.decisions.push((position, decision));
        }
        plan
    }

    /// Writes a plan. The table must not have changed since the plan was made.
    pub(crate) fn apply(&mut self, plan: Plan) {
        for (slot, tat) in plan.writes {
            match slot {
                Slot::Own(key) => {
                    if self.counters.insert(Arc::clone(&key), tat).is_none() {
                        self.expiries.push(Reverse((tat, key)));
                    }
                }
                Slot::Overflow => self.overflow = Some(tat),
            }
        }
    }

    /// Gives a permit back to its counter. A key without a counter was counted in the overflow, or its counter has expired.
    pub(crate) fn refund(&mut self, request: &PermitRequest<'_>) {
        let counter = self
            .counters
            .get_mut(request.permit.shared_key())
            .or(self.overflow.as_mut());
        if let Some(tat) = counter {
            *tat = refund(*tat, request.limit);
        }
    }

    fn slot(&self, key: &Arc<str>, plan: &Plan) -> Slot {
        let own = Slot::Own(Arc::clone(key));
        let is_planned = |slot: &Slot| plan.writes.iter().any(|(written, _)| written == slot);
        let is_new = |slot: &Slot| matches!(slot, Slot::Own(key) if !self.counters.contains_key(key));
        if !is_new(&own) || is_planned(&own) {
            return own;
        }
        let planned_new = plan.writes.iter().filter(|(slot, _)| is_new(slot)).count();
        if self.counters.len() + planned_new < self.capacity {
            own
        } else {
            Slot::Overflow
        }
    }

    fn tat(&self, slot: &Slot, plan: &Plan) -> Option<Timestamp> {
        let planned = plan.writes.iter().rev().find(|(written, _)| written == slot);
        planned.map(|(_, tat)| *tat).or_else(|| match slot {
            Slot::Own(key) => self.counters.get(key).copied(),
            Slot::Overflow => self.overflow,
        })
    }

    /// Removes a few expired counters. A counter whose expiry moved later since it was queued is queued again with the new expiry;
    /// that happens at most once for each time the expiry moved.
    fn sweep(&mut self, now: Timestamp) {
        for _ in 0..SWEEP_BATCH {
            let Some(earliest) = self.expiries.peek_mut().filter(|earliest| earliest.0.0 <= now) else {
                return;
            };
            let Reverse((_, key)) = PeekMut::pop(earliest);
            match self.counters.get(&key) {
                Some(tat) if *tat > now => self.expiries.push(Reverse((*tat, key))),
                _ => {
                    self.counters.remove(&key);
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
