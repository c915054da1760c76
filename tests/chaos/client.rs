//! The client of one account: the tokens that it holds, and the calls whose outcome it does not know.

use crate::{
    oracle::{Call, History, Op, Outcome},
    reading::Reply,
};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use std::{collections::BTreeMap, sync::Mutex};
use tests::{Client, PASSWORD};

/// How many of a session's access tokens are kept to be tried again.
const KEPT: usize = 2;
/// An account that has signed in this often is used no further: a user's hundred-and-first session would end the oldest.
const MOST_SIGN_INS: u32 = 60;

/// The client of one account.
pub(crate) struct AccountClient {
    pub(crate) email: String,
    pub(crate) history: Mutex<History>,
    pub(crate) held: Vec<SessionTokens>,
    sign_ins: u32,
}

/// The tokens of one session.
pub(crate) struct SessionTokens {
    pub(crate) session: Call,
    sid: String,
    access: Vec<String>,
    refresh: BTreeMap<u32, String>,
    /// A refresh whose answer was lost: what it presented, and its key.
    pub(crate) lost: Option<(u32, Option<u64>)>,
    /// The newest refresh that was answered: what it presented, and its key.
    pub(crate) last: Option<(u32, u64)>,
    /// The client considers the session to be over.
    pub(crate) over: bool,
}

impl SessionTokens {
    /// The number of the newest refresh token.
    pub(crate) fn newest(&self) -> u32 {
        self.refresh.last_key_value().map_or(0, |(number, _)| *number)
    }

    /// Whether an older refresh token is at hand.
    pub(crate) fn has(&self, number: u32) -> bool {
        self.refresh.contains_key(&number)
    }
}

impl AccountClient {
    /// The client of an account that is not registered yet.
    pub(crate) fn new(email: String) -> Self {
        Self {
            history: Mutex::new(History::new(&email)),
            email,
            held: Vec::new(),
            sign_ins: 0,
        }
    }

    /// Whether this account may sign in again.
    pub(crate) fn may_sign_in(&self) -> bool {
        self.sign_ins < MOST_SIGN_INS
    }

    /// Whether only calls that leave no trace should be made.
    pub(crate) fn is_uncertain(&self) -> bool {
        self.history.lock().unwrap().is_uncertain()
    }

    /// The session that a call began.
    pub(crate) fn held(&self, session: Call) -> &SessionTokens {
        self.held.iter().find(|held| held.session == session).unwrap()
    }

    /// The id of a session, as its tokens have it.
    pub(crate) fn sid(&self, session: Call) -> &str {
        &self.held(session).sid
    }

    /// The request of a call. `pick` chooses among a session's access tokens.
    pub(crate) fn request(&self, client: &Client, op: &Op, pick: usize) -> RequestBuilder {
        let bearer = |session: Call| {
            let access = &self.held(session).access;
            client.with_bearer(&access[pick % access.len()])
        };
        let with_refresh = |path: &str, session: Call, number: u32| {
            let body = json!({ "refresh_token": self.held(session).refresh[&number] });
            client.request(Method::POST, path).json(&body)
        };
        match op {
            Op::Register { name } => {
                let body = json!({ "email": self.email, "password": PASSWORD, "name": name });
                client.request(Method::POST, "/register").json(&body)
            }
            Op::Login => {
                let body = json!({ "email": self.email, "password": PASSWORD });
                client.request(Method::POST, "/login").json(&body)
            }
            Op::Refresh { session, number, key } => {
                let request = with_refresh("/refresh", *session, *number);
                match key {
                    Some(key) => request.header("Idempotency-Key", format!("{key:032x}")),
                    None => request,
                }
            }
            Op::LogoutByRefresh { session } => {
                with_refresh("/logout", *session, self.held(*session).newest())
            }
            Op::Logout { session } => bearer(*session).request(Method::POST, "/logout"),
            Op::LogoutAll { by } => bearer(*by).request(Method::POST, "/logout-all"),
            Op::EndSession { by, session } => {
                let path = format!("/sessions/{}", self.sid(*session));
                bearer(*by).request(Method::DELETE, &path)
            }
            Op::Rename { by, name } => {
                let body = json!({ "name": name });
                bearer(*by).request(Method::PATCH, "/me").json(&body)
            }
            Op::Me { by } => bearer(*by).request(Method::GET, "/me"),
            Op::Verify { by } => bearer(*by).request(Method::GET, "/verify"),
        }
    }

    /// Updates the tokens by an answer. `None`: no answer came.
    pub(crate) fn learns(&mut self, call: Call, op: &Op, reply: Option<Reply>) {
        if matches!(op, Op::Login | Op::Register { .. }) {
            self.sign_ins += 1;
        }
        let Some(reply) = reply else {
            if let Op::Refresh { session, number, key } = op
                && let Some(held) = self.find(*session)
            {
                held.lost = Some((*number, *key));
            }
            return;
        };
        match (op, &reply.answered.outcome) {
            (Op::Register { .. } | Op::Login, Outcome::SignedIn) => {
                if let Some((pair, access)) = reply.answered.pair.zip(reply.access) {
                    self.held.push(SessionTokens {
                        session: call,
                        sid: pair.sid,
                        access: vec![access],
                        refresh: BTreeMap::from([(pair.number, pair.refresh)]),
                        lost: None,
                        last: None,
                        over: false,
                    });
                }
            }
            (Op::Refresh { session, number, key }, Outcome::Pair(_)) => {
                let tokens = reply.answered.pair.zip(reply.access);
                if let (Some(held), Some((pair, access))) = (self.find(*session), tokens) {
                    held.refresh.insert(pair.number, pair.refresh);
                    held.access.push(access);
                    if held.access.len() > KEPT {
                        held.access.remove(0);
                    }
                    held.lost = None;
                    held.last = key.map(|key| (*number, key));
                }
            }
            (Op::Refresh { session, .. }, Outcome::AlreadyUsed) => {
                if let Some(held) = self.find(*session) {
                    held.lost = None;
                }
            }
            (Op::LogoutAll { .. }, Outcome::Ended) => {
                for held in &mut self.held {
                    held.over = true;
                }
            }
            (
                Op::Logout { session } | Op::LogoutByRefresh { session } | Op::EndSession { session, .. },
                Outcome::Ended,
            ) => self.is_over(*session),
            (_, Outcome::Revoked | Outcome::Cut) => {
                if let Some(session) = op.presents() {
                    self.is_over(session);
                }
            }
            _ => {}
        }
    }

    fn is_over(&mut self, session: Call) {
        if let Some(held) = self.find(session) {
            held.over = true;
        }
    }

    fn find(&mut self, session: Call) -> Option<&mut SessionTokens> {
        self.held.iter_mut().find(|held| held.session == session)
    }
}
