//! The commands of one connection. Each is sent once; how long an answer may take is for its user to say, who drops the future.

use crate::error::{RedisError, meaning};
use ::redis::{Cmd, FromRedisValue, RedisError as LibraryError, Value, aio::MultiplexedConnection, cmd};

/// A connection to the server that holds the keys. Clones share it; once broken, it fails for good.
#[derive(Clone)]
pub struct Connection {
    inner: MultiplexedConnection,
    /// Whether the server says whether it is the master; some hosted ones forbid the question.
    tells_role: bool,
}

impl Connection {
    pub(crate) const fn new(inner: MultiplexedConnection, tells_role: bool) -> Self {
        Self { inner, tells_role }
    }

    /// The value of a key.
    ///
    /// # Errors
    /// [`RedisError`].
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, RedisError> {
        self.query(cmd("GET").arg(key)).await
    }

    /// The values of several keys of one slot, read at one instant of the server.
    ///
    /// # Errors
    /// [`RedisError`].
    pub async fn get_all<const N: usize>(
        &self,
        keys: &[String; N],
    ) -> Result<[Option<Vec<u8>>; N], RedisError> {
        let values: Vec<Option<Vec<u8>>> = self.query(cmd("MGET").arg(keys)).await?;
        values
            .try_into()
            .map_err(|_| RedisError::Lost("another number of values than of keys came back".to_owned()))
    }

    /// Sets a key that is not there. One that is there keeps its value.
    ///
    /// # Errors
    /// [`RedisError`]; it may be set all the same.
    pub async fn set_if_absent(&self, key: &str, value: &[u8]) -> Result<(), RedisError> {
        let _set: Option<String> = self.query(cmd("SET").arg(key).arg(value).arg("NX")).await?;
        Ok(())
    }

    /// Runs a script that answers with numbers. It is sent as text: a server that was restarted has no script by its hash.
    ///
    /// # Errors
    /// [`RedisError`]; the script may have been carried out all the same.
    pub async fn eval(&self, script: &str, keys: &[String], args: &[i64]) -> Result<Vec<i64>, RedisError> {
        let mut command = cmd("EVAL");
        command.arg(script).arg(keys.len()).arg(keys).arg(args);
        self.query(&command).await
    }

    /// Whether the server is still the master, as far as it tells.
    ///
    /// # Errors
    /// [`RedisError::Lost`] where it is a replica now.
    pub async fn check_master(&self) -> Result<(), RedisError> {
        if self.tells_role && role(&mut self.inner.clone()).await.map_err(meaning)? != "master" {
            return Err(RedisError::Lost("the server is a replica".to_owned()));
        }
        Ok(())
    }

    /// The server's `maxmemory-policy`; `None` where it does not tell.
    pub async fn memory_policy(&self) -> Option<String> {
        let info: String = self.query(cmd("INFO").arg("memory")).await.ok()?;
        info.lines()
            .find_map(|line| line.trim().strip_prefix("maxmemory_policy:"))
            .map(str::to_owned)
    }

    async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisError> {
        command
            .query_async(&mut self.inner.clone())
            .await
            .map_err(meaning)
    }
}

/// `master`, `slave` or `sentinel`.
pub(crate) async fn role(connection: &mut MultiplexedConnection) -> Result<String, LibraryError> {
    let answer: Vec<Value> = cmd("ROLE").query_async(connection).await?;
    let first = answer.into_iter().next().unwrap_or(Value::Nil);
    Ok(String::from_redis_value(first)?)
}
