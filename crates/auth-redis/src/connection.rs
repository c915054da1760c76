//! The commands of one connection. Each is sent once. The caller sets the timeout by dropping the future.

use crate::error::{RedisError, classify};
use ::redis::{Cmd, FromRedisValue, RedisError as LibraryError, Value, aio::MultiplexedConnection, cmd};

/// A connection to the server that holds the keys. Clones share it. A broken connection never recovers.
#[derive(Clone)]
pub struct Connection {
    inner: MultiplexedConnection,
    /// Whether the server answers `ROLE`; some hosted servers forbid it.
    reports_role: bool,
}

impl Connection {
    pub(crate) const fn new(inner: MultiplexedConnection, reports_role: bool) -> Self {
        Self { inner, reports_role }
    }

    /// The value of a key (`GET`).
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, RedisError> {
        self.query(cmd("GET").arg(key)).await
    }

    /// The values of several keys of one slot, read atomically (`MGET`).
    pub async fn get_all<const N: usize>(
        &self,
        keys: &[String; N],
    ) -> Result<[Option<Vec<u8>>; N], RedisError> {
        let values: Vec<Option<Vec<u8>>> = self.query(cmd("MGET").arg(keys)).await?;
        values
            .try_into()
            .map_err(|_| RedisError::Lost("the number of values differs from the number of keys".to_owned()))
    }

    /// Sets a key if it does not exist (`SET NX`).
    ///
    /// # Errors
    /// [`RedisError`]. The key may have been set nevertheless.
    pub async fn set_if_absent(&self, key: &str, value: &[u8]) -> Result<(), RedisError> {
        let _set: Option<String> = self.query(cmd("SET").arg(key).arg(value).arg("NX")).await?;
        Ok(())
    }

    /// Runs a script that returns integers. It is sent as text: a restarted server does not know the script by its hash.
    ///
    /// # Errors
    /// [`RedisError`]. The script may have run nevertheless.
    pub async fn eval(&self, script: &str, keys: &[String], args: &[i64]) -> Result<Vec<i64>, RedisError> {
        let mut command = cmd("EVAL");
        command.arg(script).arg(keys.len()).arg(keys).arg(args);
        self.query(&command).await
    }

    /// Checks that the server is still the master, if it reports its role.
    ///
    /// # Errors
    /// [`RedisError::Lost`] if the server is now a replica.
    pub async fn check_master(&self) -> Result<(), RedisError> {
        if self.reports_role && role(&mut self.inner.clone()).await.map_err(classify)? != "master" {
            return Err(RedisError::Lost("the server is a replica".to_owned()));
        }
        Ok(())
    }

    /// The server's `maxmemory-policy`; `None` if the server does not report it.
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
            .map_err(classify)
    }
}

/// `master`, `slave` or `sentinel`.
pub(crate) async fn role(connection: &mut MultiplexedConnection) -> Result<String, LibraryError> {
    let answer: Vec<Value> = cmd("ROLE").query_async(connection).await?;
    let first = answer.into_iter().next().unwrap_or(Value::Nil);
    Ok(String::from_redis_value(first)?)
}
