//! Users with sessions, made over HTTP by a server whose hashes are cheap: how a token came to be does not matter to its checks.

use crate::{
    Outcome,
    http::Http,
    server::{Hashing, Place, Server},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

/// The password of all users.
pub const PASSWORD: &str = "correct horse battery staple";

/// How many requests are under way while users are made.
const AT_ONCE: usize = 32;

/// A session's tokens.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
}

/// Tokens, taken from the front: none is used by two scenarios that would spoil it.
#[derive(Debug)]
pub struct Harvest {
    /// How many users there are.
    pub users: usize,
    tokens: std::vec::IntoIter<Tokens>,
}

/// The address of a user.
#[must_use]
pub fn email(number: usize) -> String {
    format!("bench{number}@example.com")
}

/// The body of a sign-in.
#[must_use]
pub fn login(number: usize) -> Value {
    json!({ "email": email(number), "password": PASSWORD })
}

/// The text of a member.
fn text(value: &Value, name: &str) -> Outcome<String> {
    let text = value.get(name).and_then(Value::as_str);
    Ok(text.ok_or_else(|| format!("no {name} in {value}"))?.to_owned())
}

/// The tokens of an answer.
///
/// # Errors
/// If there are none.
pub fn tokens(answer: &Value) -> Outcome<Tokens> {
    Ok(Tokens {
        access: text(answer, "access_token")?,
        refresh: text(answer, "refresh_token")?,
    })
}

/// A claim of a token, unverified.
///
/// # Errors
/// If it is no token, or has no such claim.
pub fn claim(token: &str, name: &str) -> Outcome<String> {
    let claims = token.split('.').nth(1).ok_or("no token")?;
    text(&serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims)?)?, name)
}

impl Harvest {
    /// Registers users and signs each in so many times.
    ///
    /// # Errors
    /// If a request is refused.
    pub fn gather(place: &Place, http: &Http, users: usize, sessions: usize) -> Outcome<Self> {
        let server = Server::start(place, Hashing::Cheap, http)?;
        let bodies: Vec<Value> = (0..users).map(login).collect();
        http.post_all(&server.url("/register"), &bodies, 201, AT_ONCE)?;
        let numbers: Vec<usize> = (0..users).collect();
        let harvest = Self::sign_in(&server, http, &numbers, sessions)?;
        server.stop()?;
        Ok(harvest)
    }

    /// Signs users in that are there, each so many times.
    ///
    /// # Errors
    /// If a request is refused.
    pub fn sign_in(server: &Server, http: &Http, numbers: &[usize], sessions: usize) -> Outcome<Self> {
        let bodies = numbers.iter().map(|number| login(*number));
        let logins: Vec<Value> = std::iter::repeat_n(bodies, sessions).flatten().collect();
        let answers = http.post_all(&server.url("/login"), &logins, 200, AT_ONCE)?;
        let tokens = answers.iter().map(tokens).collect::<Outcome<Vec<_>>>()?;
        Ok(Self::of(numbers.len(), tokens))
    }

    /// Only the tokens of the last so many users.
    #[must_use]
    pub fn of_the_last(self, users: usize) -> Self {
        let all = self.users;
        // Each user once, and all of them over again.
        let others = all.saturating_sub(users);
        let tokens = self.tokens.enumerate().filter(|(n, _)| n % all >= others);
        Self::of(users, tokens.map(|(_, token)| token).collect())
    }

    /// One of tokens that are there already.
    #[must_use]
    pub fn of(users: usize, tokens: Vec<Tokens>) -> Self {
        Self {
            users,
            tokens: tokens.into_iter(),
        }
    }

    /// All that are left, for a use that spoils none.
    #[must_use]
    pub fn peek(&self) -> Vec<Tokens> {
        self.tokens.as_slice().to_vec()
    }

    /// The next so many.
    ///
    /// # Errors
    /// If fewer are left.
    pub fn take(&mut self, count: usize) -> Outcome<Vec<Tokens>> {
        let left = self.tokens.len();
        if left < count {
            return Err(format!("{count} tokens are wanted, {left} are left").into());
        }
        Ok(self.tokens.by_ref().take(count).collect())
    }
}

/// Writes a file of lines for a script.
///
/// # Errors
/// If it can't be written.
pub fn lines(folder: &Path, name: &str, lines: impl IntoIterator<Item = String>) -> Outcome<PathBuf> {
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
        let mut harvest = Harvest::of(1, (0..3).map(token).collect());
        assert_eq!(harvest.take(2).unwrap()[1].access, "a1");
        assert_eq!(harvest.take(1).unwrap()[0].refresh, "r2");
        assert!(harvest.take(1).is_err());
    }

    #[test]
    fn the_tokens_of_the_last_users_are_theirs_of_each_turn() {
        // Three users, two sessions each: 0 1 2, 0 1 2.
        let made = [0, 1, 2, 3, 4, 5].map(|n| Tokens {
            access: n.to_string(),
            refresh: String::new(),
        });
        let mut last = Harvest::of(3, made.to_vec()).of_the_last(2);
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
