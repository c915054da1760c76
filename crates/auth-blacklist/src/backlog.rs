//! The queue of revocations to be written to Redis, which are retried until they are written or lapse. Pure and bounded.
//!
//! New revocations go first, because a request waits for them. When the queue is full, the oldest revocation that already failed is
//! dropped; if there is none, the new one is not queued. Either is safe: the request waits until Redis has its revocation **or** until
//! `max_staleness` has passed, when every node has read it from the database.

use auth_domain::{revocation::Revocation, time::Timestamp};
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::Notify;

/// What an announcement waits on: the number of its revocations that are not yet written.
#[derive(Debug)]
pub(crate) struct Ticket {
    unwritten: AtomicUsize,
    written: Notify,
}

impl Ticket {
    pub(crate) fn new(revocations: usize) -> Self {
        Self {
            unwritten: AtomicUsize::new(revocations),
            written: Notify::new(),
        }
    }

    fn one_written(&self) {
        if self.unwritten.fetch_sub(1, Ordering::AcqRel) == 1 {
            // There is at most one waiter. The notification is kept for it if it waits later.
            self.written.notify_one();
        }
    }

    /// Returns when Redis has all revocations of the ticket.
    pub(crate) async fn written(&self) {
        if self.unwritten.load(Ordering::Acquire) > 0 {
            self.written.notified().await;
        }
    }
}

/// One revocation and the ticket of its announcement.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) revocation: Revocation,
    ticket: Arc<Ticket>,
}

impl Entry {
    /// Records that Redis has the revocation.
    pub(crate) fn mark_written(self) {
        self.ticket.one_written();
    }
}

/// The queue.
#[derive(Debug)]
pub(crate) struct Backlog {
    fresh: VecDeque<Entry>,
    failed: VecDeque<Entry>,
    capacity: usize,
}

impl Backlog {
    pub(crate) const fn new(capacity: usize) -> Self {
        Self {
            fresh: VecDeque::new(),
            failed: VecDeque::new(),
            capacity,
        }
    }

    /// Queues revocations that were just committed. Returns how many were dropped, old or new, because the queue was full.
    pub(crate) fn add(&mut self, revocations: &[Revocation], ticket: &Arc<Ticket>) -> usize {
        let mut dropped = 0;
        for revocation in revocations {
            if self.len() >= self.capacity {
                dropped += 1;
                if self.failed.pop_front().is_none() {
                    continue;
                }
            }
            self.fresh.push_back(Entry {
                revocation: *revocation,
                ticket: Arc::clone(ticket),
            });
        }
        dropped
    }

    /// The next revocations to write, at most `at_most`, new ones first. Those that have lapsed by `now` are skipped.
    pub(crate) fn take(&mut self, at_most: usize, now: Timestamp) -> Vec<Entry> {
        let mut batch = Vec::new();
        while batch.len() < at_most
            && let Some(entry) = self.fresh.pop_front().or_else(|| self.failed.pop_front())
        {
            // A lapsed one is dropped without marking it written: if the clock is wrong, the request had better wait.
            if entry.revocation.until > now {
                batch.push(entry);
            }
        }
        batch
    }

    /// Puts back revocations that could not be written.
    pub(crate) fn put_back(&mut self, batch: Vec<Entry>) {
        self.failed.extend(batch);
    }

    pub(crate) fn len(&self) -> usize {
        self.fresh.len() + self.failed.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_domain::{ids::SessionId, revocation::Revoked};
    use chrono::DateTime;
    use futures::FutureExt;

    fn clock(seconds: i64) -> Timestamp {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn ends(id: u128, until: i64) -> Revocation {
        Revocation {
            what: Revoked::Session(SessionId::from_uuid(uuid::Uuid::from_u128(id))),
            until: clock(until),
        }
    }

    fn taken(batch: &[Entry]) -> Vec<Revocation> {
        batch.iter().map(|entry| entry.revocation).collect()
    }

    #[test]
    fn a_ticket_is_complete_when_all_its_revocations_are_written() {
        let mut backlog = Backlog::new(10);
        let ticket = Arc::new(Ticket::new(2));
        assert_eq!(backlog.add(&[ends(1, 9), ends(2, 9)], &ticket), 0);
        for entry in backlog.take(1, clock(0)) {
            entry.mark_written();
        }
        assert_eq!(ticket.written().now_or_never(), None);
        for entry in backlog.take(1, clock(0)) {
            entry.mark_written();
        }
        assert_eq!(ticket.written().now_or_never(), Some(()));
        assert_eq!(backlog.len(), 0);
    }

    #[test]
    fn failed_revocations_are_retried_after_new_ones() {
        let mut backlog = Backlog::new(10);
        let ticket = Arc::new(Ticket::new(3));
        backlog.add(&[ends(1, 9), ends(2, 9)], &ticket);
        let batch = backlog.take(10, clock(0));
        backlog.put_back(batch);
        backlog.add(&[ends(3, 9)], &ticket);
        assert_eq!(
            taken(&backlog.take(10, clock(0))),
            [ends(3, 9), ends(1, 9), ends(2, 9)]
        );
    }

    #[test]
    fn lapsed_revocations_are_not_written() {
        let mut backlog = Backlog::new(10);
        let ticket = Arc::new(Ticket::new(1));
        backlog.add(&[ends(1, 9)], &ticket);
        assert!(backlog.take(10, clock(9)).is_empty());
        assert_eq!(backlog.len(), 0);
        assert_eq!(ticket.written().now_or_never(), None, "Redis does not have it");
    }

    #[test]
    fn a_full_queue_drops_the_oldest_failed_revocation_and_otherwise_the_new_one() {
        let mut backlog = Backlog::new(2);
        let ticket = Arc::new(Ticket::new(4));
        backlog.add(&[ends(1, 9), ends(2, 9)], &ticket);
        let batch = backlog.take(10, clock(0));
        backlog.put_back(batch);
        assert_eq!(backlog.add(&[ends(3, 9), ends(4, 9)], &ticket), 2);
        assert_eq!(backlog.add(&[ends(5, 9)], &ticket), 1);
        assert_eq!(taken(&backlog.take(10, clock(0))), [ends(3, 9), ends(4, 9)]);
    }
}
