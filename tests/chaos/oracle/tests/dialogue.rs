//! A notation for histories: each call and its answer, second by second.

use super::super::*;

pub(super) fn s(seconds: u64) -> Time {
    Time::from_secs(seconds)
}

/// A history that a test writes step by step. Calls start and end at full seconds.
pub(super) struct Dialogue {
    pub(super) history: History,
    pub(super) now: u64,
}

impl Dialogue {
    /// The user `ada` has registered: session 0.
    pub(super) fn registered() -> Self {
        let mut dialogue = Self {
            history: History::new("ada@example.com"),
            now: 0,
        };
        let call = dialogue.begin(Op::Register { name: "ada".into() });
        dialogue.end(call, Outcome::SignedIn).unwrap();
        dialogue
    }

    pub(super) fn at(&mut self, second: u64) -> &mut Self {
        self.now = second;
        self
    }

    pub(super) fn begin(&mut self, op: Op) -> Call {
        self.history.begun(op, "one", s(self.now))
    }

    pub(super) fn end(&mut self, call: Call, outcome: Outcome) -> Result<(), Violation> {
        let (session, number) = match (&self.history.open.get(&call).unwrap().op, &outcome) {
            (Op::Refresh { session, .. }, Outcome::Pair(number)) => (*session, *number),
            _ => (call, 0),
        };
        self.end_with(
            call,
            outcome,
            session,
            &format!("token {session}.{number}"),
            number,
        )
    }

    pub(super) fn end_with(
        &mut self,
        call: Call,
        outcome: Outcome,
        session: Call,
        refresh: &str,
        number: u32,
    ) -> Result<(), Violation> {
        let pair = matches!(outcome, Outcome::SignedIn | Outcome::Pair(_)).then(|| Pair {
            sid: format!("session {session}"),
            number,
            refresh: refresh.to_owned(),
        });
        self.history
            .answered(call, &Answered { outcome, pair }, s(self.now))
    }

    pub(super) fn ask(&mut self, op: Op, outcome: Outcome) -> Result<(), Violation> {
        let call = self.begin(op);
        self.end(call, outcome)
    }

    pub(super) fn lose(&mut self, op: Op) {
        let call = self.begin(op);
        self.history.lost(call, "the connection broke", s(self.now));
    }
}

pub(super) fn refresh(number: u32, key: u64) -> Op {
    Op::Refresh {
        session: 0,
        number,
        key: Some(key),
    }
}

pub(super) fn bare_refresh(number: u32) -> Op {
    Op::Refresh {
        session: 0,
        number,
        key: None,
    }
}

pub(super) const VERIFY: Op = Op::Verify { by: 0 };
pub(super) const ME: Op = Op::Me { by: 0 };
pub(super) const LOGOUT: Op = Op::Logout { session: 0 };
pub(super) const LOGOUT_ALL: Op = Op::LogoutAll { by: 0 };
