//! Import files: an invalid line never affects a valid one, whatever is wrong with it, and no reason repeats a hash.
//!
//! The first byte of the input selects the format.

use auth_domain::role::RoleBook;
use chrono::DateTime;
use keyward::{
    ImportFormat,
    import::{ImportLine, read},
};
use std::io::Cursor;

/// A marker in place of a hash. No reason may contain it.
const MARK: &str = "$2b$12$MarkMarkMarkMarkMarkMark";
/// The valid line at the end of each file.
const LAST: &str = "last@example.com";

/// Checks the properties of this module for an input.
///
/// # Panics
/// If a property does not hold.
pub fn check(input: &[u8]) {
    let (chosen, file) = crate::choice(input);
    if chosen % 2 == 0 {
        check_json_lines(file);
    } else {
        check_csv(file);
    }
}

fn check_json_lines(file: &[u8]) {
    let mut whole = file.to_vec();
    let bad = format!("\n{{\"email\":\"no\",\"password_hash\":\"{MARK}\"}}\n{{\"{MARK}\n");
    whole.extend_from_slice(bad.as_bytes());
    whole.extend_from_slice(format!("{{\"email\":\"{LAST}\"}}").as_bytes());
    let lines = lines(&whole, ImportFormat::Jsonl).expect("JSON lines have no header");
    check_lines(&lines, &whole);
    let end: Vec<bool> = lines.iter().rev().take(3).map(|line| line.user.is_ok()).collect();
    assert_eq!(end, [true, false, false], "the valid line after two invalid ones");
    check_last(&lines);
}

fn check_csv(file: &[u8]) {
    let mut whole = file.to_vec();
    whole.extend_from_slice(format!("\nno,{MARK}\n{LAST}").as_bytes());
    let Some(lines) = lines(&whole, ImportFormat::Csv) else {
        return;
    };
    check_lines(&lines, &whole);
    // A quote may swallow what comes behind it; without one, and with one column, the last line is what it was.
    let header = file
        .split(|byte| matches!(byte, b'\n' | b'\r'))
        .find(|line| !line.is_empty());
    if !file.contains(&b'"') && header == Some(b"email") {
        check_last(&lines);
    }
}

fn lines(whole: &[u8], format: ImportFormat) -> Option<Vec<ImportLine>> {
    let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a moment");
    let (roles, input) = (RoleBook::default(), Box::new(Cursor::new(whole.to_vec())));
    match read(input, format, &roles, now) {
        Ok(found) => Some(found.map(|line| line.expect("no line ends the file")).collect()),
        Err(refused) => {
            assert!(!refused.to_string().contains(MARK));
            None
        }
    }
}

fn check_lines(lines: &[ImportLine], whole: &[u8]) {
    let most = whole.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() + 1;
    assert!(lines.len() <= most, "{} lines of {most}", lines.len());
    // Lines are counted by their line feeds: two that a CR alone parts bear one number.
    let old = whole
        .windows(2)
        .any(|pair| pair.first() == Some(&b'\r') && pair.get(1) != Some(&b'\n'));
    for (before, after) in lines.iter().zip(lines.iter().skip(1)) {
        assert!(
            before.number < after.number || old,
            "line {} behind {}",
            after.number,
            before.number
        );
        assert!(before.bytes_read <= after.bytes_read);
    }
    for line in lines {
        assert!(line.bytes_read <= whole.len() as u64);
        match &line.user {
            Ok(user) => {
                assert!(RoleBook::default().knows(&user.role), "a role that exists");
                assert!(user.created_at.timestamp() <= 1_700_000_000, "made in the past");
            }
            Err(reason) => {
                assert!(!reason.is_empty());
                assert!(!reason.contains(MARK), "the reason repeats a hash: {reason}");
            }
        }
    }
}

fn check_last(lines: &[ImportLine]) {
    let last = lines.last().and_then(|line| line.user.as_ref().ok());
    assert_eq!(
        last.map(|user| user.email.as_str()),
        Some(LAST),
        "the last line is read for itself"
    );
}
