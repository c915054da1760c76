//! Every possible step of the model, and the promises that hold in every state.

use super::{
    Bounds, Mutation, Setting, TICK, Target, Topology, clock, config,
    node::{Asking, At, Node, Purpose, Reading, SentinelId},
    state::{Answer, Redis, Row, State},
    steps::Step,
};
use crate::search::Model;
use auth_blacklist::{config::LONGEST_WRITE, protocol::Policy};
use auth_domain::{
    ids::{SessionId, TokenId, UserId},
    revocation::{Revocation, RevocationFacts, Revoked, TokenRef},
    time::Span,
    user::Generation,
};
use std::time::Duration;
use uuid::Uuid;

/// The model of revocation.
pub(crate) struct RevocationModel {
    pub(super) setting: Setting,
    pub(super) policy: Policy,
    pub(super) wait: Duration,
    pub(super) look_back: Duration,
    pub(super) revocation: Revocation,
    pub(super) token: TokenRef,
}

impl RevocationModel {
    pub(crate) fn new(setting: Setting) -> Self {
        let id = Uuid::from_u128(7);
        let (session, user) = (SessionId::from_uuid(id), UserId::from_uuid(id));
        let what = match setting.what {
            Target::Session => Revoked::Session(session),
            Target::Generation => Revoked::User(user, Generation::FIRST.raised()),
        };
        let config = config();
        Self {
            policy: Policy {
                max_staleness: match setting.mutation {
                    Mutation::StalenessIgnored => Duration::MAX,
                    _ => config.max_staleness,
                },
                serve_stale: config.serve_stale,
                redis: setting.redis,
            },
            wait: match setting.mutation {
                Mutation::AnswersNotHeldBack => Duration::ZERO,
                Mutation::AnswersATickEarly => config.max_staleness,
                _ => config.known_everywhere_within(),
            },
            look_back: match setting.mutation {
                Mutation::NoLookBack => Duration::ZERO,
                _ => config.look_back,
            },
            revocation: Revocation::new(what, clock(u8::MAX), Span::zero()),
            token: TokenRef {
                token: TokenId::from_uuid(id),
                session,
                user,
                generation: Generation::FIRST,
            },
            setting,
        }
    }

    fn bounds(&self) -> Bounds {
        self.setting.bounds
    }

    pub(super) fn facts(&self, known: bool) -> RevocationFacts {
        let what = self.revocation.what;
        RevocationFacts {
            token: false,
            session: known && matches!(what, Revoked::Session(_)),
            least: match what {
                Revoked::User(_, least) if known => Some(least),
                _ => None,
            },
        }
    }

    /// The node that revokes; `None`: one of the other nodes.
    fn revoker(&self) -> Option<usize> {
        (self.setting.topology != Topology::OneAmongMany).then_some(0)
    }

    /// The answer of Redis: whether it has the row, and its sentinel.
    fn said(&self, redis: Redis) -> (bool, SentinelId) {
        match self.setting.mutation {
            Mutation::SentinelIgnored => (redis.row, 1),
            _ => (redis.row, redis.sentinel),
        }
    }

    fn steps_of_the_revocation(&self, state: &State, next: &mut Vec<Step>) {
        let early = self.setting.mutation == Mutation::AnnouncedBeforeTheCommit;
        match state.row {
            Row::NotYet => next.push(Step::Record),
            Row::Recorded { .. } => next.extend([Step::Commit, Step::RollBack]),
            Row::Visible { .. } | Row::RolledBack => {}
        }
        let known =
            matches!(state.row, Row::Visible { .. }) || (early && matches!(state.row, Row::Recorded { .. }));
        match state.answer {
            Answer::NotYet if known => next.push(Step::Announce),
            Answer::Announced { at, written } => {
                let reached = self.revoker().is_none_or(|n| state.nodes[n].connection.is_some());
                if self.setting.redis && (!written || !state.redis.row) && reached {
                    next.push(Step::Write);
                }
                if written || (self.setting.redis && self.setting.mutation == Mutation::WritesNotAwaited) {
                    next.push(Step::HearOfTheWrite);
                }
                if u32::from(state.tick - at) * TICK >= self.wait {
                    next.push(Step::AnswerAfterTheWait);
                }
            }
            _ => {}
        }
    }

    fn steps_of_a_node(&self, state: &State, n: usize, next: &mut Vec<Step>) {
        let node = &state.nodes[n];
        match node.reading {
            None => next.push(Step::BeginRead(n)),
            Some(_) => next.extend([Step::EndRead(n), Step::FailRead(n)]),
        }
        if state.faults < self.bounds().faults {
            next.push(Step::Die(n));
        }
        if !self.setting.redis {
            return;
        }
        match (node.asking, node.connection) {
            (Some(Asking { answer: None, .. }), _) => next.push(Step::RedisAnswers(n)),
            (Some(_), _) => next.push(Step::Hear(n)),
            (None, None) => next.push(Step::Connect(n)),
            (None, Some(_)) => {
                next.push(Step::Ask(n, Purpose::Probe));
                let may_plant = state.redis.sentinel != 0 || state.redis.made < self.bounds().sentinels;
                if node.sentinel_seen.is_none() && node.last_read.is_some() && may_plant {
                    next.push(Step::Ask(n, Purpose::Plant));
                }
                if state.answer == Answer::Given && self.check_begins(state, n) == Ok(true) {
                    next.push(Step::Ask(n, Purpose::Check));
                }
            }
        }
        if node.connection.is_some() && state.faults < self.bounds().faults {
            next.push(Step::Drop(n));
        }
    }

    fn restart(&self, state: &mut State, name: SentinelId, row: bool) {
        (state.redis.sentinel, state.redis.row) = (name, row);
        if self.setting.mutation == Mutation::ReconnectsHidden {
            return;
        }
        for node in &mut state.nodes {
            node.connection = None;
            // An answer that was on its way may still arrive.
            node.asking = node.asking.filter(|asking| asking.answer.is_some());
        }
    }
}

impl Model for RevocationModel {
    type State = State;
    type Step = Step;

    fn start(&self) -> State {
        State {
            tick: 0,
            faults: 0,
            row: Row::NotYet,
            answer: Answer::NotYet,
            redis: Redis::default(),
            nodes: vec![
                Node::default();
                if self.setting.topology == Topology::Two {
                    2
                } else {
                    1
                }
            ],
        }
    }

    fn steps(&self, state: &State, next: &mut Vec<Step>) {
        // The revocation will never be answered.
        if state.row == Row::RolledBack || state.answer == Answer::Never {
            return;
        }
        let overdue = match state.row {
            Row::Recorded { at } => u32::from(state.tick + 1 - at) * TICK > LONGEST_WRITE,
            _ => false,
        };
        if state.tick < self.bounds().ticks
            && (!overdue || self.setting.mutation == Mutation::WritesUnbounded)
        {
            next.push(Step::Tick);
        }
        self.steps_of_the_revocation(state, next);
        for n in 0..state.nodes.len() {
            self.steps_of_a_node(state, n, next);
        }
        if !self.setting.redis {
            return;
        }
        if self.setting.topology == Topology::OneAmongMany
            && state.redis.sentinel == 0
            && state.redis.made < self.bounds().sentinels
        {
            next.push(Step::OthersPlant);
        }
        if state.faults < self.bounds().faults {
            if state.redis.row || state.redis.sentinel != 0 {
                next.push(Step::Flush);
            }
            if state.redis.row && self.setting.mutation == Mutation::EntriesEvicted {
                next.push(Step::Evict);
            }
            // Any earlier sentinel, with at most the current rows: more rows could only cause refusals.
            for name in 0..=state.redis.made {
                next.push(Step::Restart(name, false));
                if state.redis.row {
                    next.push(Step::Restart(name, true));
                }
            }
        }
    }

    fn apply(&self, before: &State, step: Step) -> Result<State, String> {
        let mut state = before.clone();
        let (tick, mutation) = (state.tick, self.setting.mutation);
        match step {
            Step::Tick => state.tick += 1,
            Step::Record => state.row = Row::Recorded { at: tick },
            Step::Commit => {
                if let Row::Recorded { at } = state.row {
                    state.row = Row::Visible { recorded_at: at };
                }
            }
            Step::RollBack => state.row = Row::RolledBack,
            Step::Announce => {
                if let Some(n) = self.revoker() {
                    state.nodes[n].knows = true;
                }
                state.answer = match self.setting.topology {
                    Topology::Alone => Answer::Given,
                    _ => Answer::Announced {
                        at: tick,
                        written: false,
                    },
                };
            }
            Step::Write => {
                state.redis.row = true;
                if let Answer::Announced { written, .. } = &mut state.answer {
                    *written = true;
                }
            }
            Step::HearOfTheWrite | Step::AnswerAfterTheWait => state.answer = Answer::Given,
            Step::BeginRead(n) => {
                let after = state.nodes[n].reads_after(self.look_back);
                let row = match state.row {
                    Row::Visible { recorded_at } => after.is_none_or(|after| clock(recorded_at) >= after),
                    _ => false,
                };
                let began = At::now(tick);
                state.nodes[n].reading = Some(Reading { began, row });
            }
            Step::EndRead(n) => {
                if let Some(read) = state.nodes[n].reading {
                    let late = mutation == Mutation::ReadsCountFromTheirEnd;
                    let began = if late { At::now(tick) } else { read.began };
                    state.nodes[n].end_read(read, began);
                }
            }
            Step::FailRead(n) if mutation == Mutation::FailedReadsCount => {
                if let Some(read) = state.nodes[n].reading {
                    state.nodes[n].end_read(Reading { row: false, ..read }, read.began);
                }
            }
            Step::FailRead(n) => state.nodes[n].reading = None,
            Step::Connect(n) => {
                let answer = Some((false, self.said(state.redis).1));
                state.nodes[n].asking = Some(Asking {
                    purpose: Purpose::Connecting,
                    made: At::now(tick),
                    answer,
                });
            }
            Step::Ask(n, purpose) => {
                if purpose == Purpose::Plant {
                    state.redis.plant(mutation);
                }
                let answer = (purpose != Purpose::Check).then(|| (false, self.said(state.redis).1));
                let made = state.nodes[n].connection.unwrap_or_default();
                state.nodes[n].asking = Some(Asking {
                    purpose,
                    made,
                    answer,
                });
            }
            Step::RedisAnswers(n) => {
                let answer = self.said(state.redis);
                if let Some(asking) = &mut state.nodes[n].asking {
                    asking.answer = Some(answer);
                }
            }
            Step::Hear(n) => self.hear(&mut state, n)?,
            Step::OthersPlant => state.redis.plant(mutation),
            Step::Evict => state.redis.row = false,
            Step::Flush => (state.redis.row, state.redis.sentinel) = (false, 0),
            Step::Restart(name, row) => self.restart(&mut state, name, row),
            Step::Drop(n) => {
                state.nodes[n].connection = None;
                let asking = state.nodes[n].asking.take();
                state.nodes[n].asking = asking.filter(|asking| asking.answer.is_some());
            }
            Step::Die(n) => {
                state.nodes[n] = Node::default();
                if self.revoker() == Some(n) && matches!(state.answer, Answer::Announced { .. }) {
                    state.answer = Answer::Never;
                }
            }
        }
        if matches!(
            step,
            Step::Flush | Step::Evict | Step::Restart(..) | Step::Drop(_) | Step::Die(_)
        ) {
            state.faults += 1;
        }
        state.nodes.iter_mut().for_each(Node::normalise);
        Ok(state)
    }

    fn violation(&self, state: &State) -> Option<String> {
        let committed = matches!(state.row, Row::Visible { .. });
        if !committed && (state.redis.row || state.nodes.iter().any(|node| node.knows)) {
            return Some(
                "a valid token is refused: a copy has a revocation that was not committed".to_owned(),
            );
        }
        if state.answer != Answer::Given {
            return None;
        }
        (0..state.nodes.len()).find_map(|n| self.check_begins(state, n).err())
    }
}
