//! The counters of one limit in one process: bounded, and never one that still counts in exchange for another.
//!
//! A table that could be filled to make it forget would be no limit: five thousand failures at other accounts once reset the
//! count of the victim's (CVE-2024-21662). So a counter leaves when its time is up and not before, and whoever comes when there
//! is no room is counted together with all others who do.

use crate::claim::Asked;
use auth_domain::{
    rate::{RateDecision, refund},
    time::Timestamp,
};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, binary_heap::PeekMut},
    sync::Arc,
};

/// How many counters are looked at for whether their time is up, each time the table is used.
const BATCH: usize = 8;

/// The counters of one limit.
#[derive(Debug, Default)]
pub(crate) struct Table {
    most: usize,
    live: HashMap<Arc<str>, Timestamp>,
    /// Each live counter once, with an end that it has at least (unless it was given back), the soonest on top.
    ends: BinaryHeap<Reverse<(Timestamp, Arc<str>)>>,
    /// The counter of all who came when there was no room.
    crowd: Option<Timestamp>,
}

/// Where somebody is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Own(Arc<str>),
    Crowd,
}

/// What is decided over some claims, and not yet carried out.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The decisions, each with its claim's position in the request.
    pub(crate) decisions: Vec<(usize, RateDecision)>,
    writes: Vec<(Place, Timestamp)>,
}

impl Table {
    pub(crate) fn holding(most: usize) -> Self {
        Self {
            most,
            ..Self::default()
        }
    }

    /// Decides over the claims one after the other, as if those before had been carried out.
    pub(crate) fn plan<'a>(
        &mut self,
        asked: impl Iterator<Item = (usize, &'a Asked<'a>)>,
        now: Timestamp,
    ) -> Plan {
        self.sweep(now);
        let mut plan = Plan::default();
        for (position, asked) in asked {
            let place = self.place(asked.claim.shared_key(), &plan);
            let decision = asked.decide(self.tat(&place, &plan), now);
            if let RateDecision::Granted { tat, .. } = decision {
                plan.writes.push((place, tat));
            }
            plan.decisions.push((position, decision));
        }
        plan
    }

    /// Carries a plan out that was made of this table, with nothing in between.
    pub(crate) fn carry_out(&mut self, plan: Plan) {
        for (place, tat) in plan.writes {
            match place {
                Place::Own(key) => {
                    if self.live.insert(Arc::clone(&key), tat).is_none() {
                        self.ends.push(Reverse((tat, key)));
                    }
                }
                Place::Crowd => self.crowd = Some(tat),
            }
        }
    }

    /// Gives one unit back to whom it was taken of. Whoever has no counter was counted with the crowd, or no longer is.
    pub(crate) fn refund(&mut self, asked: &Asked<'_>) {
        let counter = self
            .live
            .get_mut(asked.claim.shared_key())
            .or(self.crowd.as_mut());
        if let Some(tat) = counter {
            *tat = refund(*tat, asked.limit);
        }
    }

    fn place(&self, key: &Arc<str>, plan: &Plan) -> Place {
        let own = Place::Own(Arc::clone(key));
        let planned = |place: &Place| plan.writes.iter().any(|(written, _)| written == place);
        let fresh = |place: &Place| matches!(place, Place::Own(key) if !self.live.contains_key(key));
        if !fresh(&own) || planned(&own) {
            return own;
        }
        let coming = plan.writes.iter().filter(|(place, _)| fresh(place)).count();
        if self.live.len() + coming < self.most {
            own
        } else {
            Place::Crowd
        }
    }

    fn tat(&self, place: &Place, plan: &Plan) -> Option<Timestamp> {
        let planned = plan.writes.iter().rev().find(|(written, _)| written == place);
        planned.map(|(_, tat)| *tat).or_else(|| match place {
            Place::Own(key) => self.live.get(key).copied(),
            Place::Crowd => self.crowd,
        })
    }

    /// Removes a few of those whose time is up. What was put off since it was last looked at goes back with its new end, which
    /// happens no more often than it was put off.
    fn sweep(&mut self, now: Timestamp) {
        for _ in 0..BATCH {
            let Some(soonest) = self.ends.peek_mut().filter(|soonest| soonest.0.0 <= now) else {
                return;
            };
            let Reverse((_, key)) = PeekMut::pop(soonest);
            match self.live.get(&key) {
                Some(tat) if *tat > now => self.ends.push(Reverse((*tat, key))),
                _ => {
                    self.live.remove(&key);
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
