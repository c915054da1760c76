//! What is told of a take: how things stand with each limit, or with the one that holds the request longest.

use crate::{claim::Asked, name::LimitName};
use auth_domain::rate::{Limit, RateDecision};
use std::time::Duration;

/// How things stand with one limit, for one whom it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The limit's name.
    pub name: LimitName,
    /// The limit.
    pub limit: Limit,
    /// How many more could be had at this moment.
    pub remaining: u32,
    /// After how long one may be had; zero where it was.
    pub retry_after: Duration,
    /// After how long it will be as if nothing had been had.
    pub reset_after: Duration,
}

impl Standing {
    fn of(asked: &Asked<'_>, decision: &RateDecision) -> Self {
        let (remaining, retry_after, reset_after) = match *decision {
            RateDecision::Granted {
                remaining,
                reset_after,
                ..
            } => (remaining, Duration::ZERO, reset_after),
            RateDecision::Refused {
                retry_after,
                reset_after,
            } => (0, retry_after, reset_after),
        };
        Self {
            name: asked.claim.name(),
            limit: asked.limit,
            remaining,
            retry_after,
            reset_after,
        }
    }
}

/// What became of a request's claims.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a refusal has to be answered"]
pub enum Taken {
    /// A unit was taken of each, in the order of the claims. Empty where limits are turned off.
    Granted(Vec<Standing>),
    /// Nothing was taken. Of the limits that refused, the one that will do so longest.
    Refused(Standing),
}

impl Taken {
    /// Whether the request may go on.
    #[must_use]
    pub const fn is_granted(&self) -> bool {
        matches!(self, Self::Granted(_))
    }

    pub(crate) fn of(asked: &[Asked<'_>], decisions: &[RateDecision]) -> Self {
        let refused = asked
            .iter()
            .zip(decisions)
            .filter(|(_, decision)| matches!(decision, RateDecision::Refused { .. }))
            .map(|(asked, decision)| Standing::of(asked, decision))
            .max_by_key(|standing| standing.retry_after);
        refused.map_or_else(
            || {
                let standings = asked.iter().zip(decisions);
                Self::Granted(
                    standings
                        .map(|(asked, decision)| Standing::of(asked, decision))
                        .collect(),
                )
            },
            Self::Refused,
        )
    }
}

/// Whether all are granted, and so may be carried out.
pub(crate) fn all_granted(decisions: &[RateDecision]) -> bool {
    decisions
        .iter()
        .all(|decision| matches!(decision, RateDecision::Granted { .. }))
}
