//! Checks an export of users before it is imported: addresses, names, password hashes, roles and statuses. It uses the rules of
//! the domain alone and needs no database.
//!
//! ```sh
//! cargo run -p auth-domain --example check_users -- users.csv support auditor
//! ```
//!
//! The file has the columns of `keyward user import`: CSV with a header, or one JSON object a line. The arguments behind it name
//! the roles that the configuration defines beside the built-in ones. Each refused user is reported with the line and the reason;
//! no hash is repeated. The exit code is 0 if every user is accepted, 1 if one is refused, 2 if the file can't be read.

#![expect(
    clippy::disallowed_methods,
    reason = "a program reads its arguments and a file; the library does neither"
)]

use auth_domain::{
    email::EmailAddress,
    password_hash::PasswordHash,
    role::{Role, RoleBook},
    user::{DisplayName, UserStatus},
};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

/// The columns that the domain has rules for. Others are ignored.
#[derive(Deserialize)]
struct Row {
    email: Option<String>,
    name: Option<String>,
    password_hash: Option<String>,
    role: Option<String>,
    status: Option<String>,
}

/// The rows of a file, each with its line, or why the line can't be read.
type Rows = Vec<(u64, Result<Row, &'static str>)>;

pub(crate) fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    ExitCode::from(run(&arguments, &mut io::stdout()))
}

/// Runs the program; returns its exit code.
pub(crate) fn run(arguments: &[String], out: &mut impl Write) -> u8 {
    match check(arguments, out) {
        Ok(0) => 0,
        Ok(_) => 1,
        Err(reason) => {
            let _ = writeln!(out, "{reason}");
            2
        }
    }
}

/// Reports every refused user; returns how many there are.
fn check(arguments: &[String], out: &mut impl Write) -> Result<usize, String> {
    let [file, own_roles @ ..] = arguments else {
        return Err("usage: check_users FILE [ROLE]...".to_owned());
    };
    let own_roles: Result<Vec<Role>, _> = own_roles.iter().map(|name| name.parse::<Role>()).collect();
    let own_roles = own_roles.map_err(|reason| reason.to_string())?;
    let roles = RoleBook::with(own_roles.into_iter().map(|role| (role, vec![])));
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let rows = if file.ends_with(".csv") {
        csv_rows(&text).map_err(|error| format!("{file}: {error}"))?
    } else {
        json_rows(&text)
    };

    let mut seen = BTreeMap::new();
    let mut refused = 0;
    for (line, row) in &rows {
        let reasons = match row {
            Ok(row) => reasons(row, *line, &roles, &mut seen),
            Err(reason) => vec![(*reason).to_owned()],
        };
        refused += usize::from(!reasons.is_empty());
        for reason in reasons {
            writeln!(out, "line {line}: {reason}").map_err(|error| error.to_string())?;
        }
    }
    let accepted = rows.len() - refused;
    writeln!(out, "{accepted} of {} users are accepted", rows.len()).map_err(|error| error.to_string())?;
    Ok(refused)
}

/// Everything that the rules say against a user. `seen` holds the line of each mailbox so far.
fn reasons(row: &Row, line: u64, roles: &RoleBook, seen: &mut BTreeMap<String, u64>) -> Vec<String> {
    let mut reasons = Vec::new();
    let mut refuse = |column: &str, reason: &dyn Display| reasons.push(format!("{column}: {reason}"));

    match EmailAddress::parse(row.email.as_deref().unwrap_or_default()) {
        Ok(email) => match seen.get(email.key()) {
            Some(earlier) => refuse("email", &format!("line {earlier} has the same mailbox")),
            None => drop(seen.insert(email.key().to_owned(), line)),
        },
        Err(reason) => refuse("email", &reason),
    }
    if let Some(Err(reason)) = given(&row.name).map(DisplayName::parse) {
        refuse("name", &reason);
    }
    if let Some(Err(reason)) = given(&row.password_hash).map(PasswordHash::parse) {
        refuse("password_hash", &reason);
    }
    match given(&row.role).map(str::parse::<Role>) {
        Some(Ok(role)) if !roles.knows(&role) => refuse("role", &format!("no role is called {role}")),
        Some(Err(reason)) => refuse("role", &reason),
        _ => {}
    }
    if let Some(Err(reason)) = given(&row.status).map(str::parse::<UserStatus>) {
        refuse("status", &reason);
    }
    reasons
}

/// A column's text; an empty one is none.
fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

fn csv_rows(text: &str) -> Result<Rows, csv::Error> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers()?.clone();
    let rows = reader.records().map(|record| match record {
        Ok(record) => {
            let row = record.deserialize(Some(&header));
            (
                line_of(record.position()),
                row.map_err(|_| "the line can't be read"),
            )
        }
        Err(error) => {
            let reason = "the line has more or fewer fields than the header";
            (line_of(error.position()), Err(reason))
        }
    });
    Ok(rows.collect())
}

fn line_of(position: Option<&csv::Position>) -> u64 {
    position.map_or(0, csv::Position::line)
}

fn json_rows(text: &str) -> Rows {
    let lines = (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty());
    let row = |line| serde_json::from_str(line).map_err(|_| "the line is not a JSON object of texts");
    lines.map(|(number, line)| (number, row(line))).collect()
}
