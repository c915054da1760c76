//! `keyward session`: the operator lists and ends the sessions of a user.

use super::operator::{Operator, failed, failed_for, named_user, stamp};
use crate::{
    cli::{Output, Session, SessionStatus},
    output::{CommandError, print, print_json, print_table},
};
use auth_domain::{
    session::{self, SessionState},
    time::Timestamp,
    user::{Generation, User},
};
use auth_service::{Pagination, SessionFilter};
use serde_json::{Value, json};

/// How many sessions are read at a time.
const PAGE: u32 = 100;

pub(super) async fn run(operator: Operator, verb: Session) -> Result<(), CommandError> {
    match verb {
        Session::List { user, status, output } => list(&operator, &user, status, output).await,
        Session::End {
            session: Some(id), ..
        } => end(&operator, &id).await,
        Session::End {
            all_of: Some(user), ..
        } => end_all(&operator, &user).await,
        Session::End { .. } => Err(CommandError::Usage(
            "give the ID of a session, or a user with --all-of".to_owned(),
        )),
    }
}

async fn list(
    operator: &Operator,
    user: &str,
    status: SessionStatus,
    output: Output,
) -> Result<(), CommandError> {
    let admin = operator.admin()?;
    let user: User = named_user(&admin, user).await?;
    let filter = match status {
        SessionStatus::Active => SessionFilter::Active,
        SessionStatus::Ended => SessionFilter::Ended,
        SessionStatus::All => SessionFilter::All,
    };
    let now = operator.now();
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = Pagination { after, limit: PAGE };
        let part = admin.sessions(user.id, filter, page, now).await.map_err(failed)?;
        after = part.last().map(|session| session.id.as_uuid());
        let last = part.len() < PAGE as usize;
        found.extend(part);
        if last {
            break;
        }
    }
    if output.json {
        return print_json(
            &found
                .iter()
                .map(|session| as_json(session, user.generation, now))
                .collect::<Vec<_>>(),
        );
    }
    let rows: Vec<_> = found
        .iter()
        .map(|session| as_row(session, user.generation, now))
        .collect();
    print_table(
        &[
            "SESSION",
            "STATE",
            "CREATED",
            "LAST USED",
            "EXPIRES",
            "IP",
            "USER AGENT",
        ],
        &rows,
    )
}

fn state(session: &session::Session, generation: Generation, now: Timestamp) -> &str {
    match &session.state {
        SessionState::Ended { why, .. } => why.as_str(),
        SessionState::Active if session.is_live(generation, now) => "active",
        SessionState::Active if session.generation < generation => "cut",
        SessionState::Active => "expired",
    }
}

fn as_json(session: &session::Session, generation: Generation, now: Timestamp) -> Value {
    let (ended_at, end_reason) = match &session.state {
        SessionState::Active => (None, None),
        SessionState::Ended { at, why } => (Some(stamp(*at)), Some(why.as_str())),
    };
    json!({
        "id": session.id.to_string(),
        "user": session.user.to_string(),
        "live": session.is_live(generation, now),
        "created_at": stamp(session.created_at),
        "last_used_at": stamp(session.rotation.rotated_at),
        "expires_at": stamp(session.rotation.refresh_expires_at),
        "ended_at": ended_at,
        "end_reason": end_reason,
        "ip": session.origin.ip.map(|ip| ip.to_string()),
        "user_agent": session.origin.user_agent,
    })
}

fn as_row(session: &session::Session, generation: Generation, now: Timestamp) -> Vec<String> {
    vec![
        session.id.to_string(),
        state(session, generation, now).to_owned(),
        stamp(session.created_at),
        stamp(session.rotation.rotated_at),
        stamp(session.rotation.refresh_expires_at),
        session
            .origin
            .ip
            .map_or_else(|| "-".to_owned(), |ip| ip.to_string()),
        session
            .origin
            .user_agent
            .clone()
            .unwrap_or_else(|| "-".to_owned()),
    ]
}

async fn end(operator: &Operator, id: &str) -> Result<(), CommandError> {
    let id = id
        .parse()
        .map_err(|error| CommandError::Usage(format!("{id:?} is not the ID of a session: {error}")))?;
    let ended = operator
        .admin()?
        .end_session(id, None, &operator.caller())
        .await
        .map_err(|error| failed_for(error, format_args!("session {id}")))?;
    ended.settle(operator).await;
    print(format_args!("ended the session {id}"))
}

async fn end_all(operator: &Operator, user: &str) -> Result<(), CommandError> {
    let admin = operator.admin()?;
    let user: User = named_user(&admin, user).await?;
    let ended = admin
        .end_sessions(user.id, &operator.caller())
        .await
        .map_err(|error| failed_for(error, format_args!("user {}", user.id)))?;
    let count = ended.settle(operator).await.count;
    print(format_args!(
        "ended {count} session{} of {}",
        if count == 1 { "" } else { "s" },
        user.email.as_str()
    ))
}
