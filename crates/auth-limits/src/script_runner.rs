//! What the crate asks of whatever the nodes share: Redis, or what a test puts in its place.

use auth_redis::{RedisError, Scripts};
use futures::{FutureExt, future::BoxFuture};

/// Runs a Lua script on the one server that has the counters.
pub trait ScriptRunner: Send + Sync {
    /// Runs the script once, and never a second time by itself: a unit would be taken twice. How long an answer may take is for
    /// the asker to say, who drops the future.
    ///
    /// # Errors
    /// [`RedisError`]; the script may have been carried out all the same.
    fn run<'a>(
        &'a self,
        script: &'a str,
        keys: &'a [String],
        args: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<i64>, RedisError>>;
}

impl ScriptRunner for Scripts {
    fn run<'a>(
        &'a self,
        script: &'a str,
        keys: &'a [String],
        args: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<i64>, RedisError>> {
        self.eval(script, keys, args).boxed()
    }
}
