//! Users with sessions, created over HTTP by a server with cheap hashes: the checks of a token don't depend on how it was created.

use crate::{
    BenchResult,
    http::Http,
    server::{Deployment, Hashing, Server},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

/// The password of all users.
pub const PASSWORD: &str = "correct horse battery staple";

/// Concurrent requests while users are created.
const CONCURRENCY: usize = 32;

/// The tokens of a session.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
}

/// A pool of tokens. A scenario takes the tokens that it uses up, so no other scenario gets them.
#[derive(Debug)]
pub struct TokenPool {
    /// The number of users.
    pub users: usize,
    tokens: std::vec::IntoIter<Tokens>,
}

/// The email address of a user.
#[must_use]
pub fn email(number: usize) -> String {
    format!("bench{number}@example.com")
}

/// The body of a user's sign-in.
#[must_use]
pub fn login(number: usize) -> Value {
    json!({ "email": email(number), "password": PASSWORD })
}

/// The string value of a member.
fn text(value: &Value, name: &str) -> BenchResult<String> {
    let text = value.get(name).and_then(Value::as_str);
    Ok(text.ok_or_else(|| format!("no {name} in {value}"))?.to_owned())
}

/// The tokens in an answer.
///
/// # Errors
/// If the answer has none.
pub fn tokens(answer: &Value) -> BenchResult<Tokens> {
    Ok(Tokens {
        access: text(answer, "access_token")?,
        refresh: text(answer, "refresh_token")?,
    })
}

/// A claim of a token, without verification.
///
/// # Errors
/// If the text is not a token or has no such claim.
pub fn claim(token: &str, name: &str) -> BenchResult<String> {
    let claims = token.split('.').nth(1).ok_or("no token")?;
    text(&serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims)?)?, name)
}

impl TokenPool {
    /// Registers `users` users and signs each of them in `sessions` times.
    ///
    /// # Errors
    /// If a request is refused.
    pub fn create(deployment: &Deployment, http: &Http, users: usize, sessions: usize) -> BenchResult<Self> {
        let server = Server::start(deployment, Hashing::Cheap, http)?;
        let bodies: Vec<Value> = (0..users).map(login).collect();
        http.post_all(&server.url("/register"), &bodies, 201, CONCURRENCY)?;
        let numbers: Vec<usize> = (0..users).collect();
        let pool = Self::sign_in(&server, http, &numbers, sessions)?;
        server.stop()?;
        Ok(pool)
    }

    /// Signs existing users in, each of them `sessions` times.
    ///
    /// # Errors
    /// If a request is refused.
    pub fn sign_in(server: &Server, http: &Http, numbers: &[usize], sessions: usize) -> BenchResult<Self> {
        let bodies = numbers.iter().map(|number| login(*number));
        let logins: Vec<Value> = std::iter::repeat_n(bodies, sessions).flatten().collect();
        let answers = http.post_all(&server.url("/login"), &logins, 200, CONCURRENCY)?;
        let tokens = answers.iter().map(tokens).collect::<BenchResult<Vec<_>>>()?;
        Ok(Self::of(numbers.len(), tokens))
    }

    /// A pool with only the tokens of the last `users` users.
    #[must_use]
    pub fn of_last_users(self, users: usize) -> Self {
        let all = self.users;
        // The tokens are in rounds: each round has one token of each user.
        let others = all.saturating_sub(users);
        let tokens = self.tokens.enumerate().filter(|(n, _)| n % all >= others);
        Self::of(users, tokens.map(|(_, token)| token).collect())
    }

    /// A pool of existing tokens.
    #[must_use]
    pub fn of(users: usize, tokens: Vec<Tokens>) -> Self {
        Self {
            users,
            tokens: tokens.into_iter(),
        }
    }

    /// All remaining tokens, for a use that does not use them up.
    #[must_use]
    pub fn remaining(&self) -> Vec<Tokens> {
        self.tokens.as_slice().to_vec()
    }

    /// Takes the next `count` tokens.
    ///
    /// # Errors
    /// If fewer are left.
    pub fn take(&mut self, count: usize) -> BenchResult<Vec<Tokens>> {
        let left = self.tokens.len();
        if left < count {
            return Err(format!("{count} tokens are needed, {left} are left").into());
        }
        Ok(self.tokens.by_ref().take(count).collect())
    }
}

/// Writes lines to a file for a script, and returns its path.
///
/// # Errors
/// If the file can't be written.
pub fn lines(folder: &Path, name: &str, lines: impl IntoIterator<Item = String>) -> BenchResult<PathBuf> {
    let path = folder.join(name);
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path)?);
    for line in lines {
        writeln!(file, "{line}")?;
    }
    file.flush()?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_once() {
        let token = |n: u32| Tokens {
            access: format!("a{n}"),
            refresh: format!("r{n}"),
        };
        let mut pool = TokenPool::of(1, (0..3).map(token).collect());
        assert_eq!(pool.take(2).unwrap()[1].access, "a1");
        assert_eq!(pool.take(1).unwrap()[0].refresh, "r2");
        assert!(pool.take(1).is_err());
    }

    #[test]
    fn the_pool_of_the_last_users_has_their_tokens_of_each_round() {
        // Three users, two sessions each: 0 1 2, 0 1 2.
        let made = [0, 1, 2, 3, 4, 5].map(|n| Tokens {
            access: n.to_string(),
            refresh: String::new(),
        });
        let mut last = TokenPool::of(3, made.to_vec()).of_last_users(2);
        let names: Vec<String> = last.take(4).unwrap().into_iter().map(|one| one.access).collect();
        assert_eq!(names, ["1", "2", "4", "5"]);
        assert!(last.take(1).is_err());
    }

    #[test]
    fn a_claim_is_read_from_the_middle_part() {
        let token = format!("x.{}.y", URL_SAFE_NO_PAD.encode(r#"{"sid":"abc"}"#));
        assert_eq!(claim(&token, "sid").unwrap(), "abc");
        assert!(claim(&token, "sub").is_err());
    }
}
