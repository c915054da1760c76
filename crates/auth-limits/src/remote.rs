//! The counters that all nodes share: one script a request, the same decision as in the process, and a breaker before it.

use crate::{
    breaker::Breaker, claim::Asked, config::LimitsConfig, script_runner::ScriptRunner, taken::all_granted,
};
use auth_domain::{
    rate::{CLOCK_SLACK, RateDecision},
    time::Timestamp,
};
use auth_redis::KeySpace;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout};

/// Sent as text every time: a server that was restarted has no script by its hash, and a retry would be a second take.
const GCRA: &str = include_str!("gcra.lua");
const REFUND: &str = include_str!("refund.lua");

/// The counters in Redis.
pub(crate) struct Remote {
    runner: Arc<dyn ScriptRunner>,
    breaker: Breaker,
    patience: Duration,
    keys: KeySpace,
}

impl Remote {
    pub(crate) fn new(runner: Arc<dyn ScriptRunner>, config: &LimitsConfig) -> Self {
        Self {
            runner,
            breaker: Breaker::default(),
            patience: config.timeout,
            keys: config.keys(),
        }
    }

    /// What is decided over each claim; nothing where Redis did not answer, or is left alone because it lately did not.
    pub(crate) async fn take(&self, asked: &[Asked<'_>], now: Timestamp) -> Option<Vec<RateDecision>> {
        let mut args = vec![now.timestamp_micros(), micros(CLOCK_SLACK)];
        for asked in asked {
            let (interval, window) = (asked.limit.interval(), asked.limit.window());
            let reserve = interval.saturating_mul(asked.reserve());
            args.extend([micros(interval), micros(window), micros(reserve)]);
        }
        self.run(GCRA, asked, &args, |answer| decisions(asked, answer, now))
            .await
    }

    /// Gives one unit of each back; nothing where Redis did not answer.
    pub(crate) async fn refund(&self, asked: &[Asked<'_>], now: Timestamp) -> Option<()> {
        let mut args = vec![now.timestamp_micros()];
        args.extend(asked.iter().map(|asked| micros(asked.limit.interval())));
        self.run(REFUND, asked, &args, |_| Some(())).await
    }

    async fn run<T>(
        &self,
        script: &str,
        asked: &[Asked<'_>],
        args: &[i64],
        read: impl FnOnce(&[i64]) -> Option<T>,
    ) -> Option<T> {
        let leave = self.breaker.leave(Instant::now())?;
        let keys: Vec<String> = asked.iter().map(|asked| self.key(asked)).collect();
        let answer = match timeout(self.patience, self.runner.run(script, &keys, args)).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        };
        match answer.and_then(|answer| read(&answer).ok_or_else(|| format!("it answered {answer:?}"))) {
            Ok(read) => {
                if self.breaker.answered(leave) {
                    tracing::info!("Redis answers again; limits are counted for all nodes together");
                }
                Some(read)
            }
            Err(reason) => {
                if self.breaker.failed(leave, Instant::now()) {
                    tracing::warn!(
                        reason,
                        "Redis can't be asked; until it can, limits are counted by each process for itself"
                    );
                }
                None
            }
        }
    }

    fn key(&self, asked: &Asked<'_>) -> String {
        self.keys
            .key(format_args!("{}:{}", asked.claim.name(), asked.claim.key()))
    }
}

/// The decisions that the script made, told by the domain's own function from the counters as the script found them.
fn decisions(asked: &[Asked<'_>], answer: &[i64], now: Timestamp) -> Option<Vec<RateDecision>> {
    let (granted, found) = answer.split_first()?;
    let decisions: Vec<RateDecision> = asked
        .iter()
        .zip(found)
        .map(|(asked, tat)| asked.decide(Timestamp::from_timestamp_micros(*tat), now))
        .collect();
    let as_decided = found.len() == asked.len() && all_granted(&decisions) == (*granted == 1);
    as_decided.then_some(decisions)
}

fn micros(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX)
}
