//! `keyward user import`: users from another service, with their password hashes. The hashes stay valid; each is replaced at the user's
//! next sign-in. The rule: the file is read as a stream and stored in batches, and an invalid line does not stop the others.

mod file_lines;
mod reader;
mod report;
mod row;

use super::operator::{Operator, failed};
use crate::{
    cli::{ImportFormat, ImportUsers},
    output::{CommandError, print, print_json},
};
use auth_domain::{role::RoleBook, time::Timestamp};
use auth_service::Admin;
use auth_storage::users;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use report::Report;
pub use row::ImportedUser;
use serde_json::json;
use std::{
    collections::{HashMap, hash_map::Entry},
    fs::File,
    hash::{BuildHasher, RandomState},
    io::{BufRead, BufReader, IsTerminal, stderr, stdin},
    ops::RangeInclusive,
};

/// How many users one transaction stores.
const BATCH: usize = 500;

/// A line of an import file, or several lines that a quoted field joins.
#[derive(Debug)]
pub struct ImportLine {
    /// The number of the first line, from 1.
    pub number: u64,
    /// The number of the last line.
    pub last: u64,
    /// The offset of its end in the file, in bytes.
    pub bytes_read: u64,
    /// The user on it, or why it is refused. The reason never contains a hash.
    pub user: Result<ImportedUser, String>,
}

/// Reads the users of a file, one line at a time. A refused line is an item like the others, and reading goes on after it. Only a file
/// that can't be read ends it.
///
/// # Errors
/// The CSV header is invalid.
pub fn read(
    input: Box<dyn BufRead + Send>,
    format: ImportFormat,
    roles: &RoleBook,
    now: Timestamp,
) -> Result<impl Iterator<Item = Result<ImportLine, CommandError>> + Send, CommandError> {
    let lines = reader::lines(input, format)?;
    Ok(lines.map(move |line| {
        line.map(|line| ImportLine {
            number: line.number,
            last: line.last,
            bytes_read: line.bytes_read,
            user: line.row.and_then(|row| row::read(&row, roles, now)),
        })
    }))
}

pub(super) async fn run(operator: &Operator, wanted: ImportUsers) -> Result<(), CommandError> {
    let format = wanted
        .format
        .or_else(|| reader::format_of(&wanted.file))
        .ok_or_else(|| {
            CommandError::Usage(
                "the file name does not say the format: add --format csv or --format jsonl".to_owned(),
            )
        })?;
    let (input, bytes) = open(&wanted)?;
    let report = Report::open(wanted.report.as_deref())?;
    let bar = progress_bar(bytes);
    let import = Import {
        operator,
        admin: operator.admin()?,
        now: operator.now(),
        dry_run: wanted.dry_run,
        batch: Vec::with_capacity(BATCH),
        seen: SeenAddresses::default(),
        report,
        tally: Tally::default(),
        bar,
    };
    let (tally, interrupted) = import.process_all(input, format).await;
    if wanted.output.json {
        print_json(&json!({
            "dry_run": wanted.dry_run,
            "lines": tally.lines,
            "imported": tally.imported,
            "refused": tally.refused,
        }))?;
    } else {
        let done = if wanted.dry_run {
            "would import"
        } else {
            "imported"
        };
        print(format_args!(
            "{done} {} of {} lines; refused {}",
            tally.imported, tally.lines, tally.refused
        ))?;
    }
    match interrupted {
        Some(error) => Err(error),
        None if tally.refused > 0 => Err(CommandError::Reported),
        None => Ok(()),
    }
}

fn open(wanted: &ImportUsers) -> Result<(Box<dyn BufRead + Send>, Option<u64>), CommandError> {
    if wanted.file.as_os_str() == "-" {
        return Ok((Box::new(BufReader::new(stdin())), None));
    }
    let failed = |error: std::io::Error| {
        CommandError::Failed(format!("{} can't be read: {error}", wanted.file.display()))
    };
    let file = File::open(&wanted.file).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    Ok((Box::new(BufReader::new(file)), Some(bytes)))
}

/// A progress bar, on a terminal only: in a log it would be noise.
fn progress_bar(bytes: Option<u64>) -> ProgressBar {
    let target = if stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = bytes.map_or_else(ProgressBar::no_length, ProgressBar::new);
    bar.set_draw_target(target);
    let template = if bytes.is_some() {
        "{wide_bar} {percent}% {msg} {eta} left"
    } else {
        "{spinner} {msg}"
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// The number of lines so far, without empty lines and the header.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    lines: u64,
    imported: u64,
    refused: u64,
}

struct Import<'a> {
    operator: &'a Operator,
    admin: Admin,
    now: Timestamp,
    dry_run: bool,
    batch: Vec<(u64, users::New)>,
    seen: SeenAddresses,
    report: Report,
    tally: Tally,
    bar: ProgressBar,
}

impl Import<'_> {
    /// Processes every line. Users that were stored before a failure stay stored, and are counted.
    async fn process_all(
        mut self,
        input: Box<dyn BufRead + Send>,
        format: ImportFormat,
    ) -> (Tally, Option<CommandError>) {
        let outcome = self.process_lines(input, format).await;
        self.bar.finish_and_clear();
        let reported = self.report.close();
        (self.tally, outcome.and(reported).err())
    }

    async fn process_lines(
        &mut self,
        input: Box<dyn BufRead + Send>,
        format: ImportFormat,
    ) -> Result<(), CommandError> {
        let roles = self.admin.roles().clone();
        for line in read(input, format, &roles, self.now)? {
            self.process(line?)?;
            if self.batch.len() >= BATCH {
                self.store().await?;
            }
        }
        self.store().await
    }

    fn process(&mut self, line: ImportLine) -> Result<(), CommandError> {
        let numbers = line.number..=line.last;
        self.tally.lines += count(&numbers);
        self.bar.set_position(line.bytes_read);
        let user = match line.user {
            Ok(user) => user,
            Err(reason) => return self.refuse(&numbers, &reason),
        };
        if let Some(earlier) = self.seen.earlier(user.email.key(), line.number) {
            return self.refuse(&numbers, &format!("email: the same address is on line {earlier}"));
        }
        let new = users::New {
            id: self.admin.new_user_id(user.created_at).map_err(failed)?,
            email: user.email,
            name: user.name,
            password_hash: user.password_hash,
            role: user.role,
            status: user.status,
            email_verified_at: user.email_verified.then_some(self.now),
            created_at: user.created_at,
        };
        self.batch.push((line.number, new));
        Ok(())
    }

    fn refuse(&mut self, lines: &RangeInclusive<u64>, reason: &str) -> Result<(), CommandError> {
        self.tally.refused += count(lines);
        let report = &mut self.report;
        self.bar.suspend(|| report.refused(lines, reason))
    }

    /// Stores the batch or, in a dry run, checks which addresses are free.
    async fn store(&mut self) -> Result<(), CommandError> {
        let batch = std::mem::take(&mut self.batch);
        let (lines, users): (Vec<u64>, Vec<users::New>) = batch.into_iter().unzip();
        let taken: Vec<bool> = if self.dry_run {
            let mut taken = Vec::with_capacity(users.len());
            for user in &users {
                let found = self.operator.storage.user_by_email(&user.email).await;
                taken.push(found.map_err(CommandError::failed)?.is_some());
            }
            taken
        } else if users.is_empty() {
            vec![]
        } else {
            let stored = self
                .admin
                .import_users(users, &self.operator.caller())
                .await
                .map_err(failed)?;
            stored.into_iter().map(|outcome| outcome.is_err()).collect()
        };
        for (line, taken) in lines.into_iter().zip(taken) {
            if taken {
                self.refuse(&(line..=line), "email: a user with this address already exists")?;
            } else {
                self.tally.imported += 1;
            }
        }
        self.bar.set_message(format!(
            "{} imported, {} refused",
            self.tally.imported, self.tally.refused
        ));
        Ok(())
    }
}

/// The number of lines.
fn count(lines: &RangeInclusive<u64>) -> u64 {
    lines.end() - lines.start() + 1
}

/// The addresses so far, and their lines: a keyed hash of 128 bits each, so that a file of millions fits into memory.
#[derive(Default)]
struct SeenAddresses {
    keys: (RandomState, RandomState),
    lines: HashMap<(u64, u64), u64>,
}

impl SeenAddresses {
    /// Records that the address is on `line`, and returns the line on which it was before.
    fn earlier(&mut self, email_key: &str, line: u64) -> Option<u64> {
        let digest = (self.keys.0.hash_one(email_key), self.keys.1.hash_one(email_key));
        match self.lines.entry(digest) {
            Entry::Occupied(found) => Some(*found.get()),
            Entry::Vacant(place) => {
                place.insert(line);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_address_is_found_with_its_first_line() {
        let mut seen = SeenAddresses::default();
        assert_eq!(seen.earlier("a@x.test", 2), None);
        assert_eq!(seen.earlier("b@x.test", 3), None);
        assert_eq!(seen.earlier("a@x.test", 4), Some(2));
        assert_eq!(seen.earlier("a@x.test", 9), Some(2));
    }
}
