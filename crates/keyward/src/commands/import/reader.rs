//! Lines of an import file, one at a time, however large the file: CSV with a header, or a JSON object a line. A line that
//! can't be read is an item like the others, and reading goes on behind it.

use super::line_feeds::LineFeeds;
use crate::{cli::ImportFormat, output::CommandError};
use serde_json::{Map, Value};
use std::io::{BufRead, Read};

/// The columns that an import file may have.
pub(super) const COLUMNS: [&str; 7] = [
    "email",
    "name",
    "password_hash",
    "role",
    "status",
    "email_verified",
    "created_at",
];

/// The longest line of a JSON lines file, in bytes.
const LONGEST_LINE: u64 = 64 * 1024;

/// The texts of one line, by column, in the order of [`COLUMNS`]; an empty text is none.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct RawRow([Option<String>; COLUMNS.len()]);

impl RawRow {
    /// What the line has in a column.
    pub(super) fn get(&self, column: &str) -> Option<&str> {
        let at = COLUMNS.iter().position(|known| *known == column)?;
        self.0.get(at)?.as_deref()
    }

    fn put(&mut self, column: &str, text: String) {
        let at = COLUMNS.iter().position(|known| *known == column);
        if let Some(place) = at.and_then(|at| self.0.get_mut(at)) {
            *place = Some(text).filter(|text| !text.is_empty());
        }
    }
}

/// A line of the file.
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: u64,
    /// How far into the file it ends, in bytes.
    pub(super) bytes_read: u64,
    /// What it holds, or why it can't be read.
    pub(super) row: Result<RawRow, String>,
}

/// The lines of a file.
pub(super) type Lines = Box<dyn Iterator<Item = Result<Line, CommandError>> + Send>;

/// The format that a file's name tells.
pub(super) fn format_of(file: &std::path::Path) -> Option<ImportFormat> {
    match file.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(ImportFormat::Csv),
        "jsonl" | "ndjson" => Some(ImportFormat::Jsonl),
        _ => None,
    }
}

/// Reads a file's lines.
///
/// # Errors
/// A CSV header that is not one.
pub(super) fn lines(input: Box<dyn BufRead + Send>, format: ImportFormat) -> Result<Lines, CommandError> {
    match format {
        ImportFormat::Csv => csv_lines(input),
        ImportFormat::Jsonl => Ok(Box::new(JsonLines {
            input,
            number: 0,
            bytes_read: 0,
        })),
    }
}

fn csv_lines(input: Box<dyn BufRead + Send>) -> Result<Lines, CommandError> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(LineFeeds::of(input));
    let header = reader
        .headers()
        .map_err(|error| CommandError::Failed(format!("the header can't be read: {error}")))?;
    let columns: Vec<String> = header
        .iter()
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    check_header(&columns)?;
    let mut record = csv::ByteRecord::new();
    Ok(Box::new(std::iter::from_fn(move || {
        match reader.read_byte_record(&mut record) {
            Ok(false) => None,
            Ok(true) => {
                let number = record.position().map_or(0, csv::Position::line);
                let bytes_read = reader.position().byte();
                Some(Ok(Line {
                    number,
                    bytes_read,
                    row: csv_row(&columns, &record),
                }))
            }
            Err(error) => Some(Err(CommandError::Failed(format!(
                "the file can't be read: {error}"
            )))),
        }
    })))
}

fn check_header(columns: &[String]) -> Result<(), CommandError> {
    for column in columns {
        if !COLUMNS.contains(&column.as_str()) {
            return Err(CommandError::Failed(format!(
                "the header has an unknown column: {}",
                unknown(column)
            )));
        }
        if columns.iter().filter(|other| *other == column).count() > 1 {
            return Err(CommandError::Failed(format!(
                "the header has the column {column} twice"
            )));
        }
    }
    if columns.iter().any(|column| column == "email") {
        Ok(())
    } else {
        Err(CommandError::Failed("the header has no column email".to_owned()))
    }
}

fn unknown(column: &str) -> String {
    let likeness = |known: &&str| strsim::jaro_winkler(known, column);
    let nearest = COLUMNS
        .into_iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .unwrap_or_default();
    let named: String = column.chars().filter(|c| !c.is_control()).take(40).collect();
    format!("{named}; did you mean {nearest}?")
}

fn csv_row(columns: &[String], record: &csv::ByteRecord) -> Result<RawRow, String> {
    if record.len() != columns.len() {
        return Err(format!(
            "has {} fields where the header has {}",
            record.len(),
            columns.len()
        ));
    }
    let mut row = RawRow::default();
    for (column, field) in columns.iter().zip(record) {
        let text = std::str::from_utf8(field).map_err(|_| format!("{column} is not UTF-8"))?;
        row.put(column, text.to_owned());
    }
    Ok(row)
}

struct JsonLines {
    input: Box<dyn BufRead + Send>,
    number: u64,
    bytes_read: u64,
}

impl Iterator for JsonLines {
    type Item = Result<Line, CommandError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.number += 1;
            let mut bytes = Vec::new();
            let read = self
                .input
                .by_ref()
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut bytes);
            let mut row = match read {
                Ok(0) => return None,
                Ok(read) => {
                    self.bytes_read += read as u64;
                    json_row(&bytes, self.number == 1)
                }
                Err(error) => {
                    return Some(Err(CommandError::Failed(format!(
                        "the file can't be read: {error}"
                    ))));
                }
            };
            if bytes.len() as u64 == LONGEST_LINE && bytes.last() != Some(&b'\n') {
                match self.skip_line() {
                    Ok(skipped) => self.bytes_read += skipped,
                    Err(error) => return Some(Err(error.into())),
                }
                row = Some(Err(format!("is longer than {LONGEST_LINE} bytes")));
            }
            if let Some(row) = row {
                return Some(Ok(Line {
                    number: self.number,
                    bytes_read: self.bytes_read,
                    row,
                }));
            }
        }
    }
}

impl JsonLines {
    /// Reads to the end of the line and keeps nothing of it.
    fn skip_line(&mut self) -> std::io::Result<u64> {
        let mut skipped = 0;
        loop {
            let part = self.input.fill_buf()?;
            let (used, over) = match part.iter().position(|byte| *byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (part.len(), part.is_empty()),
            };
            self.input.consume(used);
            skipped += used as u64;
            if over {
                return Ok(skipped);
            }
        }
    }
}

/// The row of a line; `None` for an empty line.
fn json_row(bytes: &[u8], first: bool) -> Option<Result<RawRow, String>> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Some(Err("is not UTF-8".to_owned()));
    };
    let text = if first {
        text.trim_start_matches('\u{FEFF}')
    } else {
        text
    };
    if text.trim().is_empty() {
        return None;
    }
    // The parser's own words quote what stands there, which may be a hash.
    let object: Map<String, Value> = match serde_json::from_str(text) {
        Ok(Value::Object(object)) => object,
        Ok(_) => return Some(Err("is not a JSON object".to_owned())),
        Err(error) => return Some(Err(format!("is not valid JSON at column {}", error.column()))),
    };
    Some(object_row(object))
}

fn object_row(object: Map<String, Value>) -> Result<RawRow, String> {
    let mut row = RawRow::default();
    for (name, value) in object {
        if !COLUMNS.contains(&name.as_str()) {
            return Err(format!("has an unknown field: {}", unknown(&name)));
        }
        match value {
            Value::Null => {}
            Value::String(text) => row.put(&name, text),
            Value::Bool(truth) if name == "email_verified" => row.put(&name, truth.to_string()),
            _ => return Err(format!("{name} has to be a text")),
        }
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, format: ImportFormat) -> Vec<(u64, Result<RawRow, String>)> {
        let input = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
        lines(input, format)
            .unwrap()
            .map(|line| line.unwrap())
            .map(|line| (line.number, line.row))
            .collect()
    }

    fn refusal(text: &str) -> String {
        let input = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
        lines(input, ImportFormat::Csv).err().unwrap().to_string()
    }

    fn reason(row: &Result<RawRow, String>) -> &str {
        row.as_ref().err().unwrap()
    }

    #[test]
    fn a_csv_line_keeps_its_number_and_its_quotes() {
        let rows = read(
            "\u{FEFF}email,name\na@x.test,\"Lovelace,\nAda\"\nb@x.test,\n",
            ImportFormat::Csv,
        );
        assert_eq!(rows.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2, 4]);
        let first = rows[0].1.as_ref().ok().unwrap();
        assert_eq!(
            (first.get("email"), first.get("name")),
            (Some("a@x.test"), Some("Lovelace,\nAda"))
        );
        assert_eq!(rows[1].1.as_ref().ok().unwrap().get("name"), None);
    }

    #[test]
    fn a_line_that_ends_with_crlf_has_the_same_number() {
        let text = "email\r\na@x.test\r\n\"no\r\n\"\r\nb@x.test\r\n";
        let numbers = |text: &str| {
            let rows = read(text, ImportFormat::Csv);
            rows.iter().map(|(number, _)| *number).collect::<Vec<_>>()
        };
        assert_eq!(numbers(text), [2, 3, 5]);
        assert_eq!(numbers(&text.replace("\r\n", "\n")), [2, 3, 5]);
    }

    #[test]
    fn a_csv_line_with_a_field_too_many_is_refused_and_the_next_one_read() {
        let rows = read("email,name\na@x.test,A,B\nb@x.test,B\n", ImportFormat::Csv);
        assert_eq!(reason(&rows[0].1), "has 3 fields where the header has 2");
        assert!(rows[1].1.is_ok());
    }

    #[test]
    fn a_header_that_does_not_fit_is_refused_with_the_nearest_name() {
        assert!(refusal("email,pasword_hash\n").ends_with("pasword_hash; did you mean password_hash?"));
        assert!(refusal("email,email\n").contains("twice"));
        assert!(refusal("name\n").contains("no column email"));
        assert!(refusal("").contains("no column email"));
    }

    #[test]
    fn a_json_line_that_can_not_be_read_is_named_without_its_content() {
        let text = "{\"email\":\"a@x.test\",\"email_verified\":true}\n\n{\"email\":\"b@x.test\",\"passwd\":\"$2b$10$abc\"}\n\
                    {\"email\":\"$2b$10$abc\n[1]\n{\"email\":7}\n";
        let rows = read(text, ImportFormat::Jsonl);
        assert_eq!(
            rows.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
            [1, 3, 4, 5, 6]
        );
        assert_eq!(
            rows[0].1.as_ref().ok().unwrap().get("email_verified"),
            Some("true")
        );
        assert!(reason(&rows[1].1).starts_with("has an unknown field: passwd; did you mean password_hash"));
        assert_eq!(reason(&rows[3].1), "is not a JSON object");
        assert_eq!(reason(&rows[4].1), "email has to be a text");
        assert!(
            rows.iter()
                .filter_map(|(_, row)| row.as_ref().err())
                .all(|reason| !reason.contains("$2b$"))
        );
    }

    #[test]
    fn a_line_without_end_is_refused_and_not_kept_in_memory() {
        let text = format!(
            "{{\"email\":\"{}\"}}\n{{\"email\":\"b@x.test\"}}",
            "x".repeat(200_000)
        );
        let rows = read(&text, ImportFormat::Jsonl);
        assert_eq!(reason(&rows[0].1), "is longer than 65536 bytes");
        assert_eq!((rows[1].0, rows[1].1.is_ok()), (2, true));
    }

    #[test]
    fn the_ending_of_a_file_tells_its_format() {
        assert_eq!(format_of("users.CSV".as_ref()), Some(ImportFormat::Csv));
        assert_eq!(format_of("users.jsonl".as_ref()), Some(ImportFormat::Jsonl));
        assert_eq!(format_of("-".as_ref()), None);
    }
}
