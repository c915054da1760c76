//! The steps of the model, and their text in a trace.

use super::node::{Purpose, SentinelId};
use std::fmt;

/// A node is named by its number.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Tick,
    Record,
    Commit,
    RollBack,
    Announce,
    Write,
    HearOfTheWrite,
    AnswerAfterTheWait,
    BeginRead(usize),
    EndRead(usize),
    FailRead(usize),
    Connect(usize),
    Ask(usize, Purpose),
    RedisAnswers(usize),
    Hear(usize),
    OthersPlant,
    Flush,
    Evict,
    Restart(SentinelId, bool),
    Drop(usize),
    Die(usize),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tick => write!(f, "ten seconds go by"),
            Self::Record => write!(f, "a transaction records the revocation"),
            Self::Commit => write!(f, "its commit becomes visible"),
            Self::RollBack => write!(f, "it is rolled back"),
            Self::Announce => write!(f, "the revocation is announced"),
            Self::Write => write!(f, "it is written to Redis"),
            Self::HearOfTheWrite => write!(f, "Redis is heard to have it: the revocation is answered"),
            Self::AnswerAfterTheWait => write!(f, "the wait is over: the revocation is answered"),
            Self::BeginRead(n) => write!(f, "node {n} begins a read, which sees what is visible"),
            Self::EndRead(n) => write!(f, "node {n}'s read is complete"),
            Self::FailRead(n) => write!(f, "node {n}'s read fails"),
            Self::Connect(n) => write!(f, "node {n} reaches Redis on a new connection"),
            Self::Ask(n, Purpose::Check) => {
                write!(f, "node {n} begins to check a revoked token, and asks Redis")
            }
            Self::Ask(n, Purpose::Plant) => write!(f, "node {n} plants a sentinel where there is none"),
            Self::Ask(n, Purpose::Probe | Purpose::Connecting) => write!(f, "node {n} probes Redis"),
            Self::RedisAnswers(n) => write!(f, "Redis answers node {n}'s check"),
            Self::Hear(n) => write!(f, "node {n} hears what Redis said"),
            Self::OthersPlant => write!(f, "another node plants a sentinel"),
            Self::Flush => write!(f, "Redis is flushed"),
            Self::Evict => write!(f, "Redis evicts the revocation"),
            Self::Restart(name, row) => {
                let what = if *row { "with" } else { "without" };
                write!(
                    f,
                    "Redis is restarted from an old state: sentinel {name}, {what} the revocation"
                )
            }
            Self::Drop(n) => write!(f, "node {n}'s connection to Redis breaks"),
            Self::Die(n) => write!(f, "node {n} dies and starts again"),
        }
    }
}
