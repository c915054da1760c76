//! Classifies the errors of Redis: whether the connection is still usable, with a text that is safe to log.

use ::redis::{ErrorKind, RedisError as LibraryError, ServerErrorKind};
use auth_domain::foreign_words::known;

/// Why Redis gave no usable answer. The text is for the log and holds no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedisError {
    /// The connection can't be used again: it broke, or its server is not the master of the keys.
    #[error("the connection is lost: {0}")]
    Lost(String),
    /// The server answered with an error, such as `OOM` or `LOADING`. The connection stays usable.
    #[error("the server refused: {0}")]
    Refused(String),
}

/// Whether the connection is still usable after an error. A server that is not, or no longer, the master of the keys counts as
/// lost.
pub(crate) fn classify(error: LibraryError) -> RedisError {
    let lost = matches!(
        error.kind(),
        ErrorKind::Io
            | ErrorKind::Parse
            | ErrorKind::AuthenticationFailed
            | ErrorKind::Server(
                ServerErrorKind::Moved | ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown
            )
    ) || error.is_unrecoverable_error();
    let text = loggable_text(&error);
    if lost {
        RedisError::Lost(text)
    } else {
        RedisError::Refused(text)
    }
}

/// The part of an error that is safe to log: its code and known words. The rest may hold a key, a password or an address: a server
/// quotes what it was sent, and a proxy may answer anything.
fn loggable_text(error: &LibraryError) -> String {
    let is_code = |code: &&str| code.len() <= 20 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    match error.code().filter(is_code) {
        Some(code) => {
            let detail = known(error.detail().unwrap_or_default());
            format!("{code} {detail}").trim_end().to_owned()
        }
        None => Some(known(&error.to_string()))
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| error.category().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::redis::parse_redis_value;

    #[test]
    fn only_the_code_and_known_words_of_an_error_are_logged() {
        for (reply, logged) in [
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
            let value = parse_redis_value(reply.as_bytes()).unwrap();
            let error = value.extract_error().unwrap_err();
            assert_eq!(loggable_text(&error), logged, "{reply}");
        }
        let refused = std::io::Error::from_raw_os_error(111);
        assert_eq!(loggable_text(&LibraryError::from(refused)), "Connection refused");
    }
}
