//! What closes a batch of events: its code covers the batch and the seal before.

use super::AuditEvent;
use crate::time::Timestamp;

/// A seal over one batch of events. Each names the one before, so that a batch that is changed, removed or put in shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// 1, 2, 3, …
    pub number: i64,
    /// The code of the seal before; zeros for the first.
    pub previous: [u8; 32],
    /// How many events it covers.
    pub count: i64,
    /// HMAC-SHA-256 over number, previous, count and the events, in the order of their ids.
    pub mac: [u8; 32],
    /// When.
    pub sealed_at: Timestamp,
}

/// The bytes that a seal's code is computed over; the events in the order of their ids.
#[must_use]
pub fn sealed_bytes(number: i64, previous: &[u8; 32], events: &[AuditEvent]) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + events.len() * 256);
    out.extend_from_slice(&number.to_be_bytes());
    out.extend_from_slice(previous);
    out.extend_from_slice(&(events.len() as u64).to_be_bytes());
    for event in events {
        let bytes = event.canonical();
        out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        out.extend_from_slice(&bytes);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::tests::event;

    #[test]
    fn what_is_sealed_tells_the_events_apart_and_their_place_in_the_chain() {
        let one = sealed_bytes(1, &[0; 32], &[event()]);
        assert_ne!(one, sealed_bytes(2, &[0; 32], &[event()]));
        assert_ne!(one, sealed_bytes(1, &[1; 32], &[event()]));
        assert_ne!(one, sealed_bytes(1, &[0; 32], &[event(), event()]));
    }
}
