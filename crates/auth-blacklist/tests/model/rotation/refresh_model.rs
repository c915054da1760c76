//! The state of the database and of the requests in progress, and every possible step.

use super::{
    Clients, Cut, Mutation, RETRY_WINDOW, Setting,
    rows::{FOREIGN_KEY, Key, Row, Token, User, decision},
    steps::Step,
};
use crate::search::Model;
use auth_domain::rotation::Decision;

/// The most rotations of a session.
const NUMBERS: usize = 4;

/// The rows that a request has loaded: the session's row, the user's generation and role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Loaded {
    pub(super) row: Row,
    pub(super) generation: u8,
    pub(super) role: u8,
}

/// How far a request has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Stage {
    Came,
    /// The decision is made, and requires a write.
    Decided(Loaded),
    /// The statement has a snapshot in which its guards hold, and waits for the row lock.
    Waiting(Loaded),
    /// The answer is on its way, with the refresh token of this number.
    Answered(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Request {
    pub(super) honest: bool,
    pub(super) token: Token,
    pub(super) misses: u8,
    pub(super) stage: Stage,
}

/// A transaction of a security event. It locks the user's row, unless it only ends a session. After its writes it locks the sessions' rows,
/// too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Cutting {
    pub(super) cut: Cut,
    pub(super) wrote: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(super) tick: u8,
    pub(super) user: User,
    pub(super) session: Row,
    /// The session of the sign-in, and the number of the password that it verified.
    pub(super) newer: Option<(Row, u8)>,
    /// A sign-in in progress: the password that it verified, and the generation that it read with it.
    pub(super) signing_in: Option<(u8, u8)>,
    pub(super) signed_in: bool,
    pub(super) requests: Vec<Request>,
    pub(super) refreshes: u8,
    pub(super) cutting: Option<Cutting>,
    pub(super) cuts: u8,
    /// The number of the honest client's token, and since when it tries to refresh it.
    pub(super) holds: u8,
    pub(super) tries_since: Option<u8>,
    /// Each issued refresh token, by its number: when it was issued, and when it expires.
    pub(super) given: [Option<(u8, u8)>; NUMBERS],
    /// The latest expiry of an issued access token.
    pub(super) access: u8,
}

/// The model of rotation.
pub(crate) struct RefreshModel {
    pub(super) setting: Setting,
}

impl RefreshModel {
    pub(crate) fn new(setting: Setting) -> Self {
        Self { setting }
    }

    pub(super) fn decide(&self, loaded: &Loaded, active: bool, token: &Token) -> Decision {
        let (policy, mutation) = (&self.setting.policy, self.setting.mutation);
        decision(&loaded.row, (loaded.generation, active), token, policy, mutation)
    }

    fn honest_key(number: u8) -> Key {
        number + 1
    }

    /// How long the client may retry: an offset of the clocks shortens the window.
    fn retry_time(&self) -> u8 {
        RETRY_WINDOW - self.setting.bounds.skew
    }

    fn token(state: &State, number: u8, key: Key, now: u8) -> Option<Token> {
        let (_, expires_at) = (*state.given.get(usize::from(number))?)?;
        Some(Token {
            number,
            expires_at,
            key,
            now,
        })
    }

    /// The tokens that the honest client may present now, one for each node's clock; none if it has given up or must wait.
    fn honest_tokens(&self, state: &State) -> Vec<Token> {
        let first = state.tries_since.is_none();
        let under_way = state.requests.iter().any(|request| request.honest);
        let patient = self.setting.mutation != Mutation::ImpatientClient;
        let late = state
            .tries_since
            .is_some_and(|since| state.tick - since > self.retry_time());
        if late || (first && under_way && patient) {
            return Vec::new();
        }
        let number = state.holds;
        let tokens = (0..=self.setting.bounds.skew)
            .filter_map(|ahead| Self::token(state, number, Self::honest_key(number), state.tick + ahead));
        // It does not leave the refresh to the last moment, when the token could expire under a retry.
        let last_moment = self.setting.mutation == Mutation::LastMoment;
        let in_time = |token: &Token| !first || last_moment || token.now + RETRY_WINDOW < token.expires_at;
        tokens.filter(in_time).collect()
    }

    fn steps_of_clients(&self, state: &State, next: &mut Vec<Step>) {
        let bounds = self.setting.bounds;
        if state.refreshes == bounds.refreshes || state.requests.len() == bounds.at_once {
            return;
        }
        if usize::from(state.session.number) + 1 < NUMBERS || state.holds < state.session.number {
            let tokens = self.honest_tokens(state).into_iter();
            next.extend(tokens.map(|token| Step::Refresh { honest: true, token }));
        }
        if self.setting.clients == Clients::Honest {
            return;
        }
        let newest = state.session.number;
        for number in 0..=newest {
            // The model has no room for a rotation of the last number.
            if usize::from(number) + 1 == NUMBERS {
                continue;
            }
            for key in [0, Self::honest_key(number), FOREIGN_KEY] {
                for ahead in 0..=bounds.skew {
                    let token = Self::token(state, number, key, state.tick + ahead);
                    next.extend(token.map(|token| Step::Refresh { honest: false, token }));
                }
            }
        }
    }

    fn steps_of_requests(&self, state: &State, next: &mut Vec<Step>) {
        for (n, request) in state.requests.iter().enumerate() {
            let number = request.token.number;
            match request.stage {
                Stage::Came => next.push(Step::Load(n, number)),
                Stage::Decided(loaded) => match self.decide(&loaded, true, &request.token) {
                    Decision::Reuse => self.push_write(state, n, number, next),
                    _ => next.push(Step::Snapshot(n, number)),
                },
                Stage::Waiting(_) => self.push_write(state, n, number, next),
                Stage::Answered(_) => next.push(Step::Deliver(n, number)),
            }
            next.push(Step::Die(n, number));
        }
    }

    /// The row lock is available as soon as no open transaction has written the row.
    fn push_write(&self, state: &State, n: usize, number: u8, next: &mut Vec<Step>) {
        let locked = state.cutting.is_some_and(|cutting| cutting.wrote);
        if !locked || self.setting.mutation == Mutation::CutsLeaveSessions {
            next.push(Step::Write(n, number));
        }
    }

    fn steps_of_users(&self, state: &State, next: &mut Vec<Step>) {
        match state.cutting {
            None if state.cuts < self.setting.bounds.cuts && state.user.active => {
                next.extend(self.setting.cuts.iter().map(|cut| match cut {
                    Cut::Logout => Step::WriteCut(*cut),
                    _ => Step::BeginCut(*cut),
                }));
            }
            None => {}
            Some(Cutting { cut, wrote: false }) => {
                next.extend([Step::WriteCut(cut), Step::RollBackCut(cut)]);
            }
            Some(Cutting { cut, wrote: true }) => {
                next.extend([Step::CommitCut(cut), Step::RollBackCut(cut)]);
            }
        }
        if self.setting.sign_in && !state.signed_in && state.user.active {
            next.push(Step::ReadPassword);
        }
        let user_held = state.cutting.is_some_and(|cutting| cutting.cut != Cut::Logout);
        if state.signing_in.is_some() && !user_held {
            next.push(Step::InsertSession);
        }
    }

    fn commit_cut(&self, state: &mut State, cut: Cut) {
        state.cutting = None;
        state.cuts += 1;
        if cut == Cut::Logout {
            state.session.ended = true;
            return;
        }
        let role = state.user.role();
        let before = state.user.generation;
        state.user.generation += 1;
        state.user.roles[usize::from(before + 1)] = role + u8::from(cut == Cut::RoleChange);
        state.user.hash += u8::from(matches!(cut, Cut::PasswordChange | Cut::PasswordReset));
        state.user.active = cut != Cut::Disable;
        if self.setting.mutation == Mutation::CutsLeaveSessions {
            return;
        }
        let after = state.user.generation;
        let lift = |row: &mut Row| {
            if !row.ended && row.generation >= before {
                row.generation = after;
            }
        };
        match cut {
            Cut::PasswordChange | Cut::RoleChange => lift(&mut state.session),
            _ => state.session.ended = true,
        }
        if let Some((row, _)) = &mut state.newer {
            match cut {
                Cut::RoleChange => lift(row),
                _ => row.ended = true,
            }
        }
    }

    fn insert_session(&self, state: &mut State) {
        let Some((hash, read)) = state.signing_in.take() else {
            return;
        };
        let late = self.setting.mutation == Mutation::SignInTakesTheNewGeneration;
        let generation = if late { state.user.generation } else { read };
        if state.user.active && state.user.generation == generation {
            let row = Row::begun(state.tick, generation, &self.setting.policy);
            state.newer = Some((row, hash));
        }
    }

    /// Without thieves, whatever the honest client may send now must get tokens at every node, as long as its session is active.
    fn honest_client_is_stuck(&self, state: &State) -> Option<String> {
        if self.setting.clients != Clients::Honest {
            return None;
        }
        let loaded = Loaded {
            row: state.session,
            generation: state.user.generation,
            role: 0,
        };
        let cut =
            state.session.ended || state.session.generation < state.user.generation || !state.user.active;
        let refused = |token: &Token| {
            let decision = self.decide(&loaded, state.user.active, token);
            let over = token.now >= state.session.refresh_expires_at;
            let tokens = matches!(decision, Decision::Rotate { .. } | Decision::Repeat { .. });
            (!cut && !over && !tokens).then(|| format!("an honest client is stuck: {decision:?}"))
        };
        self.honest_tokens(state).iter().find_map(refused)
    }
}

impl Model for RefreshModel {
    type State = State;
    type Step = Step;

    fn start(&self) -> State {
        let session = Row::begun(0, 0, &self.setting.policy);
        let mut given = [None; NUMBERS];
        given[0] = Some((session.rotated_at, session.refresh_expires_at));
        State {
            tick: 0,
            user: User {
                generation: 0,
                active: true,
                hash: 0,
                roles: [0; 4],
            },
            session,
            newer: None,
            signing_in: None,
            signed_in: false,
            requests: Vec::new(),
            refreshes: 0,
            cutting: None,
            cuts: 0,
            holds: 0,
            tries_since: None,
            given,
            access: session.access_until,
        }
    }

    fn steps(&self, state: &State, next: &mut Vec<Step>) {
        if state.tick < self.setting.bounds.ticks {
            next.push(Step::Tick);
        }
        self.steps_of_clients(state, next);
        self.steps_of_requests(state, next);
        self.steps_of_users(state, next);
    }

    fn apply(&self, before: &State, step: Step) -> Result<State, String> {
        let mut state = before.clone();
        match step {
            Step::Tick => state.tick += 1,
            Step::Refresh { honest, token } => {
                state.refreshes += 1;
                if honest {
                    state.tries_since = state.tries_since.or(Some(state.tick));
                }
                state.requests.push(Request {
                    honest,
                    token,
                    misses: 0,
                    stage: Stage::Came,
                });
            }
            Step::Load(n, _) => self.load(&mut state, n)?,
            Step::Snapshot(n, _) => {
                if let Stage::Decided(loaded) = state.requests[n].stage {
                    let same = self.row_is_same(&state.session, &loaded.row);
                    if same && self.user_is_same(&state.user, &loaded) {
                        state.requests[n].stage = Stage::Waiting(loaded);
                    } else {
                        Self::miss(&mut state, n);
                    }
                }
            }
            Step::Write(n, _) => self.write(&mut state, n)?,
            Step::Die(n, _) => drop(state.requests.remove(n)),
            Step::Deliver(n, _) => {
                if let Stage::Answered(number) = state.requests.remove(n).stage
                    && number > state.holds
                {
                    (state.holds, state.tries_since) = (number, None);
                }
            }
            Step::BeginCut(cut) => state.cutting = Some(Cutting { cut, wrote: false }),
            Step::WriteCut(cut) => state.cutting = Some(Cutting { cut, wrote: true }),
            Step::CommitCut(cut) => self.commit_cut(&mut state, cut),
            Step::RollBackCut(_) => state.cutting = None,
            Step::ReadPassword => {
                state.signing_in = Some((state.user.hash, state.user.generation));
                state.signed_in = true;
            }
            Step::InsertSession => self.insert_session(&mut state),
        }
        state.requests.sort_unstable();
        Ok(state)
    }

    fn violation(&self, state: &State) -> Option<String> {
        if state.access > state.session.access_until {
            return Some("an access token outlives what a revocation of its session covers".to_owned());
        }
        if let Some((row, hash)) = &state.newer
            && !row.ended
            && row.generation >= state.user.generation
            && *hash != state.user.hash
        {
            return Some("a sign-in that verified the old password lives after the reset".to_owned());
        }
        self.honest_client_is_stuck(state)
    }
}
