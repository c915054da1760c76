//! Runs scripts on the server that holds a slot, over a connection of their own, so that rate limits don't queue behind revocations.
//!
//! The connection is made when it is first needed and dropped when it is lost; the next call makes a new one. A script is never
//! sent a second time: whether the first one ran can not be known.

use crate::{Connection, RedisError, RedisUrls, Servers};
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    runtime::Handle,
    time::{Instant, timeout},
};

/// How long connecting may take, finding the server included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection that left a command unanswered for longer than this is given up. A network that drops packets reports no error for
/// minutes, and callers have shorter timeouts than that.
const MAX_SILENCE: Duration = Duration::from_secs(1);

/// A connection that is being made, or was made. A task of its own makes it, because the callers that wait for it may stop waiting.
type PendingConnection = Shared<BoxFuture<'static, Result<Connection, RedisError>>>;

/// Runs scripts over one shared connection.
pub struct ScriptClient {
    servers: Arc<Servers>,
    runtime: Option<Handle>,
    current: Mutex<Current>,
}

/// The current connection.
#[derive(Default)]
struct Current {
    /// The number of the connection, counted from the first one.
    number: u64,
    connection: Option<PendingConnection>,
    /// When the first command was sent since the last answer.
    silent_since: Option<Instant>,
}

impl ScriptClient {
    /// A client of the server that holds `probe_key`. Scripts may use the keys of that key's slot. Nothing is connected yet. The
    /// connection runs on the current Tokio runtime or, if there is none, on that of the first call.
    #[must_use]
    pub fn new(urls: &RedisUrls, probe_key: String) -> Self {
        Self {
            servers: Arc::new(Servers::new(urls, probe_key)),
            runtime: Handle::try_current().ok(),
            current: Mutex::default(),
        }
    }

    /// Runs a script that returns integers, once. The caller sets the timeout by dropping the future.
    ///
    /// # Errors
    /// [`RedisError`]. The script may have run nevertheless.
    pub async fn eval(&self, script: &str, keys: &[String], args: &[i64]) -> Result<Vec<i64>, RedisError> {
        let (number, pending) = self.connection();
        let connection = pending.await.inspect_err(|_| self.drop_connection(number))?;
        self.note_sent(number);
        let answer = connection.eval(script, keys, args).await;
        match &answer {
            Err(RedisError::Lost(_)) => self.drop_connection(number),
            _ => self.note_answered(number),
        }
        answer
    }

    /// The current connection if it is usable, or a new one.
    fn connection(&self) -> (u64, PendingConnection) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let silent = current
            .silent_since
            .is_some_and(|since| since.elapsed() > MAX_SILENCE);
        let usable = current
            .connection
            .take()
            .filter(|pending| !silent && !has_failed(pending));
        let pending = usable.unwrap_or_else(|| {
            current.number += 1;
            current.silent_since = None;
            self.connect()
        });
        current.connection = Some(pending.clone());
        (current.number, pending)
    }

    fn connect(&self) -> PendingConnection {
        let servers = Arc::clone(&self.servers);
        let attempt = async move {
            timeout(CONNECT_TIMEOUT, servers.connect())
                .await
                .unwrap_or_else(|_| Err(RedisError::Lost("no connection within a second".to_owned())))
        };
        let task = match &self.runtime {
            Some(runtime) => runtime.spawn(attempt),
            None => tokio::spawn(attempt),
        };
        task.map(|made| made.unwrap_or_else(|error| Err(RedisError::Lost(error.to_string()))))
            .boxed()
            .shared()
    }

    fn note_sent(&self, number: u64) {
        self.update(number, |current| {
            current.silent_since.get_or_insert_with(Instant::now);
        });
    }

    fn note_answered(&self, number: u64) {
        self.update(number, |current| current.silent_since = None);
    }

    fn drop_connection(&self, number: u64) {
        self.update(number, |current| {
            current.silent_since = None;
            current.connection = None;
        });
    }

    /// Updates the state of a connection, unless another connection has replaced it.
    fn update(&self, number: u64, change: impl FnOnce(&mut Current)) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.number == number {
            change(&mut current);
        }
    }
}

/// Whether the attempt to connect has failed, perhaps after all its callers had stopped waiting.
fn has_failed(pending: &PendingConnection) -> bool {
    matches!(pending.clone().now_or_never(), Some(Err(_)))
}
