//! The one thread that writes to SQLite. It takes up to 64 waiting writes and commits them together, with one flush to the disk. The
//! rule: each write has a savepoint, so one that fails is rolled back without affecting the others. Each is answered after the commit,
//! and if the commit fails, all of them have failed.

use super::{
    Haste, Patience, TOO_LATE, answer, meaning,
    queue::{Queue, Refused},
};
use crate::{
    error::{Outage, StorageError},
    fault::Fault,
};
use diesel::{
    SqliteConnection,
    connection::{AnsiTransactionManager, TransactionManager},
    result::Error,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// The most writes that share a commit.
const MOST_TOGETHER: usize = 64;

/// A waiting write with a result of any type.
trait Write: Send {
    /// Whether its caller still waits for it.
    fn is_wanted(&self) -> bool;
    /// Runs it and keeps its result. `false`: its savepoint has to be rolled back.
    fn run(&mut self, c: &mut SqliteConnection) -> bool;
    /// Answers its caller after the commit or its failure.
    fn answer(self: Box<Self>, committed: Result<(), StorageError>);
}

struct Waiting<T, F> {
    operation: Option<F>,
    result: Option<Result<T, StorageError>>,
    sender: oneshot::Sender<Result<T, StorageError>>,
    queued: Instant,
    acquire: Duration,
}

impl<T: Send, F: FnOnce(&mut SqliteConnection) -> Result<T, Fault> + Send> Write for Waiting<T, F> {
    fn is_wanted(&self) -> bool {
        !self.sender.is_closed()
    }

    fn run(&mut self, c: &mut SqliteConnection) -> bool {
        let Some(operation) = self.operation.take() else {
            return false;
        };
        if self.queued.elapsed() > self.acquire {
            self.result = Some(Err(StorageError::Overloaded));
            return false;
        }
        let result = match catch_unwind(AssertUnwindSafe(|| operation(c))) {
            Ok(result) => result.map_err(|fault| meaning::<SqliteConnection>(fault).error),
            Err(_panic) => Err(StorageError::Unavailable(Outage::Faulty)),
        };
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn answer(self: Box<Self>, committed: Result<(), StorageError>) {
        let result = match (self.result, committed) {
            // A write that failed keeps its own error. One that succeeded depends on the commit.
            (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(StorageError::Unavailable(Outage::Stopping)),
        };
        // The receiver may be gone. The work is done anyway.
        let _: Result<(), _> = self.sender.send(result);
    }
}

/// The writer. When it is dropped, it finishes the waiting writes and closes the database.
pub(crate) struct Writer {
    queue: Arc<Queue<Box<dyn Write>>>,
    thread: Option<JoinHandle<()>>,
    acquire: Duration,
}

impl Writer {
    /// Starts the thread with its connection. `reconnect` opens another one after a fault.
    pub(crate) fn start(
        bound: usize,
        acquire: Duration,
        connection: SqliteConnection,
        reconnect: super::pool::Connect<SqliteConnection>,
    ) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::<Box<dyn Write>>::new(bound));
        let jobs = Arc::clone(&queue);
        let thread = thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                let mut connection = Some(connection);
                loop {
                    let batch = jobs.take(MOST_TOGETHER);
                    if batch.is_empty() {
                        return;
                    }
                    connection = match connection.or_else(|| reconnect().ok()) {
                        Some(c) => commit_together(c, batch),
                        None => {
                            refuse(batch, &StorageError::Unavailable(Outage::Unreachable));
                            None
                        }
                    };
                }
            })?;
        Ok(Self {
            queue,
            thread: Some(thread),
            acquire,
        })
    }

    /// Runs a write, and returns once it is on the disk.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        haste: Haste,
        operation: impl FnOnce(&mut SqliteConnection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StorageError> {
        let (sender, mut receiver) = oneshot::channel();
        let (queued, acquire) = (Instant::now(), self.acquire);
        let waiting = Waiting {
            operation: Some(operation),
            result: None,
            sender,
            queued,
            acquire,
        };
        match self.queue.push(Box::new(waiting)) {
            Ok(()) => {
                let patience = acquire.saturating_add(Patience::SQLITE.of(haste));
                answer(&mut receiver, patience).await.unwrap_or(Err(TOO_LATE))
            }
            Err(Refused::Full) => Err(StorageError::Overloaded),
            Err(Refused::Closed) => Err(StorageError::Unavailable(Outage::Stopping)),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // The thread catches panics, so it ends normally. If it does not, there is nothing left to do here.
            let _: thread::Result<()> = thread.join();
        }
    }
}

fn refuse(batch: Vec<Box<dyn Write>>, error: &StorageError) {
    for write in batch {
        write.answer(Err(error.clone()));
    }
}

/// Runs and commits a batch. `None`: the connection must not be used again.
fn commit_together(mut c: SqliteConnection, batch: Vec<Box<dyn Write>>) -> Option<SqliteConnection> {
    let mut batch: Vec<_> = batch.into_iter().filter(|write| write.is_wanted()).collect();
    match run_in_one_transaction(&mut c, &mut batch) {
        Ok(()) => {
            for write in batch {
                write.answer(Ok(()));
            }
            Some(c)
        }
        Err(error) => {
            let meaning = meaning::<SqliteConnection>(Fault::Sql(error));
            let busy = meaning.error == StorageError::Unavailable(Outage::Busy);
            // If the transaction can't be ended, the connection can't be used again.
            let ended = matches!(
                AnsiTransactionManager::rollback_transaction(&mut c),
                Ok(()) | Err(Error::NotInTransaction)
            );
            let error = match meaning.error {
                StorageError::Unavailable(outage) => StorageError::Unavailable(outage),
                _ => StorageError::Unavailable(Outage::Faulty),
            };
            refuse(batch, &error);
            (busy && ended).then_some(c)
        }
    }
}

fn run_in_one_transaction(c: &mut SqliteConnection, batch: &mut [Box<dyn Write>]) -> Result<(), Error> {
    if batch.is_empty() {
        return Ok(());
    }
    // IMMEDIATE: a transaction that first reads and then writes would fail at once if another process is writing.
    AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE")?;
    for write in batch {
        AnsiTransactionManager::begin_transaction(c)?;
        if write.run(c) {
            AnsiTransactionManager::commit_transaction(c)?;
        } else {
            // If the fault has rolled everything back (a full disk), this fails, and the batch with it.
            AnsiTransactionManager::rollback_transaction(c)?;
        }
    }
    <AnsiTransactionManager as TransactionManager<SqliteConnection>>::commit_transaction(c)
}
