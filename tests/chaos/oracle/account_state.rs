//! One state that an account may be in, and the effect of each call on it: the promises of docs/rules.md §1–3, written a second time,
//! independently of the product's code.
//!
//! A call has one outcome in one state. Where only its time decides (a window that may or may not have passed), it has each of them.

use std::{collections::BTreeMap, time::Duration};

/// A moment of a history, counted from its start.
pub(crate) type Time = Duration;

/// A call, by its number. A session is named by the call that started it.
pub(crate) type Call = u64;

/// How long a node may rely on what it has read (`blacklist.max_staleness`): this long after one node knows of a revocation, all nodes
/// do, whether the call was answered or not.
const EVERYWHERE_WITHIN: Time = Duration::from_secs(2);
/// `rotation.retry_window`.
const RETRY_WINDOW: Time = Duration::from_secs(30);
/// `rotation.reuse_leeway`.
const REUSE_LEEWAY: Time = Duration::from_secs(10);
/// How far the difference of two clock readings may be from the time between them.
const UNSHARP: Time = Duration::from_millis(50);
const NEVER: Time = Duration::MAX;

/// A call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Op {
    /// `POST /register`.
    Register { name: String },
    /// `POST /login`.
    Login,
    /// `POST /refresh`, perhaps with an `Idempotency-Key`.
    Refresh {
        session: Call,
        number: u32,
        key: Option<u64>,
    },
    /// `POST /logout` with an access token.
    Logout { session: Call },
    /// `POST /logout` with a refresh token.
    LogoutByRefresh { session: Call },
    /// `POST /logout-all`.
    LogoutAll { by: Call },
    /// `DELETE /sessions/{id}`.
    EndSession { by: Call, session: Call },
    /// `PATCH /me`.
    Rename { by: Call, name: String },
    /// `GET /me`.
    Me { by: Call },
    /// `GET /verify`.
    Verify { by: Call },
}

/// The outcome of a call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// A new session and its first pair of tokens.
    SignedIn,
    /// 409 `email_taken`.
    EmailTaken,
    /// 401 `invalid_credentials`.
    BadCredentials,
    /// 200 with the refresh token of this number.
    Pair(u32),
    /// 401 `token_already_used`.
    AlreadyUsed,
    /// 401 `token_revoked`.
    Revoked,
    /// 401 `all_sessions_revoked`.
    Cut,
    /// A sign-out of any kind was done.
    Ended,
    /// The user, with this name.
    Named(String),
    /// 204 of a token check.
    Accepted,
    /// An answer that no state allows.
    Other(String),
}

impl Op {
    /// Whether it may change the answers of later calls. A lost sign-in does not: no client has a token of its session.
    pub(crate) fn leaves_a_trace(&self) -> bool {
        !self.only_reads() && *self != Self::Login
    }

    /// Whether it changes nothing in any state.
    pub(crate) fn only_reads(&self) -> bool {
        matches!(self, Self::Me { .. } | Self::Verify { .. })
    }

    /// The session whose token is presented.
    pub(crate) fn presents(&self) -> Option<Call> {
        match self {
            Self::Register { .. } | Self::Login => None,
            Self::Refresh { session, .. } | Self::Logout { session } | Self::LogoutByRefresh { session } => {
                Some(*session)
            }
            Self::LogoutAll { by }
            | Self::EndSession { by, .. }
            | Self::Rename { by, .. }
            | Self::Me { by }
            | Self::Verify { by } => Some(*by),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Session {
    number: u32,
    key: Option<u64>,
    /// The bounds of the server's time when it was rotated.
    rotated: (Time, Time),
    /// It was ended on its own.
    ended: bool,
    /// The user's generation was raised above its own.
    cut: bool,
    /// A call that starts later than this must be refused.
    refused_from: Time,
}

/// One state of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AccountState {
    registered: bool,
    name: String,
    sessions: BTreeMap<Call, Session>,
    /// The latest time at which the newest revocation of all sessions can have happened.
    cut_by: Option<Time>,
}

/// The effect of a call on a state: the state after it, its answer, and the sessions that are over on every node once the answer is
/// there.
#[derive(Debug, Clone)]
pub(crate) struct Effect {
    pub(crate) state: AccountState,
    pub(crate) outcome: Outcome,
    pub(crate) over: Vec<Call>,
}

/// A call, and the bounds of the time at which the server read its clock for it. It may take effect later than that; if its answer was
/// lost, without a bound.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) call: Call,
    pub(crate) op: &'a Op,
    pub(crate) window: (Time, Time),
    pub(crate) lost: bool,
}

impl AccountState {
    /// Every effect that a call may have in this state.
    pub(crate) fn effects(&self, asked: Asked<'_>) -> Vec<Effect> {
        let begun = asked.window.0;
        match asked.op {
            Op::Register { .. } if self.registered => vec![self.same(Outcome::EmailTaken)],
            Op::Register { name } => {
                let mut state = self.clone();
                state.registered = true;
                state.name.clone_from(name);
                vec![state.signed_in(asked)]
            }
            Op::Login => self.login(asked),
            Op::Refresh { session, number, key } => self.refresh(asked, *session, *number, *key),
            Op::LogoutByRefresh { session } => self.logout_by_refresh(*session),
            Op::Logout { session } => self.bearer(*session, begun, |state| {
                vec![state.ended(*session, Outcome::Ended)]
            }),
            Op::EndSession { by, session } => {
                self.bearer(*by, begun, |state| vec![state.ended(*session, Outcome::Ended)])
            }
            Op::LogoutAll { by } => self.bearer(*by, begun, |state| vec![state.all_revoked(asked)]),
            Op::Rename { by, name } => self.bearer(*by, begun, |state| {
                let mut effect = state.same(Outcome::Named(name.clone()));
                effect.state.name.clone_from(name);
                vec![effect]
            }),
            Op::Me { by } => self.bearer(*by, begun, |state| {
                vec![state.same(Outcome::Named(state.name.clone()))]
            }),
            Op::Verify { by } => self.bearer(*by, begun, |state| vec![state.same(Outcome::Accepted)]),
        }
    }

    /// From this moment on these sessions are refused on every node.
    pub(crate) fn known_everywhere(&mut self, sessions: &[Call], from: Time) {
        for session in sessions {
            if let Some(session) = self.sessions.get_mut(session) {
                session.refused_from = session.refused_from.min(from);
            }
        }
    }

    /// A node has refused this session, so the other nodes do soon.
    pub(crate) fn was_refused(&mut self, session: Call, at: Time) {
        self.known_everywhere(&[session], at.saturating_add(EVERYWHERE_WITHIN));
    }

    /// Every call has taken effect by now, and every node learns of it.
    pub(crate) fn settle(&mut self, at: Time) {
        self.cut_by = self.cut_by.map(|by| by.min(at));
        for session in self.sessions.values_mut().filter(|session| session.is_over()) {
            session.refused_from = session.refused_from.min(at.saturating_add(EVERYWHERE_WITHIN));
        }
    }

    /// Forgets a session of which no client has a token.
    pub(crate) fn forget(&mut self, session: Call) {
        self.sessions.remove(&session);
    }

    fn same(&self, outcome: Outcome) -> Effect {
        Effect {
            state: self.clone(),
            outcome,
            over: Vec::new(),
        }
    }

    fn signed_in(mut self, asked: Asked<'_>) -> Effect {
        let session = Session {
            number: 0,
            key: None,
            rotated: asked.window,
            ended: false,
            cut: false,
            refused_from: NEVER,
        };
        self.sessions.insert(asked.call, session);
        self.same(Outcome::SignedIn)
    }

    fn login(&self, asked: Asked<'_>) -> Vec<Effect> {
        if !self.registered {
            return vec![self.same(Outcome::BadCredentials)];
        }
        let mut all = vec![self.clone().signed_in(asked)];
        // The password was verified before all sessions were revoked, so the session would be revoked from the start.
        if self.cut_by.is_some_and(|cut| cut >= asked.window.0) {
            all.push(self.same(Outcome::BadCredentials));
        }
        all
    }

    /// The table of docs/rules.md §3, for genuine tokens that have not expired.
    fn refresh(&self, asked: Asked<'_>, id: Call, number: u32, key: Option<u64>) -> Vec<Effect> {
        let Some(session) = self.sessions.get(&id) else {
            return Vec::new();
        };
        if session.is_over() {
            return vec![self.same(Outcome::Revoked)];
        }
        if number > session.number {
            return Vec::new();
        }
        if number == session.number {
            let mut effect = self.same(Outcome::Pair(number + 1));
            if let Some(session) = effect.state.sessions.get_mut(&id) {
                session.number = number + 1;
                session.key = key;
                session.rotated = asked.window;
            }
            return vec![effect];
        }
        if number + 1 != session.number {
            return vec![self.ended(id, Outcome::AlreadyUsed)];
        }
        let since = (
            asked.window.0.saturating_sub(session.rotated.1),
            asked.window.1.saturating_sub(session.rotated.0),
        );
        let (may_be_within, may_be_past) = sides(since, RETRY_WINDOW);
        let mut all = Vec::new();
        let repeats = key.is_some() && key == session.key;
        if repeats && may_be_within {
            all.push(self.same(Outcome::Pair(session.number)));
        }
        if !repeats || may_be_past {
            let (may_be_within, may_be_past) = sides(since, REUSE_LEEWAY);
            if may_be_within {
                all.push(self.same(Outcome::AlreadyUsed));
            }
            if may_be_past {
                all.push(self.ended(id, Outcome::AlreadyUsed));
            }
        }
        all
    }

    /// It does not look at the revocations, so it also ends a session that is only revoked by the user's generation.
    fn logout_by_refresh(&self, id: Call) -> Vec<Effect> {
        let Some(session) = self.sessions.get(&id) else {
            return Vec::new();
        };
        let mut all = Vec::new();
        if !session.ended {
            all.push(self.ended(id, Outcome::Ended));
        }
        if session.is_over() {
            all.push(self.ended(id, Outcome::Revoked));
        }
        all
    }

    /// A call with an access token: it is accepted while its session is active, and a while longer on a node that does not know yet.
    fn bearer(&self, by: Call, begun: Time, passed: impl Fn(&Self) -> Vec<Effect>) -> Vec<Effect> {
        let Some(session) = self.sessions.get(&by) else {
            return Vec::new();
        };
        let mut all = Vec::new();
        if !session.is_over() || begun < session.refused_from {
            all.extend(passed(self));
        }
        if session.cut {
            all.push(self.same(Outcome::Cut));
        }
        if session.ended {
            all.push(self.same(Outcome::Revoked));
        }
        all
    }

    fn ended(&self, id: Call, outcome: Outcome) -> Effect {
        let mut effect = self.same(outcome);
        if let Some(session) = effect.state.sessions.get_mut(&id) {
            session.ended = true;
        }
        effect.over.push(id);
        effect
    }

    fn all_revoked(&self, asked: Asked<'_>) -> Effect {
        let mut effect = self.same(Outcome::Ended);
        let by = if asked.lost { NEVER } else { asked.window.1 };
        effect.state.cut_by = effect.state.cut_by.max(Some(by));
        for (id, session) in &mut effect.state.sessions {
            session.cut = true;
            effect.over.push(*id);
        }
        effect
    }
}

impl Session {
    fn is_over(&self) -> bool {
        self.ended || self.cut
    }
}

/// Whether a span that lies between two bounds may be within a limit, and whether it may be past it.
fn sides(span: (Time, Time), limit: Time) -> (bool, bool) {
    (
        span.0 <= limit.saturating_add(UNSHARP),
        span.1.saturating_add(UNSHARP) > limit,
    )
}
