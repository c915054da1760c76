//! Where time and chance come from. Both are handed in, so that a test holds them in its hand.

use crate::authenticate::Principal;
use auth_domain::{
    audit::Actor,
    session::Origin,
    time::{Timestamp, to_micros},
};
use auth_storage::{Author, Held};
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use std::sync::atomic::{AtomicI64, Ordering};

/// Tells the time. Read once a request, at the edge.
pub trait Clock: Send + Sync {
    /// Now, to the microsecond. Never earlier than what it said before.
    fn now(&self) -> Timestamp;
}

/// The machine's clock, kept from running backwards: a step back holds it still until the time is reached again.
#[derive(Debug, Default)]
pub struct SystemClock {
    latest: AtomicI64,
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let read = Utc::now().timestamp_micros();
        let latest = self.latest.fetch_max(read, Ordering::Relaxed).max(read);
        DateTime::from_timestamp_micros(latest).unwrap_or_else(|| to_micros(Utc::now()))
    }
}

/// The system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no random bytes")]
pub struct EntropyFailed;

/// Gives random bytes, fit for secrets.
pub trait Entropy: Send + Sync {
    /// Fills the buffer.
    ///
    /// # Errors
    /// [`EntropyFailed`] if there are none to be had.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyFailed>;
}

/// The operating system's random bytes.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyFailed> {
        getrandom::fill(buffer).map_err(|_| EntropyFailed)
    }
}

/// `N` random bytes.
///
/// # Errors
/// [`EntropyFailed`] if there are none to be had.
pub(crate) fn chance<const N: usize>(entropy: &dyn Entropy) -> Result<[u8; N], EntropyFailed> {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}

/// Who calls, when and from where: read once at the edge and handed down. It is what the audit log says of a change.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The moment of the request.
    pub now: Timestamp,
    /// Who it is, as far as that is proved.
    pub actor: Actor,
    /// Where it came from.
    pub origin: Origin,
    /// The request's id.
    pub request_id: Option<String>,
    /// The session and generation of a signed-in user, which have to hold still when something is changed.
    pub held: Option<Held>,
    /// The device token that it showed, if any.
    pub device: Option<SecretString>,
}

impl Caller {
    /// Whoever runs the command line.
    #[must_use]
    pub fn operator(now: Timestamp) -> Self {
        Self::without_request(now, Actor::Operator)
    }

    /// The service itself.
    #[must_use]
    pub(crate) fn service(now: Timestamp) -> Self {
        Self::without_request(now, Actor::Service)
    }

    fn without_request(now: Timestamp, actor: Actor) -> Self {
        Self {
            now,
            actor,
            origin: Origin::new(None, None),
            request_id: None,
            held: None,
            device: None,
        }
    }

    /// The caller as the author of a change.
    pub(crate) fn author(&self, entropy: &dyn Entropy) -> Result<Author, EntropyFailed> {
        Ok(Author {
            actor: self.actor,
            ip: self.origin.ip,
            request_id: self.request_id.clone(),
            held: self.held,
            seed: chance(entropy)?,
        })
    }

    /// The same caller, who has proved who it is.
    #[must_use]
    pub fn proved(self, actor: Actor) -> Self {
        Self { actor, ..self }
    }

    /// The same caller, signed in.
    #[must_use]
    pub fn signed_in(self, principal: &Principal) -> Self {
        Self {
            actor: Actor::User(principal.user()),
            held: Some(Held {
                session: principal.session(),
                generation: principal.claims.generation,
            }),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_never_runs_backwards() {
        let clock = SystemClock::default();
        let ahead = Utc::now() + chrono::TimeDelta::hours(1);
        clock.latest.store(ahead.timestamp_micros(), Ordering::Relaxed);
        assert!(clock.now() >= to_micros(ahead));
    }
}
