//! Rate limits: the decision row by row, the properties of every sequence of takes, and the text of a limit.

#![cfg(test)]

mod sequences;
mod table;
mod text;

use auth_domain::{
    rate::{Limit, RateDecision, decide},
    time::Timestamp,
};
use chrono::DateTime;

fn at(seconds: i64) -> Timestamp {
    at_micros(seconds * 1_000_000)
}

fn at_micros(micros: i64) -> Timestamp {
    DateTime::from_timestamp_micros(1_800_000_000_000_000 + micros).unwrap()
}

fn limit(text: &str) -> Limit {
    text.parse().unwrap()
}

/// A counter, as in a store.
#[derive(Debug, Clone, Copy, Default)]
struct Counter {
    tat: Option<Timestamp>,
}

impl Counter {
    fn take(&mut self, now: Timestamp, limit: Limit) -> RateDecision {
        let decision = decide(self.tat, now, limit, 0);
        if let RateDecision::Granted { tat, .. } = decision {
            self.tat = Some(tat);
        }
        decision
    }

    /// How many of this number of tries are granted at one time.
    fn take_all(&mut self, now: Timestamp, limit: Limit, tries: u32) -> u32 {
        (0..tries)
            .map(|_| u32::from(is_granted(self.take(now, limit))))
            .sum()
    }
}

fn is_granted(decision: RateDecision) -> bool {
    matches!(decision, RateDecision::Granted { .. })
}
