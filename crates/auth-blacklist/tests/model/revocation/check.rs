//! A check, through memory, Redis and the database, of a token whose revocation was answered. It must be refused or, if the database is
//! down, fail.

use super::{
    Mutation, clock,
    node::{At, Purpose, start_of},
    revocation_model::RevocationModel,
    state::{Row, State},
};
use auth_blacklist::protocol::Step as Next;
use auth_domain::revocation::Verdict;

impl RevocationModel {
    /// Whether a check that begins now at this node asks Redis. If not, it must be refused.
    pub(super) fn check_begins(&self, state: &State, n: usize) -> Result<bool, String> {
        let node = &state.nodes[n];
        let (copy, at) = (node.copy(self.revocation), start_of(state.tick));
        match self.policy.first(&copy, &self.token, at, clock(state.tick)) {
            Next::AskRedis => Ok(true),
            Next::Answer(verdict) => refused(n, verdict, "memory").map(|()| false),
            Next::AskDatabase => self.ask_database(state, n, false).map(|()| false),
        }
    }

    /// The database has every answered revocation. If it can't be asked, the token must not be accepted either.
    fn ask_database(&self, state: &State, n: usize, redis: bool) -> Result<(), String> {
        let copy = state.nodes[n].copy(self.revocation);
        let (at, now) = (start_of(state.tick), clock(state.tick));
        let known = self.facts(redis);
        let visible = self.facts(matches!(state.row, Row::Visible { .. }));
        let end = |database| {
            self.policy
                .after_database(&copy, &self.token, known, database, at, now)
        };
        match end(Some(visible)) {
            Ok(verdict) => refused(n, verdict, "the database")?,
            Err(_) => return Err(format!("node {n}: a check fails though the database was asked")),
        }
        end(None).map_or(Ok(()), |verdict| refused(n, verdict, "a database that is down"))
    }

    pub(super) fn hear(&self, state: &mut State, n: usize) -> Result<(), String> {
        let (tick, mutation) = (state.tick, self.setting.mutation);
        let node = &mut state.nodes[n];
        let Some(asked) = node.asking.take() else {
            return Ok(());
        };
        let Some((row, name)) = asked.answer else {
            return Ok(());
        };
        let now = At::now(tick);
        match asked.purpose {
            Purpose::Connecting => {
                node.connection = Some(match mutation {
                    Mutation::NewConnectionBelieved => At::default(),
                    _ => now,
                });
                node.note(name, now);
            }
            Purpose::Probe | Purpose::Plant => node.note(name, now),
            Purpose::Check => {
                let reply = node.reply(asked, self.facts(row), name, now);
                let copy = node.copy(self.revocation);
                match self.policy.after_redis(&copy, &self.token, reply) {
                    Next::Answer(verdict) => refused(n, verdict, "Redis")?,
                    Next::AskRedis | Next::AskDatabase => self.ask_database(state, n, row)?,
                }
            }
        }
        Ok(())
    }
}

fn refused(n: usize, verdict: Verdict, by: &str) -> Result<(), String> {
    match verdict {
        Verdict::Valid => Err(format!(
            "node {n} accepts a token whose revocation was answered: {by} decided"
        )),
        Verdict::AllSessionsRevoked | Verdict::Revoked => Ok(()),
    }
}
