//! What the suites share: a database in memory, and things to revoke.

use auth_blacklist::{Batch, Blacklist, Clock, Truth, TruthUnavailable};
use auth_domain::{
    ids::{SessionId, TokenId, UserId},
    revocation::{Revocation, RevocationFacts, Revoked, TokenRef},
    time::{Span, Timestamp},
    user::Generation,
};
use chrono::Utc;
use futures::{FutureExt, future::BoxFuture};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};
use uuid::Uuid;

/// A database in memory that can be made unreachable, and that counts how often it was asked about a token.
#[derive(Default)]
pub(crate) struct Ledger {
    rows: Mutex<Vec<(Revocation, Timestamp)>>,
    gone: AtomicBool,
    asked: AtomicU64,
}

impl Ledger {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Commits and announces: when it returns, the revocation is answered.
    pub(crate) async fn revoke(&self, node: &Blacklist, revocations: &[Revocation]) {
        let now = Utc::now();
        self.rows
            .lock()
            .unwrap()
            .extend(revocations.iter().map(|revocation| (*revocation, now)));
        node.announce(revocations).await;
    }

    pub(crate) fn set_gone(&self, gone: bool) {
        self.gone.store(gone, Ordering::SeqCst);
    }

    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    fn reach(&self) -> Result<Vec<(Revocation, Timestamp)>, TruthUnavailable> {
        let now = Utc::now();
        if self.gone.load(Ordering::SeqCst) {
            return Err(TruthUnavailable);
        }
        Ok(self
            .rows
            .lock()
            .unwrap()
            .iter()
            .filter(|(revocation, _)| revocation.until > now)
            .copied()
            .collect())
    }
}

impl Truth for Ledger {
    fn revocations_since(&self, after: Option<Timestamp>) -> BoxFuture<'_, Result<Batch, TruthUnavailable>> {
        async move {
            let mut revocations = self.reach()?;
            revocations.retain(|(_, recorded_at)| after.is_none_or(|after| *recorded_at > after));
            Ok(Batch {
                revocations,
                database_now: Utc::now(),
            })
        }
        .boxed()
    }

    fn facts(&self, token: TokenRef) -> BoxFuture<'_, Result<RevocationFacts, TruthUnavailable>> {
        async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let mut facts = RevocationFacts::default();
            for (revocation, _) in self.reach()? {
                match revocation.what {
                    Revoked::Token(id) => facts.token |= id == token.token,
                    Revoked::Session(id) => facts.session |= id == token.session,
                    Revoked::User(id, least) if id == token.user => {
                        facts.least = facts.least.max(Some(least));
                    }
                    Revoked::User(..) => {}
                }
            }
            Ok(facts)
        }
        .boxed()
    }
}

/// Ids that no other test uses.
pub(crate) fn new_id() -> Uuid {
    let mut chance = [0; 16];
    getrandom::fill(&mut chance).unwrap();
    Uuid::from_bytes(chance)
}

/// A token of a session and a user of its own.
pub(crate) fn new_token() -> TokenRef {
    TokenRef {
        token: TokenId::from_uuid(new_id()),
        session: SessionId::from_uuid(new_id()),
        user: UserId::from_uuid(new_id()),
        generation: Generation::FIRST,
    }
}

/// Another token of the same session.
pub(crate) fn sibling(of: TokenRef) -> TokenRef {
    TokenRef {
        token: TokenId::from_uuid(new_id()),
        ..of
    }
}

pub(crate) fn revocation(what: Revoked) -> Revocation {
    revocation_for(what, Span::hours(1))
}

pub(crate) fn revocation_for(what: Revoked, length: Span) -> Revocation {
    Revocation {
        what,
        until: Utc::now() + length,
    }
}

pub(crate) fn real_clock() -> Clock {
    Arc::new(Utc::now)
}
