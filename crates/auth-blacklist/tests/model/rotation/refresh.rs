//! A refresh as storage runs it: load, decide, guarded write. The check of its result follows docs/rules.md §3 and not the code that
//! decided.

use super::{
    Clients, Mutation, RETRY_WINDOW,
    refresh_model::{Loaded, RefreshModel, Request, Stage, State},
    rows::{Row, User, clock, ticks},
};
use auth_domain::rotation::{Decision, OnConcurrent};

/// How often a refresh is decided again after its guard failed, as in storage.
const RETRIES: u8 = 3;

impl RefreshModel {
    pub(super) fn load(&self, state: &mut State, n: usize) -> Result<(), String> {
        let request = state.requests[n];
        let loaded = Loaded {
            row: state.session,
            generation: state.user.generation,
            role: state.user.role(),
        };
        let decision = self.decide(&loaded, state.user.active, &request.token);
        let older = request.token.number + 1 < loaded.row.number;
        match decision {
            Decision::Rotate { .. } | Decision::Repeat { .. } | Decision::Reuse => {
                if older && decision != Decision::Reuse {
                    return Err(format!("token {} is older, and no reuse", request.token.number));
                }
                state.requests[n].stage = Stage::Decided(loaded);
            }
            Decision::AlreadyUsed if older => {
                return Err(format!("token {} is older, and no reuse", request.token.number));
            }
            Decision::AlreadyUsed | Decision::Invalid if self.is_honest(&request) => {
                return Err(format!("an honest client is refused: {decision:?}"));
            }
            _ => drop(state.requests.remove(n)),
        }
        Ok(())
    }

    /// Whether the request is of an honest client and there are no thieves, so that it must succeed.
    fn is_honest(&self, request: &Request) -> bool {
        request.honest && self.setting.clients == Clients::Honest
    }

    /// Whether the guards on the session's row hold, except those that the mistake leaves out.
    pub(super) fn row_is_same(&self, row: &Row, from: &Row) -> bool {
        let mutation = self.setting.mutation;
        let any = mutation == Mutation::Unguarded;
        let number = row.number == from.number || any || mutation == Mutation::NumberUnguarded;
        let generation =
            row.generation == from.generation || any || mutation == Mutation::GenerationUnguarded;
        let lives = !row.ended || any || mutation == Mutation::EndUnguarded;
        number && generation && lives
    }

    pub(super) fn user_is_same(&self, user: &User, loaded: &Loaded) -> bool {
        let unguarded = matches!(
            self.setting.mutation,
            Mutation::Unguarded | Mutation::UserUnguarded
        );
        unguarded || (user.active && user.generation == loaded.generation)
    }

    pub(super) fn miss(state: &mut State, n: usize) {
        let request = &mut state.requests[n];
        request.misses += 1;
        request.stage = Stage::Came;
        if request.misses > RETRIES {
            // 503: the client may try again.
            state.requests.remove(n);
        }
    }

    pub(super) fn write(&self, state: &mut State, n: usize) -> Result<(), String> {
        let request = state.requests[n];
        let (Stage::Decided(loaded) | Stage::Waiting(loaded)) = request.stage else {
            return Ok(());
        };
        let decision = self.decide(&loaded, true, &request.token);
        let Some(mut to) = loaded.row.carried_out(decision, &request.token) else {
            return self.end_reused(state, n);
        };
        if !self.row_is_same(&state.session, &loaded.row) {
            Self::miss(state, n);
            return Ok(());
        }
        let before = state.session;
        // The update does not change these columns.
        (to.generation, to.ended) = (before.generation, before.ended);
        if self.setting.mutation != Mutation::AccessUntilOverwritten {
            to.access_until = to.access_until.max(before.access_until);
        }
        if matches!(decision, Decision::Repeat { .. }) && self.setting.mutation == Mutation::RepeatExtends {
            to.rotated_at = request.token.now;
        }
        if before.ended || before.generation < state.user.generation || !state.user.active {
            return Err("a refresh in flight revives what was ended or cut".to_owned());
        }
        state.session = to;
        self.check_tokens(state, &request, decision, &loaded)?;
        if request.honest {
            state.requests[n].stage = Stage::Answered(to.number);
        } else {
            state.requests.remove(n);
        }
        Ok(())
    }

    fn end_reused(&self, state: &mut State, n: usize) -> Result<(), String> {
        let request = state.requests[n];
        if self.is_honest(&request) {
            return Err("an honest client's refresh is taken for a reuse".to_owned());
        }
        if request.token.number >= state.session.number {
            return Err("a reuse of the current token".to_owned());
        }
        if state.session.ended {
            Self::miss(state, n);
            return Ok(());
        }
        state.session.ended = self.setting.mutation != Mutation::ReuseSpares;
        state.requests.remove(n);
        if state.session.ended {
            Ok(())
        } else {
            Err("a used token came back, and its session lives".to_owned())
        }
    }

    /// Checks the tokens of a Rotate or a Repeat against docs/rules.md §3, independently of the code that decided.
    fn check_tokens(
        &self,
        state: &mut State,
        request: &Request,
        decision: Decision,
        loaded: &Loaded,
    ) -> Result<(), String> {
        let (token, row, policy) = (request.token, state.session, self.setting.policy);
        if row.number != token.number + 1 {
            return Err(format!("token {} is followed by {}", token.number, row.number));
        }
        let known = &mut state.given[usize::from(row.number)];
        let is = (row.rotated_at, row.refresh_expires_at);
        if matches!(decision, Decision::Rotate { .. }) {
            if known.is_some() {
                return Err(format!("a fork: token {} was rotated twice", token.number));
            }
            *known = Some(is);
        } else {
            let Some((issued, _)) = known.filter(|known| *known == is) else {
                return Err("a Repeat is not the same token, byte for byte".to_owned());
            };
            let since = token.now.saturating_sub(issued);
            let retry = token.key != 0 && token.key == row.key && since <= RETRY_WINDOW;
            let concurrent = policy.on_concurrent == OnConcurrent::Repeat
                && !policy.reuse_leeway.is_zero()
                && i64::from(since) * 10 <= policy.reuse_leeway.num_seconds();
            if !retry && !concurrent {
                return Err("a Repeat for another key, or after its window".to_owned());
            }
        }
        let at = clock(token.now);
        let expiry = policy.lifetimes.access_expiry(clock(row.refresh_expires_at), at);
        state.access = state.access.max(ticks(expiry));
        if loaded.role != state.user.roles[usize::from(row.generation)] {
            return Err("an access token names a role that its generation never had".to_owned());
        }
        Ok(())
    }
}
