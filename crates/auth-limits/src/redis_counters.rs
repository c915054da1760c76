//! The counters in Redis, which all nodes share: one script for each request, behind a circuit breaker.
//!
//! The script makes the same decision as [`auth_domain::rate`] does for the counters of the process.

use crate::{
    circuit_breaker::CircuitBreaker, config::LimitsConfig, permit::PermitRequest,
    script_runner::ScriptRunner, take_result::all_granted,
};
use auth_domain::{
    rate::{CLOCK_SLACK, RateDecision},
    time::Timestamp,
};
use auth_redis::KeySpace;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout};

/// Sent as text every time. A restarted server does not know the script by its hash, and a retry with the text could take the
/// permits twice.
const GCRA: &str = include_str!("gcra.lua");
const REFUND: &str = include_str!("refund.lua");

/// The counters in Redis.
pub(crate) struct RedisCounters {
    runner: Arc<dyn ScriptRunner>,
    breaker: CircuitBreaker,
    timeout: Duration,
    keys: KeySpace,
}

impl RedisCounters {
    pub(crate) fn new(runner: Arc<dyn ScriptRunner>, config: &LimitsConfig) -> Self {
        Self {
            runner,
            breaker: CircuitBreaker::default(),
            timeout: config.timeout,
            keys: config.keys(),
        }
    }

    /// Takes all permits or none. `None` if Redis did not answer, or is not asked because it recently failed.
    pub(crate) async fn take(
        &self,
        requests: &[PermitRequest<'_>],
        now: Timestamp,
    ) -> Option<Vec<RateDecision>> {
        let mut args = vec![now.timestamp_micros(), micros(CLOCK_SLACK)];
        for request in requests {
            let (interval, window) = (request.limit.interval(), request.limit.window());
            let reserve = interval.saturating_mul(request.reserve());
            args.extend([micros(interval), micros(window), micros(reserve)]);
        }
        self.run(GCRA, requests, &args, |answer| decisions(requests, answer, now))
            .await
    }

    /// Gives the permits back. `None` if Redis did not answer, or is not asked because it recently failed.
    pub(crate) async fn refund(&self, requests: &[PermitRequest<'_>], now: Timestamp) -> Option<()> {
        let mut args = vec![now.timestamp_micros()];
        args.extend(requests.iter().map(|request| micros(request.limit.interval())));
        self.run(REFUND, requests, &args, |_| Some(())).await
    }

    async fn run<T>(
        &self,
        script: &str,
        requests: &[PermitRequest<'_>],
        args: &[i64],
        read: impl FnOnce(&[i64]) -> Option<T>,
    ) -> Option<T> {
        let attempt = self.breaker.admit(Instant::now())?;
        let keys: Vec<String> = requests.iter().map(|request| self.key(request)).collect();
        let answer = match timeout(self.timeout, self.runner.run(script, &keys, args)).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        };
        match answer.and_then(|answer| read(&answer).ok_or_else(|| format!("it answered {answer:?}"))) {
            Ok(read) => {
                if self.breaker.record_success(attempt) {
                    tracing::info!("Redis answers again; all nodes share the limits' counters");
                }
                Some(read)
            }
            Err(reason) => {
                if self.breaker.record_failure(attempt, Instant::now()) {
                    tracing::warn!(
                        reason,
                        "Redis is unavailable; until it answers, each process counts the limits by itself"
                    );
                }
                None
            }
        }
    }

    fn key(&self, request: &PermitRequest<'_>) -> String {
        self.keys
            .key(format_args!("{}:{}", request.permit.name(), request.permit.key()))
    }
}

/// The script's decisions. The script returns each counter as it found it, and the domain's function decides from that; an answer
/// on which the two disagree is refused.
fn decisions(requests: &[PermitRequest<'_>], answer: &[i64], now: Timestamp) -> Option<Vec<RateDecision>> {
    let (granted, found) = answer.split_first()?;
    let decisions: Vec<RateDecision> = requests
        .iter()
        .zip(found)
        .map(|(request, tat)| request.decide(Timestamp::from_timestamp_micros(*tat), now))
        .collect();
    let as_decided = found.len() == requests.len() && all_granted(&decisions) == (*granted == 1);
    as_decided.then_some(decisions)
}

fn micros(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX)
}
