//! The hashing threads. The rule: costly work never runs on an async worker and never waits without bound. Each thread keeps its
//! memory, because allocating 19 MiB for each hash costs more than half of the hash when two threads do it (docs/rules.md §4).

use crate::parts::failure::Failure;
use argon2::Block;
use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};
use tokio::sync::{Semaphore, oneshot};

/// The niceness of the hashing threads (`nice(2)`). Under load such a thread gets a third of the time of another one. With a higher
/// value a flood of cheap requests would starve the sign-ins.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;

/// A thread's memory for Argon2. It is allocated for the first hash and grows as needed.
#[derive(Default)]
pub(crate) struct Arena {
    blocks: Vec<Block>,
}

impl Arena {
    /// The first `count` blocks.
    pub(crate) fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.blocks.len() < count {
            self.blocks.resize(count, Block::default());
        }
        self.blocks.split_at_mut(count).0
    }

    /// Frees what exceeds `count` blocks: an imported hash may have needed far more than the usual one.
    fn shrink_to(&mut self, count: usize) {
        if self.blocks.len() > count {
            self.blocks.truncate(count);
            self.blocks.shrink_to_fit();
        }
    }
}

type Work = Box<dyn FnOnce(&mut Arena) + Send>;

struct Job {
    work: Work,
    deadline: Instant,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

struct SharedQueue {
    queue: Mutex<Queue>,
    filled: Condvar,
}

impl SharedQueue {
    /// No job runs while the lock is held, so the queue behind a poisoned lock is still valid.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fixed number of threads with a bounded queue.
pub(crate) struct HashPool {
    shared: Arc<SharedQueue>,
    capacity: usize,
    max_wait: Duration,
    /// One permit: one low-priority job at a time.
    low_priority: Arc<Semaphore>,
}

impl HashPool {
    /// Starts the threads. `kept_blocks` is how much memory a thread keeps between jobs, in KiB.
    ///
    /// # Errors
    /// The system's, if it can't start a thread.
    pub(crate) fn start(
        threads: usize,
        capacity: usize,
        max_wait: Duration,
        kept_blocks: usize,
    ) -> Result<Self, std::io::Error> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let shared = Arc::new(SharedQueue {
            queue: Mutex::default(),
            filled: Condvar::new(),
        });
        for number in 0..if threads == 0 { cores } else { threads } {
            let shared = Arc::clone(&shared);
            thread::Builder::new()
                .name(format!("hash-{number}"))
                .spawn(move || work(&shared, kept_blocks))?;
        }
        Ok(Self {
            shared,
            capacity,
            max_wait,
            low_priority: Arc::new(Semaphore::new(1)),
        })
    }

    /// Refuses while the queue is full, so that a caller can find out before it prepares a job.
    ///
    /// # Errors
    /// [`Failure::Overloaded`].
    pub(crate) fn admit(&self) -> Result<(), Failure> {
        if self.shared.lock().jobs.len() < self.capacity {
            Ok(())
        } else {
            Err(self.overloaded())
        }
    }

    /// Runs a job on one of the threads.
    ///
    /// # Errors
    /// [`Failure::Overloaded`], at once if the queue is full, or later if the job did not begin in time.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Arena) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, answered) = oneshot::channel();
        let work = Box::new(move |arena: &mut Arena| {
            // If the caller has gone away, the work is skipped.
            if !answer.is_closed() {
                let _ = answer.send(job(arena));
            }
        });
        {
            let mut queue = self.shared.lock();
            if queue.jobs.len() >= self.capacity {
                return Err(self.overloaded());
            }
            queue.jobs.push_back(Job {
                work,
                deadline: Instant::now() + self.max_wait,
            });
        }
        self.shared.filled.notify_one();
        // A thread that finds the job too old drops the sender unused.
        answered.await.map_err(|_| self.overloaded())
    }

    /// Runs a job that may be refused at any time: one such job at a time, and none while others wait.
    ///
    /// # Errors
    /// [`Failure::Overloaded`], at once.
    pub(crate) async fn run_low_priority<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Arena) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let busy = Failure::Overloaded {
            retry_after: Duration::from_secs(1),
        };
        let Ok(low_priority) = Arc::clone(&self.low_priority).try_acquire_owned() else {
            return Err(busy);
        };
        if self.depth().0 > 0 {
            return Err(busy);
        }
        self.run(move |arena| {
            // The permit is held until the job ends: the caller may go away before.
            let _permit = low_priority;
            job(arena)
        })
        .await
    }

    /// How many jobs wait, and how many may wait.
    pub(crate) fn depth(&self) -> (usize, usize) {
        (self.shared.lock().jobs.len(), self.capacity)
    }

    fn overloaded(&self) -> Failure {
        Failure::Overloaded {
            retry_after: self.max_wait.max(Duration::from_secs(1)),
        }
    }
}

impl Drop for HashPool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.filled.notify_all();
    }
}

/// Lowers the priority of this thread: a hash occupies a core for milliseconds, and a token check that waits for the core would
/// take as long. On Linux the niceness is that of the thread; elsewhere it would be that of the whole process.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "the hashing threads run at the priority of the others");
    }
}

fn work(shared: &SharedQueue, kept_blocks: usize) {
    lower_priority();
    let mut arena = Arena::default();
    while let Some(job) = next(shared) {
        if Instant::now() <= job.deadline {
            // A panic in a job ends its request and not the thread.
            let run = std::panic::AssertUnwindSafe(|| (job.work)(&mut arena));
            if std::panic::catch_unwind(run).is_err() {
                tracing::error!("a hashing job panicked");
            }
            arena.shrink_to(kept_blocks);
        }
    }
}

fn next(shared: &SharedQueue) -> Option<Job> {
    let mut queue = shared.lock();
    loop {
        if let Some(job) = queue.jobs.pop_front() {
            return Some(job);
        }
        if queue.closed {
            return None;
        }
        queue = shared.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn pool(threads: usize, capacity: usize, max_wait: Duration) -> HashPool {
        HashPool::start(threads, capacity, max_wait, 8).unwrap()
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let pool = Arc::new(pool(1, 1, Duration::from_secs(60)));
        let (started, has_started) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let busy = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move {
                pool.run(move |_| {
                    started.send(()).unwrap();
                    released.recv().unwrap();
                })
                .await
            }
        });
        tokio::task::spawn_blocking(move || has_started.recv().unwrap())
            .await
            .unwrap();
        let mut waiting = Box::pin(pool.run(|_| 7));
        assert!(is_pending(&mut waiting).await, "the first one waits");
        assert_eq!(pool.depth(), (1, 1));
        assert!(matches!(pool.admit(), Err(Failure::Overloaded { .. })));
        assert!(matches!(pool.run(|_| 8).await, Err(Failure::Overloaded { .. })));
        release.send(()).unwrap();
        assert_eq!(waiting.await.unwrap(), 7);
        assert!(pool.admit().is_ok());
        busy.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn one_low_priority_job_runs_at_a_time_and_none_while_others_wait() {
        let pool = pool(1, 8, Duration::from_secs(60));
        let low_priority = || Box::pin(pool.run_low_priority(|_| ()));
        let refused =
            |answer| matches!(answer, Err(Failure::Overloaded { retry_after }) if retry_after.as_secs() == 1);
        let (started, has_started) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let mut busy = Box::pin(pool.run(move |_| {
            started.send(()).unwrap();
            released.recv().unwrap();
        }));
        assert!(is_pending(&mut busy).await);
        has_started.recv().unwrap();
        let mut first = low_priority();
        assert!(is_pending(&mut first).await, "no job waits, so it may");
        assert!(refused(low_priority().await), "one at a time");
        drop(first);
        assert!(
            refused(low_priority().await),
            "its job waits, although its caller has gone away"
        );
        let mut behind = Box::pin(pool.run(|_| 7));
        assert!(is_pending(&mut behind).await, "it does not delay other jobs");
        release.send(()).unwrap();
        assert_eq!((busy.await.unwrap(), behind.await.unwrap()), ((), 7));
        low_priority().await.unwrap();

        let (release, released) = mpsc::channel::<()>();
        let mut busy = Box::pin(pool.run(move |_| released.recv().unwrap()));
        let mut waiting = Box::pin(pool.run(|_| 8));
        assert!(is_pending(&mut busy).await && is_pending(&mut waiting).await);
        assert!(refused(low_priority().await), "others wait");
        release.send(()).unwrap();
        assert_eq!(waiting.await.unwrap(), 8);
        low_priority().await.unwrap();
    }

    /// Polls once; true while the future is pending.
    async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())
        })
        .await
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_hashing_threads_alone_have_a_lower_priority() {
        let priority = || rustix::process::getpriority_process(None).unwrap();
        let mine = priority();
        let theirs = pool(1, 1, Duration::from_secs(60))
            .run(move |_| priority())
            .await
            .unwrap();
        assert_eq!((priority(), theirs), (mine, (mine + NICENESS).min(19)));
    }

    #[tokio::test]
    async fn a_job_that_waited_too_long_is_refused() {
        let pool = pool(1, 8, Duration::ZERO);
        let late = pool.run(|_| ()).await;
        assert!(
            matches!(late, Err(Failure::Overloaded { retry_after }) if retry_after >= Duration::from_secs(1))
        );
    }

    #[tokio::test]
    async fn a_panic_ends_its_own_job_alone() {
        let pool = pool(1, 8, Duration::from_secs(60));
        let failed = pool.run(|_| panic!("on purpose")).await;
        assert!(failed.is_err());
        assert_eq!(pool.run(|_| 1).await.unwrap(), 1);
    }

    #[test]
    fn an_arena_frees_what_only_one_hash_needed() {
        let mut arena = Arena::default();
        assert_eq!(arena.blocks(64).len(), 64);
        arena.shrink_to(8);
        assert_eq!(arena.blocks.len(), 8);
        assert_eq!(arena.blocks(4).len(), 4);
    }
}
