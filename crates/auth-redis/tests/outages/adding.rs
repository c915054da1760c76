//! A script that adds to a counter in Redis.

use auth_redis::{RedisUrls, ScriptClient};
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// Adds to a counter and returns it.
pub(crate) const ADD: &str = "return {redis.call('INCRBY', KEYS[1], ARGV[1]), tonumber(ARGV[2])}";
const TIMEOUT: Duration = Duration::from_millis(100);

pub(crate) fn scripts(urls: &str) -> ScriptClient {
    ScriptClient::new(&RedisUrls::parse(urls).unwrap(), "any:{limits}:probe".to_owned())
}

pub(crate) async fn add(scripts: &ScriptClient) -> Result<i64, String> {
    let keys = ["any:{limits}:counter".to_owned()];
    let answer = timeout(TIMEOUT, scripts.eval(ADD, &keys, &[1, -9]))
        .await
        .map_err(|_| "no answer in time".to_owned())?
        .map_err(|error| error.to_string())?;
    assert_eq!(answer[1], -9);
    Ok(answer[0])
}

/// Tries until there is an answer; fails after ten seconds.
pub(crate) async fn add_until_answered(scripts: &ScriptClient) -> i64 {
    let begun = Instant::now();
    loop {
        match add(scripts).await {
            Ok(counter) => return counter,
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(10), "{error}"),
        }
        sleep(Duration::from_millis(20)).await;
    }
}
