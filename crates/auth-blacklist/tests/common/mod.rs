//! Shared by the suites: a database in memory, tokens and revocations.

use auth_blacklist::{Blacklist, Clock, RevocationBatch, RevocationSource, SourceUnavailable};
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

/// A database in memory that can be made unavailable, and that counts the checks of tokens.
#[derive(Default)]
pub(crate) struct Ledger {
    rows: Mutex<Vec<(Revocation, Timestamp)>>,
    unavailable: AtomicBool,
    asked: AtomicU64,
}

impl Ledger {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Commits the revocations and announces them.
    pub(crate) async fn revoke(&self, node: &Blacklist, revocations: &[Revocation]) {
        let now = Utc::now();
        self.rows
            .lock()
            .unwrap()
            .extend(revocations.iter().map(|revocation| (*revocation, now)));
        node.announce(revocations).await;
    }

    pub(crate) fn set_unavailable(&self, unavailable: bool) {
        self.unavailable.store(unavailable, Ordering::SeqCst);
    }

    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    fn current_rows(&self) -> Result<Vec<(Revocation, Timestamp)>, SourceUnavailable> {
        let now = Utc::now();
        if self.unavailable.load(Ordering::SeqCst) {
            return Err(SourceUnavailable);
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

impl RevocationSource for Ledger {
    fn revocations_since(
        &self,
        after: Option<Timestamp>,
    ) -> BoxFuture<'_, Result<RevocationBatch, SourceUnavailable>> {
        async move {
            let mut revocations = self.current_rows()?;
            revocations.retain(|(_, recorded_at)| after.is_none_or(|after| *recorded_at > after));
            Ok(RevocationBatch {
                revocations,
                database_now: Utc::now(),
            })
        }
        .boxed()
    }

    fn facts(&self, token: TokenRef) -> BoxFuture<'_, Result<RevocationFacts, SourceUnavailable>> {
        async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let mut facts = RevocationFacts::default();
            for (revocation, _) in self.current_rows()? {
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

/// An id that no other test uses.
pub(crate) fn new_id() -> Uuid {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    Uuid::from_bytes(bytes)
}

/// A token of a new session of a new user.
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
