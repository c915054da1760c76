//! The lines of a file as an editor counts them, one at a time. The rule: memory is bounded, so a longer line is skipped.

use crate::output::CommandError;
use std::io::{self, BufRead, Read};

/// The maximum length of a line, in bytes.
pub(super) const LONGEST: usize = 64 * 1024;
/// One byte more than that, for the line feed.
const READ_LIMIT: u64 = LONGEST as u64 + 1;

/// A line, without its line end.
pub(super) struct FileLine {
    /// Its number, from 1.
    pub(super) number: u64,
    /// The offset of its end in the file, in bytes.
    pub(super) bytes_read: u64,
    /// Its content; `None` if it is longer than [`LONGEST`].
    pub(super) text: Option<Vec<u8>>,
}

/// The lines of a file. A line ends with LF or CRLF; a CR elsewhere is an ordinary character.
pub(super) struct FileLines {
    input: Box<dyn BufRead + Send>,
    number: u64,
    bytes_read: u64,
}

impl FileLines {
    pub(super) fn of(input: Box<dyn BufRead + Send>) -> Self {
        Self {
            input,
            number: 0,
            bytes_read: 0,
        }
    }

    fn read(&mut self) -> io::Result<Option<FileLine>> {
        let mut text = Vec::new();
        let mut read = self
            .input
            .by_ref()
            .take(READ_LIMIT)
            .read_until(b'\n', &mut text)
            .map(|read| read as u64)?;
        if read == 0 {
            return Ok(None);
        }
        let ended = text.pop_if(|byte| *byte == b'\n').is_some();
        if !ended && read == READ_LIMIT {
            read += self.skip_line()?;
        } else if ended {
            let _of_crlf = text.pop_if(|byte| *byte == b'\r');
        }
        self.number += 1;
        self.bytes_read += read;
        if self.number == 1 && text.starts_with("\u{FEFF}".as_bytes()) {
            text.drain(.."\u{FEFF}".len());
        }
        Ok(Some(FileLine {
            number: self.number,
            bytes_read: self.bytes_read,
            text: Some(text).filter(|text| text.len() <= LONGEST),
        }))
    }

    /// Reads to the end of the line and discards it.
    fn skip_line(&mut self) -> io::Result<u64> {
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

impl Iterator for FileLines {
    type Item = Result<FileLine, CommandError>;

    fn next(&mut self) -> Option<Self::Item> {
        let unreadable = |error| CommandError::Failed(format!("the file can't be read: {error}"));
        self.read().map_err(unreadable).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Cursor};

    #[test]
    fn lines_are_the_same_wherever_the_parts_of_the_file_meet() {
        let text = "\u{FEFF}a\r\nb\rc\r\r\n\r\n\nd\r".as_bytes();
        let whole = [&b"a"[..], b"b\rc\r", b"", b"", b"d\r"];
        for part in 1..=text.len() {
            let input = BufReader::with_capacity(part, Cursor::new(text.to_vec()));
            let lines: Vec<FileLine> = FileLines::of(Box::new(input)).map(Result::unwrap).collect();
            let texts: Vec<&[u8]> = lines.iter().map(|line| line.text.as_deref().unwrap()).collect();
            assert_eq!(texts, whole, "parts of {part}");
            let last = lines.last().unwrap();
            assert_eq!((last.number, last.bytes_read), (5, text.len() as u64));
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_not_kept_and_the_next_one_is_read() {
        let fits = "x".repeat(LONGEST);
        let text = format!("{fits}\r\n{fits}y\n{}\nlast", "z".repeat(5 * LONGEST));
        let lines: Vec<Option<usize>> = FileLines::of(Box::new(Cursor::new(text.into_bytes())))
            .map(|line| line.unwrap().text.map(|text| text.len()))
            .collect();
        assert_eq!(lines, [None, None, None, Some(4)]);
    }
}
