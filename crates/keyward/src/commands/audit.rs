//! `keyward audit`: lists the audit events, and verifies that they are stored as they were written.

use super::{
    keys,
    listing::Listing,
    operator::{Operator, account, failed, named_user, stamp},
};
use crate::{
    cli::{Audit, Output, SealName, WantedEvents},
    output::{CommandError, print, print_json},
};
use auth_domain::audit::{Actor, AuditEvent, Seal};
use auth_service::{
    Admin, AuditFilter, AuditLog, ChainStart, ChainStatus, Pagination, SystemEntropy, UserRef,
};
use serde_json::{Value, json};

/// How many events are read and printed at a time.
const PAGE: u32 = 500;
const HEADING: [&str; 6] = ["AT", "ACTION", "ACTOR", "SUBJECT", "IP", "DETAILS"];

pub(super) async fn run(operator: Operator, verb: Audit) -> Result<(), CommandError> {
    match verb {
        Audit::Verify { head, output } => verify(&operator, head, output).await,
        Audit::Accept => accept(&operator).await,
        Audit::List {
            wanted,
            limit,
            output,
        } => {
            let mut listing = Listing::new(output, &HEADING);
            pages(&operator, wanted, limit, |events| {
                listing.page(events, as_json, as_row)
            })
            .await?;
            listing.end()
        }
        Audit::Export(wanted) => pages(&operator, wanted, u32::MAX, lines).await,
    }
}

async fn open_log(operator: &Operator) -> Result<AuditLog, CommandError> {
    let master = keys::known_master_key(operator).await?;
    AuditLog::open(operator.storage.clone(), &master, &SystemEntropy)
        .await
        .map_err(failed)
}

async fn accept(operator: &Operator) -> Result<(), CommandError> {
    let log = open_log(operator).await?;
    let newest = log.accept(&operator.admin()?, &operator.caller()).await;
    let newest = newest.map_err(failed)?.as_ref().map(seal_name);
    print(format_args!(
        "the chain is accepted as it is; its newest seal: {}",
        newest.as_deref().unwrap_or("none")
    ))
}

async fn verify(operator: &Operator, head: Option<SealName>, output: Output) -> Result<(), CommandError> {
    let log = open_log(operator).await?;
    let given = head.map(|seal| (seal.number, seal.code));
    match log.verify(given, operator.now()).await.map_err(failed)? {
        ChainStatus::Intact {
            batches,
            events,
            unsealed,
            head,
            beginning,
        } => {
            let head = head.as_ref().map(seal_name);
            if output.json {
                return print_json(&json!({
                    "whole": true, "batches": batches, "events": events, "unsealed": unsealed, "head": head,
                    "begins_at": beginning.map(|beginning| stamp(beginning.at)),
                    "begins_late": beginning.is_some_and(|beginning| beginning.is_late()),
                }));
            }
            print(format_args!(
                "no tampering found: {batches} batches, {events} events\nunsealed: {unsealed} events, which are not protected \
                 yet (a server seals them within a second)\nnewest seal: {}{}",
                head.as_deref().unwrap_or("none"),
                beginning.map_or_else(String::new, begins)
            ))
        }
        ChainStatus::HeadPruned { up_to } => Err(CommandError::Failed(format!(
            "batches up to {up_to} are no longer kept, so this seal proves nothing: give a newer one, or none"
        ))),
        ChainStatus::Broken { batch, what } => refused(
            output,
            json!({ "whole": false, "batch": batch, "what": what }),
            format!("the chain of seals is broken: batch {batch}: {what}"),
        ),
        ChainStatus::Refused { count, ids } => refused(
            output,
            json!({ "whole": false, "refused": count, "events": ids, "what": "events are under no seal" }),
            format!(
                "{count} events are under no seal: they can't be read, or were not written at the time that they state: {}{}",
                ids.join(", "),
                if count > ids.len() as u64 { ", …" } else { "" }
            ),
        ),
        ChainStatus::Overdue { count } => refused(
            output,
            json!({ "whole": false, "overdue": count, "what": "events have waited for their seal for too long" }),
            format!(
                "{count} events have waited for their seal for more than a minute. A running server seals them within a \
                 second: start one, or look into its log for the reason"
            ),
        ),
    }
}

/// The line that says where the chain begins.
fn begins(beginning: ChainStart) -> String {
    let at = stamp(beginning.at);
    if beginning.is_late() {
        let oldest = stamp(beginning.oldest);
        format!(
            "\nthe chain begins at {at}, but the oldest event is of {oldest}: the chain was started again then, unless that was the \
             first start of a server"
        )
    } else {
        format!("\nthe chain begins at {at}")
    }
}

/// Reports what a verification found, with exit code 1.
fn refused(output: Output, found: Value, text: String) -> Result<(), CommandError> {
    if output.json {
        print_json(&found)?;
        return Err(CommandError::Reported);
    }
    Err(CommandError::Failed(text))
}

/// A seal as it is written in a server's log.
fn seal_name(seal: &Seal) -> String {
    let code: String = seal.mac.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}:{code}", seal.number)
}

/// Reads the wanted events, newest first, and prints each page as it comes.
async fn pages(
    operator: &Operator,
    wanted: WantedEvents,
    most: u32,
    mut print_page: impl FnMut(&[AuditEvent]) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let admin = operator.admin()?;
    let filter = filter(&admin, wanted).await?;
    let (mut left, mut after) = (most, None);
    loop {
        let limit = left.min(PAGE);
        let events = admin
            .audit(filter.clone(), Pagination { after, limit })
            .await
            .map_err(failed)?;
        print_page(&events)?;
        after = events.last().map(|event| event.id.as_uuid());
        let read = u32::try_from(events.len()).unwrap_or(limit);
        left -= read.min(left);
        if read < limit || left == 0 {
            return Ok(());
        }
    }
}

async fn filter(admin: &Admin, wanted: WantedEvents) -> Result<AuditFilter, CommandError> {
    let user = match wanted.user.as_deref() {
        None => None,
        Some(text) => match account(text)? {
            // The log outlives the users in it, so an ID may be the ID of a deleted user.
            UserRef::Id(id) => Some(id),
            UserRef::Email(_) => Some(named_user(admin, text).await?.id),
        },
    };
    Ok(AuditFilter {
        user,
        action: wanted.action,
        since: wanted.since,
        until: wanted.until,
        ..AuditFilter::default()
    })
}

fn lines(events: &[AuditEvent]) -> Result<(), CommandError> {
    if events.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = events.iter().map(|event| as_json(event).to_string()).collect();
    print(lines.join("\n"))
}

/// An event as the admin routes return it.
fn as_json(event: &AuditEvent) -> Value {
    json!({
        "id": event.id.to_string(),
        "at": stamp(event.at),
        "actor": {
            "kind": event.actor.kind(),
            "user_id": event.actor.user().map(|id| id.to_string()),
            "api_key_id": event.actor.api_key().map(|id| id.to_string()),
        },
        "action": event.action.as_str(),
        "subject": event.subject.map(|id| id.to_string()),
        "session_id": event.session.map(|id| id.to_string()),
        "ip": event.ip.map(|ip| ip.to_string()),
        "request_id": event.request_id,
        "details": event.details,
    })
}

fn as_row(event: &AuditEvent) -> Vec<String> {
    let actor = match event.actor {
        Actor::User(user) => user.to_string(),
        Actor::ApiKey(key, _) => format!("api key {key}"),
        other => other.kind().to_owned(),
    };
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let details: Vec<String> = event
        .details
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    vec![
        stamp(event.at),
        event.action.as_str().to_owned(),
        actor,
        or_dash(event.subject.map(|id| id.to_string())),
        or_dash(event.ip.map(|ip| ip.to_string())),
        details.join(" "),
    ]
}
