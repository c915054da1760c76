//! Threads that each run one operation at a time on a pooled connection: all of PostgreSQL's, and SQLite's reads.
//!
//! A connection is not tested before it is lent; that would be a round trip for each request, and `SELECT 1` succeeds on a
//! demoted primary. What an error says of it decides: a broken one is closed, and after a server's death or demotion all
//! that were made before it.

use super::{
    Haste, Patience, TOO_LATE, answer, meaning,
    queue::{Queue, Refused},
};
use crate::{
    dialect::{Dialect, Fate},
    error::{Outage, StorageError},
    fault::Fault,
};
use r2d2::ManageConnection;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// How a connection is made.
pub(crate) type Connect<C> = Box<dyn Fn() -> Result<C, diesel::ConnectionError> + Send + Sync>;

/// A connection of the pool.
pub(crate) struct Held<C> {
    connection: C,
    /// The era it was made in.
    era: u64,
    broken: bool,
}

/// Makes connections, and knows which of them are past.
struct Maker<C> {
    connect: Connect<C>,
    /// Raised when all connections made so far have to go.
    era: Arc<AtomicU64>,
}

impl<C: Send + 'static> ManageConnection for Maker<C> {
    type Connection = Held<C>;
    type Error = diesel::ConnectionError;

    fn connect(&self) -> Result<Held<C>, diesel::ConnectionError> {
        // Read first: a connection that was being made while the era ended is past, too.
        let era = self.era.load(Ordering::Acquire);
        Ok(Held {
            connection: (self.connect)()?,
            era,
            broken: false,
        })
    }

    fn is_valid(&self, _: &mut Held<C>) -> Result<(), diesel::ConnectionError> {
        Ok(())
    }

    fn has_broken(&self, held: &mut Held<C>) -> bool {
        held.broken || held.era < self.era.load(Ordering::Acquire)
    }
}

/// Tells the log that the database can't be reached, once an outage, and without the address.
#[derive(Debug)]
struct Reported(Arc<AtomicBool>);

impl<E> r2d2::HandleError<E> for Reported {
    fn handle_error(&self, _: E) {
        if !self.0.swap(true, Ordering::AcqRel) {
            tracing::warn!("no connection to the database can be made; trying again");
        }
    }
}

/// How many connections, how long the queue, how long one may wait for a connection and then for an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) size: u32,
    pub(crate) queue: usize,
    pub(crate) acquire: Duration,
    pub(crate) patience: Patience,
}

/// How long the end waits for the threads.
const ENDS_WITHIN: Duration = Duration::from_secs(5);

type Job<C> = Box<dyn FnOnce(&Lender<C>) + Send>;

/// The pool and its threads. Dropped, it lets the threads finish what waits, and waits for them: a process that ends while
/// a connection is being closed takes OpenSSL away from under it, and dies of that.
pub(crate) struct Workers<C: Send + 'static> {
    queue: Arc<Queue<Job<C>>>,
    acquire: Duration,
    patience: Patience,
    /// How many operations have come to an end.
    ended_so_far: Arc<AtomicU64>,
    threads: Vec<thread::ThreadId>,
    /// Closed by the last thread that ends.
    ended: Mutex<mpsc::Receiver<()>>,
}

struct Lender<C: Send + 'static> {
    pool: r2d2::Pool<Maker<C>>,
    era: Arc<AtomicU64>,
    /// Nothing could be borrowed the last time: who comes now does not wait.
    out: AtomicBool,
    reported: Arc<AtomicBool>,
    acquire: Duration,
}

impl<C: Dialect + Send + 'static> Workers<C> {
    /// Starts as many threads as there are connections.
    pub(crate) fn start(name: &str, bounds: Bounds, connect: Connect<C>) -> std::io::Result<Self> {
        let era = Arc::new(AtomicU64::new(0));
        let reported = Arc::new(AtomicBool::new(false));
        let size = bounds.size.max(1);
        let pool = r2d2::Pool::builder()
            .max_size(size)
            // Made as they are needed: a command of the operator's needs one, and must not end while others are being made.
            .min_idle(Some(0))
            .test_on_check_out(false)
            .idle_timeout(None)
            .max_lifetime(None)
            // Also the ceiling of the pauses between attempts to connect: half of it.
            .connection_timeout(
                bounds
                    .acquire
                    .clamp(Duration::from_millis(100), Duration::from_secs(2)),
            )
            .error_handler(Box::new(Reported(Arc::clone(&reported))))
            .build_unchecked(Maker {
                connect,
                era: Arc::clone(&era),
            });
        let out = AtomicBool::new(false);
        let lender = Arc::new(Lender {
            pool,
            era,
            out,
            reported,
            acquire: bounds.acquire,
        });
        let queue = Arc::new(Queue::<Job<C>>::new(bounds.queue));
        let mut threads = Vec::new();
        let (alive, ended) = mpsc::channel();
        for number in 0..size {
            let (queue, lender) = (Arc::clone(&queue), Arc::clone(&lender));
            let thread = thread::Builder::new().name(format!("{name}-{number}"));
            let alive = alive.clone();
            let started = thread.spawn(move || {
                while let Some(job) = queue.take(1).pop() {
                    job(&lender);
                }
                // The last one closes the connections, before it says that it is gone.
                drop(lender);
                drop(alive);
            })?;
            threads.push(started.thread().id());
        }
        Ok(Self {
            queue,
            acquire: bounds.acquire,
            patience: bounds.patience,
            ended_so_far: Arc::new(AtomicU64::new(0)),
            threads,
            ended: Mutex::new(ended),
        })
    }

    /// Runs an operation on a connection of the pool.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        haste: Haste,
        operation: impl FnOnce(&mut C) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StorageError> {
        let (tell, mut told) = oneshot::channel();
        let queued = Instant::now();
        let acquire = self.acquire;
        // Of the thread that begins and the caller who leaves, the first decides.
        let decided = Arc::new(AtomicBool::new(false));
        let (begins, ends) = (Arc::clone(&decided), Arc::clone(&self.ended_so_far));
        let job: Job<C> = Box::new(move |lender| {
            // The caller may have left, or waited for longer than it may.
            if tell.is_closed() || begins.swap(true, Ordering::AcqRel) {
                return;
            }
            let result = if queued.elapsed() > acquire {
                Err(StorageError::Overloaded)
            } else {
                lender.lend(operation)
            };
            ends.fetch_add(1, Ordering::AcqRel);
            // The receiver may be gone: the work is done all the same.
            let _: Result<(), _> = tell.send(result);
        });
        let ended_before = self.ended_so_far.load(Ordering::Acquire);
        match self.queue.push(job) {
            Ok(()) => {}
            Err(Refused::Full) => return Err(StorageError::Overloaded),
            Err(Refused::Closed) => return Err(StorageError::Unavailable(Outage::Stopping)),
        }
        if let Some(result) = answer(&mut told, acquire).await {
            return result;
        }
        let begun = decided.swap(true, Ordering::AcqRel);
        if begun {
            let patience = self.patience.of(haste);
            return answer(&mut told, patience).await.unwrap_or(Err(TOO_LATE));
        }
        // Every thread is busy. If no operation came to an end meanwhile, the database answers none.
        if self.ended_so_far.load(Ordering::Acquire) == ended_before {
            Err(TOO_LATE)
        } else {
            Err(StorageError::Overloaded)
        }
    }
}

impl<C: Send + 'static> Drop for Workers<C> {
    fn drop(&mut self) {
        self.queue.close();
        // A job that held the last of it would wait for itself.
        if self.threads.contains(&thread::current().id()) {
            return;
        }
        // Nothing is ever sent; it ends when the last thread has let go. A server that is frozen may hold one for ever.
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _all_gone_or_too_late = ended.recv_timeout(ENDS_WITHIN);
    }
}

impl<C: Dialect + Send + 'static> Lender<C> {
    /// Runs an operation on a connection of the present era.
    fn lend<T>(&self, operation: impl FnOnce(&mut C) -> Result<T, Fault>) -> Result<T, StorageError> {
        let Some(mut held) = self.borrow() else {
            self.out.store(true, Ordering::Release);
            return Err(StorageError::Unavailable(Outage::Unreachable));
        };
        self.out.store(false, Ordering::Release);
        self.reported.store(false, Ordering::Release);
        match catch_unwind(AssertUnwindSafe(|| operation(&mut held.connection))) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(fault)) => {
                let meaning = meaning::<C>(fault);
                if meaning.connection >= Fate::Closed {
                    held.broken = true;
                }
                if meaning.connection == Fate::AllClosed {
                    // From the era of this connection on: many that fail at once end one era.
                    let next = held.era + 1;
                    self.era.fetch_max(next, Ordering::AcqRel);
                }
                Err(meaning.error)
            }
            Err(_panic) => {
                held.broken = true;
                Err(StorageError::Unavailable(Outage::Faulty))
            }
        }
    }

    fn borrow(&self) -> Option<r2d2::PooledConnection<Maker<C>>> {
        let deadline = Instant::now() + self.acquire;
        loop {
            // In an outage nobody waits; but each who asks has a connection tried for, if none is being made.
            let patience = match self.out.load(Ordering::Acquire) {
                true => Duration::ZERO,
                false => deadline.saturating_duration_since(Instant::now()),
            };
            let held = self.pool.get_timeout(patience).ok()?;
            // One of an era that has passed goes back, and is closed there.
            if held.era >= self.era.load(Ordering::Acquire) {
                return Some(held);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::{Connection, ConnectionError, SqliteConnection};

    /// Two connections at most, which can be made while the database is `there`; each one that is made is told of.
    fn workers(there: &Arc<AtomicBool>, tell: mpsc::Sender<()>) -> Arc<Workers<SqliteConnection>> {
        let there = Arc::clone(there);
        let connect: Connect<SqliteConnection> = Box::new(move || {
            if !there.load(Ordering::Acquire) {
                return Err(ConnectionError::BadConnection("away".to_owned()));
            }
            let connection = SqliteConnection::establish(":memory:")?;
            let _nobody_listens = tell.send(());
            Ok(connection)
        });
        let bounds = Bounds {
            size: 2,
            queue: 8,
            acquire: Duration::from_millis(300),
            patience: Patience::SQLITE,
        };
        Arc::new(Workers::start("test", bounds, connect).unwrap())
    }

    /// The one connection that was made during an outage belonged to an era that then passed. Nothing else was being made,
    /// and whoever came found nothing to borrow and did not wait: the pool stayed empty for good.
    #[tokio::test]
    async fn a_pool_whose_last_connection_is_past_makes_another() {
        let there = Arc::new(AtomicBool::new(true));
        let (tell, told) = mpsc::channel();
        let workers = workers(&there, tell);
        let (begin, begun) = oneshot::channel();
        let (end, ended) = mpsc::channel::<()>();
        let first = tokio::spawn({
            let workers = Arc::clone(&workers);
            async move {
                let operation = move |_: &mut SqliteConnection| {
                    begin.send(()).unwrap();
                    ended.recv().unwrap();
                    Err::<(), _>(Fault::Demoted)
                };
                workers.run(Haste::Work, operation).await
            }
        });
        begun.await.unwrap();
        there.store(false, Ordering::Release);
        while workers.run(Haste::Work, |_| Ok(())).await
            != Err(StorageError::Unavailable(Outage::Unreachable))
        {}
        there.store(true, Ordering::Release);
        tokio::task::spawn_blocking(move || (told.recv().unwrap(), told.recv().unwrap()))
            .await
            .unwrap();
        end.send(()).unwrap();
        assert_eq!(
            first.await.unwrap(),
            Err(StorageError::Unavailable(Outage::ReadOnly))
        );
        let patience = Instant::now() + Duration::from_secs(5);
        while workers.run(Haste::Work, |_| Ok(())).await.is_err() {
            assert!(Instant::now() < patience, "the pool stays empty");
        }
    }
}
