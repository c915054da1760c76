//! A seal closes a batch of events: its MAC covers the batch, the time of the seal and the seal before it.
//!
//! A MAC covers everything that verification relies on: the rows with their times and ids, their count, the time of the seal,
//! its place in the chain ([`sealed_bytes`]), and which seal is the newest ([`ChainHead`]).

use super::AuditEvent;
use crate::time::{Span, Timestamp, after};

/// How much older than the seal before a row may be, and how long it may wait for its seal: a request that is given up after
/// 30 s, a writing transaction of 10 s, two clocks that are 2 s off each, and a margin.
pub const LONGEST_WRITE: Span = Span::seconds(60);

/// How the MAC of a seal is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SealFormat {
    /// Without the time of the seal. Old seals have this format; new ones never do.
    First,
    /// With it.
    Second,
}

impl SealFormat {
    /// The number that is stored.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::First => 1,
            Self::Second => 2,
        }
    }

    /// The format of a stored number.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::First),
            2 => Some(Self::Second),
            _ => None,
        }
    }
}

/// A seal over one batch of events. Each refers to the one before, so that a changed, removed or inserted batch is detected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// 1, 2, 3, …
    pub number: i64,
    /// How its MAC is computed.
    pub format: SealFormat,
    /// The MAC of the seal before; zeros for the first.
    pub previous: [u8; 32],
    /// How many events it covers.
    pub count: i64,
    /// HMAC-SHA-256 over [`sealed_bytes`].
    pub mac: [u8; 32],
    /// When.
    pub sealed_at: Timestamp,
}

/// The bytes that a seal's MAC is computed over, with the events in the order of their ids. The MAC itself is no part of them.
#[must_use]
pub fn sealed_bytes(seal: &Seal, events: &[AuditEvent]) -> Vec<u8> {
    let mut out = Vec::with_capacity(96 + events.len() * 256);
    if seal.format == SealFormat::Second {
        // The first format begins with a number, whose first byte is never a letter: no bytes are valid in both formats.
        out.extend_from_slice(b"keyward audit seal 2\0");
        out.extend_from_slice(&seal.sealed_at.timestamp_micros().to_be_bytes());
    }
    out.extend_from_slice(&seal.number.to_be_bytes());
    out.extend_from_slice(&seal.previous);
    out.extend_from_slice(&(events.len() as u64).to_be_bytes());
    for event in events {
        let bytes = event.canonical();
        out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        out.extend_from_slice(&bytes);
    }
    out
}

/// A position in the chain: the seal that the next one follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainPosition {
    /// Its number; 0 before the first.
    pub number: i64,
    /// Its MAC; zeros before the first.
    pub mac: [u8; 32],
    /// Its format, if it is known.
    pub format: Option<SealFormat>,
}

impl ChainPosition {
    /// The beginning of a chain.
    pub const BEGINNING: Self = Self {
        number: 0,
        mac: [0; 32],
        format: None,
    };

    /// The position of a seal.
    #[must_use]
    pub const fn of(seal: &Seal) -> Self {
        Self {
            number: seal.number,
            mac: seal.mac,
            format: Some(seal.format),
        }
    }

    /// Whether a seal over this many rows continues the chain here.
    ///
    /// # Errors
    /// The number of the first batch that is not as it was sealed, and what is wrong with it.
    pub fn continued_by(&self, seal: &Seal, rows: usize) -> Result<(), (i64, &'static str)> {
        if seal.number != self.number + 1 {
            return Err((self.number + 1, "its seal is missing"));
        }
        if self.format.is_some_and(|format| seal.format < format) {
            return Err((seal.number, "its seal is of an older format than the one before"));
        }
        if seal.previous != self.mac {
            return Err((seal.number, "it does not follow the batch before it"));
        }
        if usize::try_from(seal.count) != Ok(rows) {
            return Err((seal.number, "rows were removed or put in"));
        }
        Ok(())
    }
}

/// The newest seal as it was last seen. A table that was rolled back, or a chain that was started anew, is detected by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHead {
    /// Raised when an operator accepts the chain as it stands. A head of a later epoch wins, whatever its number.
    pub epoch: i64,
    /// The seal's number; 0 if there was none.
    pub number: i64,
    /// Its MAC.
    pub mac: [u8; 32],
    /// The time that rows of the next batch are compared with.
    pub at: Timestamp,
}

impl ChainHead {
    /// The later of two.
    #[must_use]
    pub fn later(self, other: Self) -> Self {
        if (other.epoch, other.number) > (self.epoch, self.number) {
            other
        } else {
            self
        }
    }

    /// Whether this is the seal that the chain ends with. Without a seal: whether it is from before the first.
    #[must_use]
    pub fn is_of(&self, newest: Option<&Seal>) -> bool {
        newest.map_or(self.number == 0, |seal| {
            (seal.number, seal.mac) == (self.number, self.mac)
        })
    }

    /// The bytes that are stored; they are authenticated by a MAC of their own.
    #[must_use]
    pub fn bytes(&self) -> [u8; 56] {
        let mut out = [0; 56];
        let parts = [
            self.epoch.to_be_bytes(),
            self.number.to_be_bytes(),
            self.at.timestamp_micros().to_be_bytes(),
        ];
        let all = parts.iter().flatten().chain(&self.mac);
        for (to, from) in out.iter_mut().zip(all) {
            *to = *from;
        }
        out
    }

    /// The head that these bytes are of.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 56]) -> Option<Self> {
        let (epoch, rest) = bytes.split_first_chunk::<8>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (at, rest) = rest.split_first_chunk::<8>()?;
        Some(Self {
            epoch: i64::from_be_bytes(*epoch),
            number: i64::from_be_bytes(*number),
            at: Timestamp::from_timestamp_micros(i64::from_be_bytes(*at))?,
            mac: rest.try_into().ok()?,
        })
    }
}

/// Why a row is not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSealed {
    /// It is older than the seal before by more than the longest write: it was inserted afterwards.
    Late,
    /// Its time is in the future.
    Early,
    /// Its id and its time do not match.
    Mismatched,
}

impl NotSealed {
    /// The reason, for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Late => "it is older than the seal before it by more than the longest write",
            Self::Early => "its time is in the future",
            Self::Mismatched => "its id and its time do not match",
        }
    }
}

/// Whether a seal made now may include a row. `before` is the time of the seal before; `None` for the first.
///
/// ```
/// use auth_domain::{
///     audit::{Action, Actor, AuditEvent, LONGEST_WRITE, NotSealed, may_be_sealed},
///     ids::{AuditEventId, UserId},
///     time::{Span, Timestamp},
/// };
/// use std::collections::BTreeMap;
///
/// let at = Timestamp::UNIX_EPOCH;
/// let [ada, admin] = [1, 2].map(|byte| UserId::from_parts(at, [byte; 10]));
/// let event = AuditEvent {
///     id: AuditEventId::from_parts(at, [3; 10]),
///     at,
///     actor: Actor::User(admin),
///     action: Action::UserDisabled,
///     subject: Some(ada),
///     session: None,
///     ip: Some([192, 0, 2, 1].into()),
///     request_id: None,
///     details: BTreeMap::new(),
/// };
///
/// // A row that is much older than the seal before was inserted afterwards.
/// let before = at + LONGEST_WRITE + Span::seconds(1);
/// assert_eq!(may_be_sealed(&event, Some(before), before), Err(NotSealed::Late));
/// assert_eq!(may_be_sealed(&event, None, at), Ok(()));
/// ```
pub fn may_be_sealed(event: &AuditEvent, before: Option<Timestamp>, now: Timestamp) -> Result<(), NotSealed> {
    let id_millis = i64::try_from(event.id.as_uuid().as_u128() >> 80).unwrap_or(i64::MAX);
    if id_millis != event.at.timestamp_millis().max(0) {
        return Err(NotSealed::Mismatched);
    }
    if before.is_some_and(|before| after(event.at, LONGEST_WRITE) < before) {
        return Err(NotSealed::Late);
    }
    if event.at > after(now, LONGEST_WRITE) {
        return Err(NotSealed::Early);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
