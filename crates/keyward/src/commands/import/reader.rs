//! The lines of an import file, one at a time: CSV with a header, or one JSON object per line. A line that can't be read is an item like
//! the others, and reading goes on after it.
//!
//! The rule: every line that is not empty belongs to exactly one item. In CSV, an unclosed quotation mark joins the lines after it: they
//! are one item, and its reason names them.

use super::file_lines::{FileLine, FileLines, LONGEST};
use crate::{cli::ImportFormat, output::CommandError};
use serde_json::{Map, Value};
use std::io::BufRead;

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

/// The characters with which other programs separate columns or, the last one, lines.
const OTHER_DELIMITERS: [char; 4] = [';', '\t', '|', '\r'];

/// The fields of one line, in the order of [`COLUMNS`]. An empty field is `None`.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct RawRow([Option<String>; COLUMNS.len()]);

impl RawRow {
    /// The field in a column.
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

/// A line of the file, or several lines that a quoted field joins.
pub(super) struct Line {
    /// The number of the first line, from 1.
    pub(super) number: u64,
    /// The number of the last line.
    pub(super) last: u64,
    /// The offset of its end in the file, in bytes.
    pub(super) bytes_read: u64,
    /// Its fields, or why it can't be read.
    pub(super) row: Result<RawRow, String>,
}

/// The lines of a file.
pub(super) type Lines = Box<dyn Iterator<Item = Result<Line, CommandError>> + Send>;

/// The format that the extension of a file name stands for.
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
/// The CSV header is invalid.
pub(super) fn lines(input: Box<dyn BufRead + Send>, format: ImportFormat) -> Result<Lines, CommandError> {
    let lines = FileLines::of(input);
    match format {
        ImportFormat::Csv => Ok(Box::new(CsvLines::of(lines)?)),
        ImportFormat::Jsonl => Ok(Box::new(lines.filter_map(|line| line.map(json_line).transpose()))),
    }
}

struct CsvLines {
    lines: FileLines,
    columns: Vec<String>,
}

impl CsvLines {
    fn of(mut lines: FileLines) -> Result<Self, CommandError> {
        let first = lines
            .find(|line| !line.as_ref().is_ok_and(is_empty))
            .transpose()?;
        let unreadable = |why: String| CommandError::Failed(format!("the header can't be read: it {why}"));
        let text = match first.map(|line| line.text) {
            Some(text) => text.ok_or_else(|| unreadable(too_long()))?,
            None => vec![],
        };
        if leaves_a_quote_open(&text, false) {
            return Err(unreadable(
                "opens a quotation mark that it does not close".to_owned(),
            ));
        }
        let header = record(&text).map_err(unreadable)?;
        let columns: Vec<String> = header
            .iter()
            .map(|name| String::from_utf8_lossy(name).trim().to_ascii_lowercase())
            .collect();
        check_header(&columns)?;
        Ok(Self { lines, columns })
    }

    /// The item that begins with this line. A quoted field may contain line breaks, but no column may. So an item of several lines is
    /// refused as a whole, and no user is read from it.
    fn item(&mut self, first: FileLine) -> Result<Line, CommandError> {
        let number = first.number;
        let (mut last, mut bytes_read) = (number, first.bytes_read);
        let mut open = first
            .text
            .as_deref()
            .is_some_and(|text| leaves_a_quote_open(text, false));
        while open {
            let Some(next) = self.lines.next().transpose()? else {
                break;
            };
            (last, bytes_read) = (next.number, next.bytes_read);
            open = next
                .text
                .as_deref()
                .is_none_or(|text| leaves_a_quote_open(text, true));
        }
        let joined = last - number;
        let row = match first.text {
            None => Err(too_long()),
            Some(_) if open => Err(format!(
                "a quotation mark is opened on line {number} and never closed; {joined} lines after it were read as part of it, \
                 and no user is imported from them"
            )),
            Some(_) if joined > 0 => Err(format!(
                "a quoted field that begins on line {number} ends on line {last}, and no column can hold a line break; the lines \
                 after line {number} ({joined}) were read as part of it"
            )),
            Some(text) => record(&text).and_then(|record| csv_row(&self.columns, &record)),
        };
        Ok(Line {
            number,
            last,
            bytes_read,
            row,
        })
    }
}

impl Iterator for CsvLines {
    type Item = Result<Line, CommandError>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = self.lines.find(|line| !line.as_ref().is_ok_and(is_empty))?;
        Some(first.and_then(|first| self.item(first)))
    }
}

fn is_empty(line: &FileLine) -> bool {
    line.text.as_ref().is_some_and(Vec::is_empty)
}

fn too_long() -> String {
    format!("is longer than {LONGEST} bytes")
}

/// Whether a quoted field is open at the end of a line; `open` says whether one was open at its beginning. A quotation mark opens a
/// field only as its first character, and two of them in a quoted field stand for one character.
fn leaves_a_quote_open(line: &[u8], open: bool) -> bool {
    let (mut open, mut at_start) = (open, !open);
    let mut bytes = line.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if open => open = bytes.next_if_eq(&b'"').is_some(),
            b'"' => open = at_start,
            _ => {}
        }
        at_start = !open && byte == b',';
    }
    open
}

/// The fields of one line that leaves no quote open.
fn record(line: &[u8]) -> Result<csv::ByteRecord, String> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .terminator(csv::Terminator::Any(b'\n'))
        .buffer_capacity(line.len().max(1))
        .from_reader(line);
    let mut record = csv::ByteRecord::new();
    match reader.read_byte_record(&mut record) {
        Ok(_) => Ok(record),
        Err(_) => Err("is not CSV".to_owned()),
    }
}

fn check_header(columns: &[String]) -> Result<(), CommandError> {
    if let [only] = columns
        && let Some(other) = only.chars().find(|c| OTHER_DELIMITERS.contains(c))
    {
        return Err(CommandError::Failed(format!(
            "the header has only one column, and {} in it: columns are separated by commas; export the file with commas, or as \
             JSON Lines",
            match other {
                '\t' => "tabs".to_owned(),
                '\r' => "carriage returns (lines end with a line feed)".to_owned(),
                other => format!("'{other}'"),
            }
        )));
    }
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

/// The item of a line; `None` for an empty one.
fn json_line(line: FileLine) -> Option<Line> {
    let row = match line.text {
        None => Some(Err(too_long())),
        Some(text) => json_row(&text),
    };
    row.map(|row| Line {
        number: line.number,
        last: line.number,
        bytes_read: line.bytes_read,
        row,
    })
}

/// The row of a line; `None` for an empty line.
fn json_row(bytes: &[u8]) -> Option<Result<RawRow, String>> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Some(Err("is not UTF-8".to_owned()));
    };
    if text.trim().is_empty() {
        return None;
    }
    // The message of the parser quotes the line, which may contain a hash.
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
            _ => return Err(format!("{name} must be a string")),
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
            "\u{FEFF}email,name\na@x.test,\"Lovelace, \"\"Ada\"\"\"\n\nb@x.test,\n",
            ImportFormat::Csv,
        );
        assert_eq!(rows.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2, 4]);
        let first = rows[0].1.as_ref().ok().unwrap();
        assert_eq!(
            (first.get("email"), first.get("name")),
            (Some("a@x.test"), Some("Lovelace, \"Ada\""))
        );
        assert_eq!(rows[1].1.as_ref().ok().unwrap().get("name"), None);
    }

    #[test]
    fn a_line_that_ends_with_crlf_has_the_same_number() {
        let text = "email\r\na@x.test\r\n\"no\r\n\"\r\nb@x.test\r\n";
        let numbers = |text: &str| {
            let input = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
            let items = lines(input, ImportFormat::Csv).unwrap().map(|line| line.unwrap());
            items.map(|line| (line.number, line.last)).collect::<Vec<_>>()
        };
        assert_eq!(numbers(text), [(2, 2), (3, 4), (5, 5)]);
        assert_eq!(numbers(&text.replace("\r\n", "\n")), numbers(text));
    }

    #[test]
    fn a_quote_opens_a_field_only_at_its_beginning_and_is_closed_as_the_parser_closes_it() {
        for (line, open) in [
            ("a,b", false),
            ("a,\"b", true),
            ("\"a", true),
            ("a,b\"", false),
            ("a,b \"c", false),
            ("a,\"\"", false),
            ("a,\"\"\"", true),
            ("a,\"\"\"\"", false),
            ("a,\"b\"c\"", false),
            ("a,\"b\",\"c", true),
            ("\"a,b\",c", false),
        ] {
            assert_eq!(leaves_a_quote_open(line.as_bytes(), false), open, "{line}");
            // What the parser sees: an open quote joins the next line.
            let text = format!("{line}\nnext");
            let records = csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_reader(text.as_bytes())
                .into_byte_records()
                .count();
            assert_eq!(records == 1, open, "{line}");
        }
        assert!(leaves_a_quote_open(b"a,b", true));
        assert!(!leaves_a_quote_open(b"a\",b", true));
        assert!(leaves_a_quote_open(b"\",\"b", true));
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
        assert_eq!(reason(&rows[4].1), "email must be a string");
        assert!(
            rows.iter()
                .filter_map(|(_, row)| row.as_ref().err())
                .all(|reason| !reason.contains("$2b$"))
        );
    }

    #[test]
    fn a_line_that_is_too_long_is_refused_and_not_kept_in_memory() {
        let text = format!(
            "{{\"email\":\"{}\"}}\n{{\"email\":\"b@x.test\"}}",
            "x".repeat(200_000)
        );
        let rows = read(&text, ImportFormat::Jsonl);
        assert_eq!(reason(&rows[0].1), "is longer than 65536 bytes");
        assert_eq!((rows[1].0, rows[1].1.is_ok()), (2, true));
    }

    #[test]
    fn the_extension_of_a_file_is_its_format() {
        assert_eq!(format_of("users.CSV".as_ref()), Some(ImportFormat::Csv));
        assert_eq!(format_of("users.jsonl".as_ref()), Some(ImportFormat::Jsonl));
        assert_eq!(format_of("-".as_ref()), None);
    }
}
