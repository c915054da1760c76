//! Revocations on their way to Redis: tried again until they are written or lapse. Pure, and bounded.
//!
//! New ones go first, because somebody waits for them. When it is full the oldest of those that were tried before give way, and
//! if there are none, the new ones are not taken in. Either is safe: an answer waits until Redis has its revocation **or**
//! until `max_staleness` has passed, when every node has read it from the database.

use auth_domain::{revocation::Revocation, time::Timestamp};
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::Notify;

/// What somebody waits on who announced revocations.
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
            // One waiter at the most; the permit is kept for it if it comes later.
            self.written.notify_one();
        }
    }

    /// Returns when Redis has everything that the ticket stands for.
    pub(crate) async fn written(&self) {
        if self.unwritten.load(Ordering::Acquire) > 0 {
            self.written.notified().await;
        }
    }
}

/// One revocation and who waits for it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) revocation: Revocation,
    ticket: Arc<Ticket>,
}

impl Entry {
    /// Redis has it.
    pub(crate) fn written(self) {
        self.ticket.one_written();
    }
}

/// The queue.
#[derive(Debug)]
pub(crate) struct Backlog {
    fresh: VecDeque<Entry>,
    failed: VecDeque<Entry>,
    room: usize,
}

impl Backlog {
    pub(crate) const fn new(room: usize) -> Self {
        Self {
            fresh: VecDeque::new(),
            failed: VecDeque::new(),
            room,
        }
    }

    /// Takes in what was just committed; says how many revocations found no room or had to give it up.
    pub(crate) fn add(&mut self, revocations: &[Revocation], ticket: &Arc<Ticket>) -> usize {
        let mut dropped = 0;
        for revocation in revocations {
            if self.len() >= self.room {
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

    /// The next ones to write, at most so many, the new ones first. What has lapsed by `now` needs no writing.
    pub(crate) fn take(&mut self, at_most: usize, now: Timestamp) -> Vec<Entry> {
        let mut batch = Vec::new();
        while batch.len() < at_most
            && let Some(entry) = self.fresh.pop_front().or_else(|| self.failed.pop_front())
        {
            // What has lapsed is let go without a word: if the clock is wrong, the one who waits had better wait.
            if entry.revocation.until > now {
                batch.push(entry);
            }
        }
        batch
    }

    /// Puts back what could not be written.
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
    fn a_ticket_is_good_when_all_it_stands_for_is_written() {
        let mut backlog = Backlog::new(10);
        let ticket = Arc::new(Ticket::new(2));
        assert_eq!(backlog.add(&[ends(1, 9), ends(2, 9)], &ticket), 0);
        for entry in backlog.take(1, clock(0)) {
            entry.written();
        }
        assert_eq!(ticket.written().now_or_never(), None);
        for entry in backlog.take(1, clock(0)) {
            entry.written();
        }
        assert_eq!(ticket.written().now_or_never(), Some(()));
        assert_eq!(backlog.len(), 0);
    }

    #[test]
    fn what_failed_is_tried_again_after_what_is_new() {
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
    fn what_has_lapsed_is_not_written() {
        let mut backlog = Backlog::new(10);
        let ticket = Arc::new(Ticket::new(1));
        backlog.add(&[ends(1, 9)], &ticket);
        assert!(backlog.take(10, clock(9)).is_empty());
        assert_eq!(backlog.len(), 0);
        assert_eq!(
            ticket.written().now_or_never(),
            None,
            "nobody may say that Redis has it"
        );
    }

    #[test]
    fn when_it_is_full_the_oldest_that_failed_gives_way_and_then_nothing_is_taken_in() {
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
