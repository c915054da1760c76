//! What an error of Redis means for the connection, in words that may be logged.

use ::redis::{ErrorKind, RedisError as LibraryError, ServerErrorKind};
use auth_domain::foreign_words::known;

/// Why Redis gave no usable answer. The words are for the log; they hold no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedisError {
    /// The connection can't be used again: it broke, or its server is not the right one, or no longer.
    #[error("the connection is gone: {0}")]
    Lost(String),
    /// The server answered with an error, such as `OOM` or `LOADING`. The connection stays usable.
    #[error("the server refused: {0}")]
    Refused(String),
}

/// Whether the connection survives an error. A server that isn't the keys' master (any more) is as good as gone.
pub(crate) fn meaning(error: LibraryError) -> RedisError {
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
        RedisError::Lost(said)
    } else {
        RedisError::Refused(said)
    }
}

/// What may be logged of an error: its code and the words that can't hold a key, a password or an address. A server quotes what
/// it was sent, a proxy says what it likes.
fn words(error: &LibraryError) -> String {
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
        assert_eq!(words(&LibraryError::from(refused)), "Connection refused");
    }
}
