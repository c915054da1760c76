//! Translates an HTTP answer for the oracle. The rule: only documented answers have a meaning. Any other is passed on word for word,
//! and no state allows it.

use crate::oracle::{Answered, Op, Outcome, Pair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use tests::Answer;

/// What an answer means.
pub(crate) enum Reading {
    /// A decision: done or refused.
    Reply(Reply),
    /// 503 with `Retry-After`: the call may have taken effect or not.
    Unavailable,
}

/// A reply, and the access token in it.
pub(crate) struct Reply {
    pub(crate) answered: Answered,
    pub(crate) access: Option<String>,
}

impl Reply {
    /// Whether it only says that a token has expired or is not valid yet.
    pub(crate) fn is_about_time(&self) -> bool {
        let about_time = |text: &String| {
            ["token_expired", "invalid_token"]
                .iter()
                .any(|code| text.contains(code))
        };
        matches!(&self.answered.outcome, Outcome::Other(text) if about_time(text))
    }
}

/// Reads an answer to a call by the user of this email address. `sid` is the session whose token the call presented.
pub(crate) fn read(op: &Op, answer: &Answer, email: &str, sid: Option<&str>) -> Reading {
    let body: Value = serde_json::from_str(&answer.text).unwrap_or(Value::Null);
    let code = body["code"].as_str().unwrap_or_default();
    if answer.status == 503 {
        let is_outage =
            matches!(code, "unavailable" | "overloaded") && answer.header("retry-after").is_some();
        return if is_outage {
            Reading::Unavailable
        } else {
            outcome(undocumented(answer))
        };
    }
    outcome(match (op, answer.status, code) {
        (Op::Register { .. }, 201, _) | (Op::Login, 200, _) => match pair(&body, email) {
            Some((pair, access)) => return tokens(Outcome::SignedIn, pair, access),
            None => undocumented(answer),
        },
        (Op::Refresh { .. }, 200, _) => match pair(&body, email) {
            Some((pair, access)) => return tokens(Outcome::Pair(pair.number), pair, access),
            None => undocumented(answer),
        },
        (Op::Register { .. }, 409, "email_taken") => Outcome::EmailTaken,
        (Op::Login, 401, "invalid_credentials") => Outcome::BadCredentials,
        (Op::Refresh { .. }, 401, "token_already_used") => Outcome::AlreadyUsed,
        (Op::Register { .. } | Op::Login, _, _) => undocumented(answer),
        (_, 401, "token_revoked") => Outcome::Revoked,
        (Op::Refresh { .. }, _, _) => undocumented(answer),
        (_, 401, "all_sessions_revoked") => Outcome::Cut,
        (Op::Logout { .. } | Op::LogoutByRefresh { .. } | Op::LogoutAll { .. }, 200, _)
        | (Op::EndSession { .. }, 204, _) => Outcome::Ended,
        (Op::Rename { .. } | Op::Me { .. }, 200, _) => {
            match (body["email"].as_str(), body["name"].as_str()) {
                (Some(whose), Some(name)) if whose == email => Outcome::Named(name.to_owned()),
                _ => undocumented(answer),
            }
        }
        (Op::Verify { .. }, 204, _) if sid.is_some() && answer.header("x-auth-session") == sid => {
            Outcome::Accepted
        }
        _ => undocumented(answer),
    })
}

fn undocumented(answer: &Answer) -> Outcome {
    let retry_after = answer.header("retry-after");
    Outcome::Other(format!(
        "{}, Retry-After {retry_after:?}: {}",
        answer.status, answer.text
    ))
}

fn outcome(outcome: Outcome) -> Reading {
    Reading::Reply(Reply {
        answered: Answered { outcome, pair: None },
        access: None,
    })
}

fn tokens(outcome: Outcome, pair: Pair, access: String) -> Reading {
    Reading::Reply(Reply {
        answered: Answered {
            outcome,
            pair: Some(pair),
        },
        access: Some(access),
    })
}

/// The tokens of an answer, if both are of one session of this user.
fn pair(body: &Value, email: &str) -> Option<(Pair, String)> {
    let (refresh, access) = (body["refresh_token"].as_str()?, body["access_token"].as_str()?);
    let (of_refresh, of_access) = (claims(refresh)?, claims(access)?);
    let (sid, number) = of_refresh["jti"].as_str()?.split_once('.')?;
    let same = [&of_refresh["sid"], &of_access["sid"]]
        .iter()
        .all(|of| **of == sid);
    (same && of_access["email"] == email && body["user"]["email"] == email).then_some(())?;
    let pair = Pair {
        sid: sid.to_owned(),
        number: number.parse().ok()?,
        refresh: refresh.to_owned(),
    };
    Some((pair, access.to_owned()))
}

/// The claims of a token. Its signature is the server's to verify.
pub(crate) fn claims(token: &str) -> Option<Value> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}
