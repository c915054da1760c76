//! The steps of the model, and their text in a trace.

use super::{
    Cut,
    rows::{FOREIGN_KEY, Token},
};
use std::fmt;

/// A request is identified by its index in the state; the trace shows the number of its token.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Tick,
    Refresh { honest: bool, token: Token },
    Load(usize, u8),
    Snapshot(usize, u8),
    Write(usize, u8),
    Die(usize, u8),
    Deliver(usize, u8),
    BeginCut(Cut),
    WriteCut(Cut),
    CommitCut(Cut),
    RollBackCut(Cut),
    ReadPassword,
    InsertSession,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tick => write!(f, "ten seconds go by"),
            Self::Refresh { honest, token } => {
                let who = if *honest { "the client" } else { "a thief" };
                let (number, now) = (token.number, token.now);
                let key = match token.key {
                    0 => "without a key".to_owned(),
                    FOREIGN_KEY => "with a key of their own".to_owned(),
                    key => format!("with key {key}"),
                };
                write!(
                    f,
                    "{who} presents token {number} {key}; the node's clock shows {now}"
                )
            }
            Self::Load(_, number) => write!(f, "the refresh of token {number} loads, and decides"),
            Self::Snapshot(_, number) => write!(f, "the refresh of token {number} begins its update"),
            Self::Write(_, number) => write!(f, "the refresh of token {number} writes, if its guards hold"),
            Self::Die(_, number) => write!(f, "the refresh of token {number} dies, or its answer is lost"),
            Self::Deliver(_, number) => write!(f, "the client gets the answer for token {number}"),
            Self::BeginCut(cut) => write!(f, "{cut:?} takes the user's row"),
            Self::WriteCut(cut) => write!(f, "{cut:?} writes the sessions' rows"),
            Self::CommitCut(cut) => write!(f, "{cut:?} commits"),
            Self::RollBackCut(cut) => write!(f, "{cut:?} is rolled back"),
            Self::ReadPassword => write!(f, "a sign-in reads the password and the generation, and verifies"),
            Self::InsertSession => write!(f, "the sign-in inserts its session, if its guard holds"),
        }
    }
}
