//! What the crate asks of whatever the nodes share, without saying how: the binary hands in a connection to Redis.

use futures::future::BoxFuture;

/// Runs a Lua script on the one server that has the counters.
pub trait Shared: Send + Sync {
    /// Runs the script once, and never a second time by itself: a unit would be taken twice. How long an answer may take is for
    /// the asker to say, who drops the future.
    ///
    /// # Errors
    /// Why there is no answer, in words for the log without secrets.
    fn run<'a>(
        &'a self,
        script: &'a str,
        keys: &'a [String],
        args: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<i64>, String>>;
}
