//! `keyward user import`: users from another service, with the hashes of their passwords, which stay good: each is rewritten at
//! its user's next sign-in. The file is read as a stream and stored in batches; a bad line stops no good one.

mod file_lines;
mod reader;
mod report;
mod row;

use super::operator::{Operator, told};
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

/// A line of an import file, or several that a quoted field joins.
#[derive(Debug)]
pub struct ImportLine {
    /// The number of the first one, from 1.
    pub number: u64,
    /// The number of the last one.
    pub last: u64,
    /// How far into the file it ends, in bytes.
    pub bytes_read: u64,
    /// The user that it holds, or why it is refused; the reason repeats no hash.
    pub user: Result<ImportedUser, String>,
}

/// Reads a file's users, a line at a time. A refused line is an item like the others, and reading goes on behind it; what ends
/// it is a file that can't be read.
///
/// # Errors
/// A CSV header that is not one.
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
                "the file's name does not tell its format: add --format csv or --format jsonl".to_owned(),
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
    let (tally, interrupted) = import.take_all(input, format).await;
    if wanted.output.json {
        print_json(&json!({
            "dry_run": wanted.dry_run,
            "lines": tally.lines,
            "imported": tally.good,
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
            tally.good, tally.lines, tally.refused
        ))?;
    }
    match interrupted {
        Some(error) => Err(error),
        None if tally.refused > 0 => Err(CommandError::Said),
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

/// On a terminal alone: in a log it would be noise.
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

/// What became of the file's lines so far: those that hold something, without a header.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    lines: u64,
    good: u64,
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
    /// Takes every line. What was stored before a failure stays stored, and is counted.
    async fn take_all(
        mut self,
        input: Box<dyn BufRead + Send>,
        format: ImportFormat,
    ) -> (Tally, Option<CommandError>) {
        let outcome = self.take_lines(input, format).await;
        self.bar.finish_and_clear();
        let reported = self.report.close();
        (self.tally, outcome.and(reported).err())
    }

    async fn take_lines(
        &mut self,
        input: Box<dyn BufRead + Send>,
        format: ImportFormat,
    ) -> Result<(), CommandError> {
        let roles = self.admin.roles().clone();
        for line in read(input, format, &roles, self.now)? {
            self.take(line?)?;
            if self.batch.len() >= BATCH {
                self.store().await?;
            }
        }
        self.store().await
    }

    fn take(&mut self, line: ImportLine) -> Result<(), CommandError> {
        let numbers = line.number..=line.last;
        self.tally.lines += count(&numbers);
        self.bar.set_position(line.bytes_read);
        let user = match line.user {
            Ok(user) => user,
            Err(reason) => return self.refuse(&numbers, &reason),
        };
        if let Some(earlier) = self.seen.earlier(user.email.key(), line.number) {
            return self.refuse(
                &numbers,
                &format!("email: the same address stands on line {earlier}"),
            );
        }
        let new = users::New {
            id: self.admin.new_user_id(user.created_at).map_err(told)?,
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

    /// Stores what has gathered, or, in a dry run, looks which addresses are free.
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
                .map_err(told)?;
            stored.into_iter().map(|outcome| outcome.is_err()).collect()
        };
        for (line, taken) in lines.into_iter().zip(taken) {
            if taken {
                self.refuse(&(line..=line), "email: a user has this address already")?;
            } else {
                self.tally.good += 1;
            }
        }
        self.bar.set_message(format!(
            "{} imported, {} refused",
            self.tally.good, self.tally.refused
        ));
        Ok(())
    }
}

/// How many lines.
fn count(lines: &RangeInclusive<u64>) -> u64 {
    lines.end() - lines.start() + 1
}

/// Which addresses came already, and where: 128 bits of a keyed hash each, so that a file of millions fits into memory.
#[derive(Default)]
struct SeenAddresses {
    keys: (RandomState, RandomState),
    lines: HashMap<(u64, u64), u64>,
}

impl SeenAddresses {
    /// The line on which the address stood before; now it stands on `line`, too.
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
    fn an_address_is_known_again_with_its_first_line() {
        let mut seen = SeenAddresses::default();
        assert_eq!(seen.earlier("a@x.test", 2), None);
        assert_eq!(seen.earlier("b@x.test", 3), None);
        assert_eq!(seen.earlier("a@x.test", 4), Some(2));
        assert_eq!(seen.earlier("a@x.test", 9), Some(2));
    }
}
