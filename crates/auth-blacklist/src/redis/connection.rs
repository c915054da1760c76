//! The commands of one connection, and what an error means for it.

use super::keys::Keys;
use crate::{
    protocol::Sentinel,
    wire::{Connection, Seen, WireError},
};
use ::redis::{ErrorKind, FromRedisValue, RedisError, ServerErrorKind, aio::MultiplexedConnection, cmd};
use auth_domain::{
    foreign_words::known,
    revocation::{Facts, Revocation, TokenRef},
    time::Timestamp,
    user::Generation,
};
use futures::{FutureExt, future::BoxFuture};
use std::sync::Arc;

/// Sent as text with every batch: a server that was restarted has no script by its hash, and the text costs some 20 µs a batch.
const MERGE: &str = include_str!("merge.lua");

/// A connection to the server that holds the keys.
pub(super) struct Wire {
    pub(super) connection: MultiplexedConnection,
    pub(super) keys: Arc<Keys>,
    /// Whether the server says whether it is the master; some hosted ones forbid the question.
    pub(super) tells_role: bool,
}

impl Wire {
    async fn ask<T: FromRedisValue>(&self, command: &::redis::Cmd) -> Result<T, WireError> {
        command
            .query_async(&mut self.connection.clone())
            .await
            .map_err(meaning)
    }

    async fn sentinel(&self) -> Result<Option<Sentinel>, WireError> {
        let value: Option<Vec<u8>> = self.ask(cmd("GET").arg(self.keys.sentinel())).await?;
        Ok(value.map(Sentinel::new))
    }

    async fn still_master(&self) -> Result<(), WireError> {
        if self.tells_role && role(&mut self.connection.clone()).await.map_err(meaning)? != "master" {
            return Err(WireError::Lost("the server is a replica".to_owned()));
        }
        Ok(())
    }

    async fn merge(&self, revocations: &[Revocation], now: Timestamp) -> Result<(), WireError> {
        let named: Vec<(String, i64)> = revocations
            .iter()
            .map(|revocation| self.keys.of_revocation(revocation))
            .collect();
        let mut script = cmd("EVAL");
        script.arg(MERGE).arg(named.len());
        for (key, _) in &named {
            script.arg(key);
        }
        for ((_, number), revocation) in named.iter().zip(revocations) {
            let left = (revocation.until - now).num_milliseconds().max(0);
            // Cut to milliseconds it would end up to one too early.
            script
                .arg(*number)
                .arg(revocation.until.timestamp_millis() + 1)
                .arg(left + 1);
        }
        self.ask(&script).await
    }
}

impl Connection for Wire {
    fn look(&self, token: TokenRef) -> BoxFuture<'_, Result<Seen, WireError>> {
        async move {
            let command = cmd("MGET")
                .arg(&self.keys.of_token(&token))
                .arg(self.keys.sentinel())
                .take();
            let (in_token, in_session, least, sentinel): Row = self.ask(&command).await?;
            let least = least.map(|number| generation(&number)).transpose()?;
            let facts = Facts {
                token: in_token.is_some(),
                session: in_session.is_some(),
                least,
            };
            Ok(Seen {
                facts,
                sentinel: sentinel.map(Sentinel::new),
            })
        }
        .boxed()
    }

    fn probe(&self) -> BoxFuture<'_, Result<Option<Sentinel>, WireError>> {
        async move {
            // Both at once: two commands on one connection are one round trip.
            let (sentinel, master) = futures::join!(self.sentinel(), self.still_master());
            master.and(sentinel)
        }
        .boxed()
    }

    fn merge<'a>(
        &'a self,
        revocations: &'a [Revocation],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), WireError>> {
        self.merge(revocations, now).boxed()
    }

    fn plant<'a>(&'a self, value: &'a Sentinel) -> BoxFuture<'a, Result<Option<Sentinel>, WireError>> {
        async move {
            let command = cmd("SET")
                .arg(self.keys.sentinel())
                .arg(value.as_bytes())
                .arg("NX")
                .take();
            let _set: Option<String> = self.ask(&command).await?;
            self.sentinel().await
        }
        .boxed()
    }

    fn complaint(&self) -> BoxFuture<'_, Option<String>> {
        async move {
            let info: String = self.ask(cmd("INFO").arg("memory")).await.ok()?;
            let policy = info
                .lines()
                .find_map(|line| line.trim().strip_prefix("maxmemory_policy:"))?;
            (policy != "noeviction").then(|| evicts(policy))
        }
        .boxed()
    }
}

/// Token, session, user and sentinel as `MGET` answers them.
type Row = (Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>);

fn evicts(policy: &str) -> String {
    format!(
        "Redis has maxmemory-policy {policy}: when its memory is full it forgets revocations, and a node that has not read one \
         from the database yet (blacklist.read_interval) would accept it. Set maxmemory-policy to noeviction"
    )
}

fn generation(number: &[u8]) -> Result<Generation, WireError> {
    let number = std::str::from_utf8(number)
        .ok()
        .and_then(|digits| digits.parse().ok());
    number
        .and_then(Generation::from_number)
        .ok_or_else(|| WireError::Refused("what is under a user's key is not a generation".to_owned()))
}

/// `master`, `slave` or `sentinel`.
pub(super) async fn role(connection: &mut MultiplexedConnection) -> Result<String, RedisError> {
    let answer: Vec<::redis::Value> = cmd("ROLE").query_async(connection).await?;
    let first = answer.into_iter().next().unwrap_or(::redis::Value::Nil);
    Ok(String::from_redis_value(first)?)
}

/// Whether the connection survives an error. A server that isn't the keys' master (any more) is as good as gone.
pub(super) fn meaning(error: RedisError) -> WireError {
    let lost = matches!(
        error.kind(),
        ErrorKind::Io
            | ErrorKind::Parse
            | ErrorKind::AuthenticationFailed
            | ErrorKind::Server(
                ServerErrorKind::Moved | ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown
            )
    ) || error.is_unrecoverable_error();
    let said = words(&error);
    if lost {
        WireError::Lost(said)
    } else {
        WireError::Refused(said)
    }
}

/// What may be logged of an error: its code and the words that can't hold a key, a password or an address. A server quotes what
/// it was sent, a proxy says what it likes.
fn words(error: &RedisError) -> String {
    let is_code = |code: &&str| code.len() <= 20 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    match error.code().filter(is_code) {
        Some(code) => {
            let detail = known(error.detail().unwrap_or_default());
            format!("{code} {detail}").trim_end().to_owned()
        }
        None => Some(known(&error.to_string()))
            .filter(|said| !said.is_empty())
            .unwrap_or_else(|| error.category().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::redis::parse_redis_value;

    #[test]
    fn of_what_redis_says_the_code_and_known_words_are_logged() {
        for (said, logged) in [
            (
                "-WRONGPASS invalid username-password pair or user is disabled.\r\n",
                "WRONGPASS invalid … or user is disabled",
            ),
            (
                "-ERR unknown command 'EVIL', with args beginning with: 'hunter2' 'ada@example.com'\r\n",
                "ERR unknown command … with … with …",
            ),
            ("-OOM command not allowed\r\n", "OOM command not allowed"),
            ("-hunter2 hunter2\r\n", "extension error"),
        ] {
            let value = parse_redis_value(said.as_bytes()).unwrap();
            let error = value.extract_error().unwrap_err();
            assert_eq!(words(&error), logged, "{said}");
        }
        let refused = std::io::Error::from_raw_os_error(111);
        assert_eq!(words(&RedisError::from(refused)), "Connection refused");
    }
}
