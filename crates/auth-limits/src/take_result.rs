//! The result of taking permits: the state of each limit, or of the one limit that refuses the request for longest.

use crate::{name::LimitName, permit::PermitRequest};
use auth_domain::rate::{Limit, RateDecision};
use std::time::Duration;

/// The state of one counter of a limit, as a client may see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitStatus {
    /// The limit's name.
    pub name: LimitName,
    /// The limit.
    pub limit: Limit,
    /// How many more permits are available now.
    pub remaining: u32,
    /// How long until a permit is available; zero if it was granted.
    pub retry_after: Duration,
    /// How long until the counter is back in its initial state.
    pub reset_after: Duration,
}

impl LimitStatus {
    fn of(request: &PermitRequest<'_>, decision: &RateDecision) -> Self {
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
            name: request.permit.name(),
            limit: request.limit,
            remaining,
            retry_after,
            reset_after,
        }
    }
}

/// Whether a request's permits were granted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a refused request must not go on"]
pub enum TakeResult {
    /// All permits were taken. One status for each, in the order of the permits; empty if limits are disabled.
    Granted(Vec<LimitStatus>),
    /// No permit was taken. The status of the refusing limit with the longest `retry_after`.
    Refused(LimitStatus),
}

impl TakeResult {
    /// Whether the request may proceed.
    #[must_use]
    pub const fn is_granted(&self) -> bool {
        matches!(self, Self::Granted(_))
    }

    pub(crate) fn of(requests: &[PermitRequest<'_>], decisions: &[RateDecision]) -> Self {
        let refused = requests
            .iter()
            .zip(decisions)
            .filter(|(_, decision)| matches!(decision, RateDecision::Refused { .. }))
            .map(|(request, decision)| LimitStatus::of(request, decision))
            .max_by_key(|status| status.retry_after);
        refused.map_or_else(
            || {
                let statuses = requests.iter().zip(decisions);
                Self::Granted(
                    statuses
                        .map(|(request, decision)| LimitStatus::of(request, decision))
                        .collect(),
                )
            },
            Self::Refused,
        )
    }
}

/// Whether all permits are granted.
pub(crate) fn all_granted(decisions: &[RateDecision]) -> bool {
    decisions
        .iter()
        .all(|decision| matches!(decision, RateDecision::Granted { .. }))
}
