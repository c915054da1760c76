//! Threads that each run one operation at a time on a pooled connection: all operations of PostgreSQL, and the reads of SQLite.
//!
//! The rule: a connection is not tested before it is used. A test would cost a round trip for each request, and `SELECT 1` succeeds on
//! a demoted primary. Instead, errors decide: a broken connection is closed, and when a server dies or is demoted, so are all
//! connections that were opened before.

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

/// Opens a connection.
pub(crate) type Connect<C> = Box<dyn Fn() -> Result<C, diesel::ConnectionError> + Send + Sync>;

/// A connection of the pool.
pub(crate) struct Pooled<C> {
    connection: C,
    /// The era it was opened in.
    era: u64,
    broken: bool,
}

/// Opens connections, and knows which of them are from a past era.
struct Manager<C> {
    connect: Connect<C>,
    /// Raised when all connections that were opened so far have to be closed.
    era: Arc<AtomicU64>,
}

impl<C: Send + 'static> ManageConnection for Manager<C> {
    type Connection = Pooled<C>;
    type Error = diesel::ConnectionError;

    fn connect(&self) -> Result<Pooled<C>, diesel::ConnectionError> {
        // Read first: a connection that was being opened while the era ended belongs to the past era, too.
        let era = self.era.load(Ordering::Acquire);
        Ok(Pooled {
            connection: (self.connect)()?,
            era,
            broken: false,
        })
    }

    fn is_valid(&self, _: &mut Pooled<C>) -> Result<(), diesel::ConnectionError> {
        Ok(())
    }

    fn has_broken(&self, pooled: &mut Pooled<C>) -> bool {
        pooled.broken || pooled.era < self.era.load(Ordering::Acquire)
    }
}

/// Logs that the database can't be reached, once for each outage, and without the database URL.
#[derive(Debug)]
struct Reported(Arc<AtomicBool>);

impl<E> r2d2::HandleError<E> for Reported {
    fn handle_error(&self, _: E) {
        if !self.0.swap(true, Ordering::AcqRel) {
            tracing::warn!("no connection to the database can be opened; trying again");
        }
    }
}

/// The number of connections, the length of the queue, and how long a caller waits for a connection and then for an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) size: u32,
    pub(crate) queue: usize,
    pub(crate) acquire: Duration,
    pub(crate) patience: Patience,
}

/// How long the drop of a pool waits for its threads.
const ENDS_WITHIN: Duration = Duration::from_secs(5);

type Job<C> = Box<dyn FnOnce(&Lender<C>) + Send>;

/// The pool and its threads. When it is dropped, it waits until the threads have finished the queue and closed their connections. If the
/// process ended while a connection is being closed, OpenSSL would be cleaned up during its use, and the process would crash.
pub(crate) struct Workers<C: Send + 'static> {
    queue: Arc<Queue<Job<C>>>,
    acquire: Duration,
    patience: Patience,
    /// The number of operations that have ended.
    ended_so_far: Arc<AtomicU64>,
    threads: Vec<thread::ThreadId>,
    /// Closed when the last thread ends.
    ended: Mutex<mpsc::Receiver<()>>,
}

struct Lender<C: Send + 'static> {
    pool: r2d2::Pool<Manager<C>>,
    era: Arc<AtomicU64>,
    /// Whether no connection was available the last time. Then the next caller does not wait.
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
            // Opened when they are needed: an operator's command needs one, and must not end while others are being opened.
            .min_idle(Some(0))
            .test_on_check_out(false)
            .idle_timeout(None)
            .max_lifetime(None)
            // Half of it is also the longest pause between attempts to connect.
            .connection_timeout(
                bounds
                    .acquire
                    .clamp(Duration::from_millis(100), Duration::from_secs(2)),
            )
            .error_handler(Box::new(Reported(Arc::clone(&reported))))
            .build_unchecked(Manager {
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
                // The last thread closes the connections before it reports that it has ended.
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
        let (sender, mut receiver) = oneshot::channel();
        let queued = Instant::now();
        let acquire = self.acquire;
        // Either the thread starts the operation or the caller leaves first, and the first one decides.
        let decided = Arc::new(AtomicBool::new(false));
        let (begins, ends) = (Arc::clone(&decided), Arc::clone(&self.ended_so_far));
        let job: Job<C> = Box::new(move |lender| {
            // The caller may have left, or may have waited too long.
            if sender.is_closed() || begins.swap(true, Ordering::AcqRel) {
                return;
            }
            let result = if queued.elapsed() > acquire {
                Err(StorageError::Overloaded)
            } else {
                lender.lend(operation)
            };
            ends.fetch_add(1, Ordering::AcqRel);
            // The receiver may be gone. The work is done anyway.
            let _: Result<(), _> = sender.send(result);
        });
        let ended_before = self.ended_so_far.load(Ordering::Acquire);
        match self.queue.push(job) {
            Ok(()) => {}
            Err(Refused::Full) => return Err(StorageError::Overloaded),
            Err(Refused::Closed) => return Err(StorageError::Unavailable(Outage::Stopping)),
        }
        if let Some(result) = answer(&mut receiver, acquire).await {
            return result;
        }
        let begun = decided.swap(true, Ordering::AcqRel);
        if begun {
            let patience = self.patience.of(haste);
            return answer(&mut receiver, patience).await.unwrap_or(Err(TOO_LATE));
        }
        // Every thread is busy. If no operation has ended meanwhile, the database is not answering.
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
        // If a job drops the last reference to the pool, it must not wait for its own thread.
        if self.threads.contains(&thread::current().id()) {
            return;
        }
        // Nothing is ever sent: the channel closes when the last thread ends. A frozen server may keep a thread waiting forever.
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _all_gone_or_too_late = ended.recv_timeout(ENDS_WITHIN);
    }
}

impl<C: Dialect + Send + 'static> Lender<C> {
    /// Runs an operation on a connection of the current era.
    fn lend<T>(&self, operation: impl FnOnce(&mut C) -> Result<T, Fault>) -> Result<T, StorageError> {
        let Some(mut pooled) = self.borrow() else {
            self.out.store(true, Ordering::Release);
            return Err(StorageError::Unavailable(Outage::Unreachable));
        };
        self.out.store(false, Ordering::Release);
        self.reported.store(false, Ordering::Release);
        match catch_unwind(AssertUnwindSafe(|| operation(&mut pooled.connection))) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(fault)) => {
                let meaning = meaning::<C>(fault);
                if meaning.connection >= Fate::Closed {
                    pooled.broken = true;
                }
                if meaning.connection == Fate::AllClosed {
                    // The era of this connection ends. So several connections that fail at once end only one era.
                    let next = pooled.era + 1;
                    self.era.fetch_max(next, Ordering::AcqRel);
                }
                Err(meaning.error)
            }
            Err(_panic) => {
                pooled.broken = true;
                Err(StorageError::Unavailable(Outage::Faulty))
            }
        }
    }

    fn borrow(&self) -> Option<r2d2::PooledConnection<Manager<C>>> {
        let deadline = Instant::now() + self.acquire;
        loop {
            // During an outage no caller waits. But each call makes the pool try to open a connection, unless it is doing so already.
            let patience = match self.out.load(Ordering::Acquire) {
                true => Duration::ZERO,
                false => deadline.saturating_duration_since(Instant::now()),
            };
            let pooled = self.pool.get_timeout(patience).ok()?;
            // A connection of a past era goes back to the pool, which closes it.
            if pooled.era >= self.era.load(Ordering::Acquire) {
                return Some(pooled);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::{Connection, ConnectionError, SqliteConnection};

    /// A pool of at most two connections, which can be opened while the database is `there`. Each one that is opened sends a message.
    fn workers(there: &Arc<AtomicBool>, sender: mpsc::Sender<()>) -> Arc<Workers<SqliteConnection>> {
        let there = Arc::clone(there);
        let connect: Connect<SqliteConnection> = Box::new(move || {
            if !there.load(Ordering::Acquire) {
                return Err(ConnectionError::BadConnection("away".to_owned()));
            }
            let connection = SqliteConnection::establish(":memory:")?;
            // The receiver may be gone.
            let _: Result<(), _> = sender.send(());
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

    /// The only connection that was opened during an outage belonged to an era that then ended. The pool opened no other one, and every
    /// caller found no connection and did not wait: the pool stayed empty forever.
    #[tokio::test]
    async fn a_pool_whose_last_connection_is_from_a_past_era_opens_another() {
        let there = Arc::new(AtomicBool::new(true));
        let (sender, receiver) = mpsc::channel();
        let workers = workers(&there, sender);
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
        tokio::task::spawn_blocking(move || (receiver.recv().unwrap(), receiver.recv().unwrap()))
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
