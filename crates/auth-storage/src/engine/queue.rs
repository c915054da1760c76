//! A bounded queue of jobs. The rule: a full queue refuses at once, because a job that waits too long is useless to its caller.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// The queue. When it is closed, it refuses new jobs and hands out the remaining ones.
pub(crate) struct Queue<J> {
    state: Mutex<State<J>>,
    arrived: Condvar,
    bound: usize,
}

struct State<J> {
    jobs: VecDeque<J>,
    closed: bool,
}

/// Why a job was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The queue is full.
    Full,
    /// The queue is closed.
    Closed,
}

impl<J> Queue<J> {
    pub(crate) fn new(bound: usize) -> Self {
        let state = State {
            jobs: VecDeque::new(),
            closed: false,
        };
        Self {
            state: Mutex::new(state),
            arrived: Condvar::new(),
            bound: bound.max(1),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<J>> {
        // A panic while the lock was held can't have left the queue in an inconsistent state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job.
    pub(crate) fn push(&self, job: J) -> Result<(), Refused> {
        let mut state = self.state();
        if state.closed {
            return Err(Refused::Closed);
        }
        if state.jobs.len() >= self.bound {
            return Err(Refused::Full);
        }
        state.jobs.push_back(job);
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits for a job, then takes it and the ones behind it, at most `most` in total. An empty result means that the queue is closed
    /// and empty.
    pub(crate) fn take(&self, most: usize) -> Vec<J> {
        let mut state = self.state();
        while state.jobs.is_empty() && !state.closed {
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let count = state.jobs.len().min(most);
        state.jobs.drain(..count).collect()
    }

    /// Closes the queue.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.arrived.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_refuses_at_once_and_a_closed_one_hands_out_the_rest() {
        let queue = Queue::new(2);
        assert_eq!(
            (queue.push(1), queue.push(2), queue.push(3)),
            (Ok(()), Ok(()), Err(Refused::Full))
        );
        assert_eq!(queue.take(1), [1]);
        assert_eq!(queue.push(4), Ok(()));
        queue.close();
        assert_eq!(queue.push(5), Err(Refused::Closed));
        assert_eq!(queue.take(64), [2, 4]);
        assert!(queue.take(64).is_empty());
    }
}
