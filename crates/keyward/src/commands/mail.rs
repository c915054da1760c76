//! `keyward mail`: counts the emails in the outbox, lists those that failed, and tries them again.

use super::{
    listing::Listing,
    operator::{Operator, stamp},
};
use crate::{
    cli::{Mail, Output},
    output::{CommandError, print, print_json},
};
use auth_domain::{ids::MailId, mail::MailKind, time::Timestamp};
use auth_storage::outbox;
use serde_json::{Value, json};

/// How many emails are read at a time.
const PAGE: u32 = 100;
const HEADING: [&str; 6] = ["ID", "KIND", "CREATED", "ATTEMPTS", "STATE", "REASON"];

pub(super) async fn run(operator: Operator, verb: Mail) -> Result<(), CommandError> {
    match verb {
        Mail::Status(output) => status(&operator, output).await,
        Mail::List(output) => list(&operator, output).await,
        Mail::Retry { mails, .. } => retry(&operator, mails).await,
    }
}

async fn status(operator: &Operator, output: Output) -> Result<(), CommandError> {
    let figures = operator
        .storage
        .mail_figures()
        .await
        .map_err(CommandError::failed)?;
    if output.json {
        return print_json(&json!({ "waiting": figures.waiting, "failed": figures.failed }));
    }
    print(format_args!(
        "waiting: {}\ngiven up: {}",
        figures.waiting, figures.failed
    ))
}

async fn list(operator: &Operator, output: Output) -> Result<(), CommandError> {
    let now = operator.now();
    let mut listing = Listing::new(output, &HEADING);
    let mut after = None;
    loop {
        let page = undelivered(operator, after).await?;
        listing.page(&page, |mail| as_json(mail, now), |mail| as_row(mail, now))?;
        match page.last() {
            Some(last) => after = Some(last.id),
            None => return listing.end(),
        }
    }
}

async fn retry(operator: &Operator, named: Vec<String>) -> Result<(), CommandError> {
    let named = named
        .iter()
        .map(|id| mail_id(id))
        .collect::<Result<Vec<_>, _>>()?;
    let now = operator.now();
    let (mut due, mut left, mut unseen, mut after) = (0, 0, named.clone(), None);
    loop {
        let page = undelivered(operator, after).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        unseen.retain(|id| page.iter().all(|mail| mail.id != *id));
        let wanted = page
            .iter()
            .filter(|mail| named.is_empty() || named.contains(&mail.id));
        let (good, lapsed): (Vec<&outbox::Undelivered>, Vec<&outbox::Undelivered>) =
            wanted.partition(|mail| State::of(mail, now).may_be_retried());
        left += lapsed.len();
        let ids = good.iter().map(|mail| mail.id).collect();
        due += operator
            .storage
            .retry_mails(ids)
            .await
            .map_err(CommandError::failed)?;
    }
    if let Some(id) = unseen.first() {
        return Err(CommandError::Failed(format!(
            "{id} neither waits after a failed attempt nor was given up; emails that are tried again: {due}"
        )));
    }
    print(format_args!("emails that are tried again: {due}"))?;
    if left > 0 {
        print(format_args!(
            "emails that are not: {left} (their links have expired or their recipients are erased; `keyward mail list` shows them)"
        ))?;
    }
    Ok(())
}

async fn undelivered(
    operator: &Operator,
    after: Option<MailId>,
) -> Result<Vec<outbox::Undelivered>, CommandError> {
    operator
        .storage
        .undelivered_mails(after, PAGE)
        .await
        .map_err(CommandError::failed)
}

fn mail_id(text: &str) -> Result<MailId, CommandError> {
    text.parse()
        .map_err(|error| CommandError::Usage(format!("{text:?} is not the ID of an email: {error}")))
}

/// The state of an email.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    GivenUp,
    /// It was given up, and its recipient is erased.
    Erased,
    /// Its link has expired: the user has to request a new one.
    Lapsed,
}

impl State {
    fn of(mail: &outbox::Undelivered, now: Timestamp) -> Self {
        let kind = mail.kind.parse::<MailKind>();
        if kind.is_ok_and(|kind| kind.has_lapsed(mail.created_at, now)) {
            Self::Lapsed
        } else if !mail.can_be_retried {
            Self::Erased
        } else if mail.given_up {
            Self::GivenUp
        } else {
            Self::Waiting
        }
    }

    const fn may_be_retried(self) -> bool {
        matches!(self, Self::Waiting | Self::GivenUp)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::GivenUp => "given_up",
            Self::Erased => "erased",
            Self::Lapsed => "lapsed",
        }
    }
}

fn as_json(mail: &outbox::Undelivered, now: Timestamp) -> Value {
    json!({
        "id": mail.id.to_string(),
        "kind": mail.kind,
        "created_at": stamp(mail.created_at),
        "attempts": mail.attempts,
        "state": State::of(mail, now).as_str(),
        "why": mail.why,
    })
}

fn as_row(mail: &outbox::Undelivered, now: Timestamp) -> Vec<String> {
    vec![
        mail.id.to_string(),
        mail.kind.clone(),
        stamp(mail.created_at),
        mail.attempts.to_string(),
        State::of(mail, now).as_str().to_owned(),
        mail.why.clone(),
    ]
}
