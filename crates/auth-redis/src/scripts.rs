//! Scripts on the server that holds a slot, for what is counted there, over a connection of their own: what is counted doesn't
//! wait in line with what is revoked.
//!
//! The connection is made when it is first needed, dropped when it is lost, and made anew at the next call. Nothing is sent a
//! second time: whether the first was carried out can't be known.

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

/// How long making a connection may take, with finding the server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection on which so long ago something was asked and nothing was answered since is given up: a link that was cut says
/// nothing for minutes, and whoever asks may have less patience than that.
const GIVE_UP: Duration = Duration::from_secs(1);

/// A connection that is being made or was. It is made by a task of its own, because those who wait for it may go away.
type Making = Shared<BoxFuture<'static, Result<Connection, RedisError>>>;

/// Runs scripts.
pub struct Scripts {
    servers: Arc<Servers>,
    runtime: Option<Handle>,
    line: Mutex<Line>,
}

/// The connection there is.
#[derive(Default)]
struct Line {
    /// Counts the connections.
    number: u64,
    making: Option<Making>,
    /// When the first of those questions was asked that were followed by no answer.
    silent_since: Option<Instant>,
}

impl Scripts {
    /// Scripts on the server that holds this key, and all other keys that they may name: those of its slot. Nothing is connected
    /// yet. The connection will live on the runtime that this is called on, or where there is none, on that of the first call.
    #[must_use]
    pub fn new(urls: &RedisUrls, probe_key: String) -> Self {
        Self {
            servers: Arc::new(Servers::new(urls, probe_key)),
            runtime: Handle::try_current().ok(),
            line: Mutex::default(),
        }
    }

    /// Runs a script that answers with numbers, once. How long that may take is for the asker to say.
    ///
    /// # Errors
    /// Why there is no answer; the script may have been carried out all the same.
    pub async fn eval(&self, script: &str, keys: &[String], args: &[i64]) -> Result<Vec<i64>, RedisError> {
        let (number, making) = self.connection();
        let connection = making.await.inspect_err(|_| self.drop_connection(number))?;
        self.asking(number);
        let answer = connection.eval(script, keys, args).await;
        match &answer {
            Err(RedisError::Lost(_)) => self.drop_connection(number),
            _ => self.answered(number),
        }
        answer
    }

    /// The connection that there is and that may be of use, or a new one.
    fn connection(&self) -> (u64, Making) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let silent = line.silent_since.is_some_and(|since| since.elapsed() > GIVE_UP);
        let usable = line.making.take().filter(|making| !silent && !has_failed(making));
        let making = usable.unwrap_or_else(|| {
            line.number += 1;
            line.silent_since = None;
            self.make()
        });
        line.making = Some(making.clone());
        (line.number, making)
    }

    fn make(&self) -> Making {
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

    fn asking(&self, number: u64) {
        self.on(number, |line| {
            line.silent_since.get_or_insert_with(Instant::now);
        });
    }

    fn answered(&self, number: u64) {
        self.on(number, |line| line.silent_since = None);
    }

    fn drop_connection(&self, number: u64) {
        self.on(number, |line| {
            line.silent_since = None;
            line.making = None;
        });
    }

    /// Notes something of a connection, unless another has taken its place.
    fn on(&self, number: u64, note: impl FnOnce(&mut Line)) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if line.number == number {
            note(&mut line);
        }
    }
}

/// Whether the attempt has ended without a connection, perhaps while nobody was waiting any more.
fn has_failed(making: &Making) -> bool {
    matches!(making.clone().now_or_never(), Some(Err(_)))
}
