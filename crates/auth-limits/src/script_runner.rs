//! The interface to the store that the nodes share: Redis, or a test's stub.

use auth_redis::{RedisError, ScriptClient};
use futures::{FutureExt, future::BoxFuture};

/// Runs a Lua script on the one server that has the counters.
pub trait ScriptRunner: Send + Sync {
    /// Runs the script once. It is never retried: a permit would be taken twice. The caller sets the timeout by dropping the
    /// future.
    ///
    /// # Errors
    /// [`RedisError`]. The script may have run nevertheless.
    fn run<'a>(
        &'a self,
        script: &'a str,
        keys: &'a [String],
        args: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<i64>, RedisError>>;
}

impl ScriptRunner for ScriptClient {
    fn run<'a>(
        &'a self,
        script: &'a str,
        keys: &'a [String],
        args: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<i64>, RedisError>> {
        self.eval(script, keys, args).boxed()
    }
}
