//! Mails as a server wrote them to its folder.

use std::path::Path;

/// A mail.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The recipient.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Its `Message-ID`.
    pub id: String,
    /// Its plain part.
    pub text: String,
    /// Its HTML part.
    pub html: String,
    /// When it was written to the folder.
    written: std::time::SystemTime,
}

impl Mail {
    /// The token of the link to one of the pages: `reset`, `verify-email`, `not-me`.
    ///
    /// # Panics
    /// If the mail has no such link.
    #[must_use]
    pub fn token(&self, page: &str) -> String {
        token_in(&self.text, page).unwrap_or_else(|| panic!("no link to {page} in {}", self.text))
    }
}

/// The token of the first link to a page, if a text has one.
pub(crate) fn token_in(text: &str, page: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("/{page}?token="))?;
    let token = rest
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_');
    Some(token.collect())
}

/// The mails of a folder, the oldest first; none where there is no folder.
///
/// # Panics
/// If one can't be read.
#[must_use]
pub(crate) fn in_folder(folder: &Path) -> Vec<Mail> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let files = entries.map(|entry| entry.unwrap().path());
    let mut mails: Vec<Mail> = files
        .filter(|path| path.extension().is_some_and(|end| end == "eml"))
        .map(|path| read(&path))
        .collect();
    mails.sort_by_key(|mail| mail.written);
    mails
}

fn read(path: &Path) -> Mail {
    let text = std::fs::read_to_string(path).unwrap().replace("\r\n", "\n");
    let (head, _) = text.split_once("\n\n").unwrap();
    let part = |kind: &str| {
        let (_, rest) = text.split_once(&format!("Content-Type: {kind}")).unwrap();
        let (head, rest) = rest.split_once("\n\n").unwrap();
        // A line of the text may begin with `--`, where a token was wrapped. The product's boundary begins with `=_`, as no line of
        // quoted-printable text does (RFC 2045 §6.7).
        let body = rest.split("\n--=_").next().unwrap();
        if head.to_lowercase().contains("quoted-printable") {
            quoted_printable(body)
        } else {
            body.to_owned()
        }
    };
    Mail {
        to: header(head, "To").trim_matches(['<', '>']).to_owned(),
        subject: header(head, "Subject"),
        id: header(head, "Message-ID"),
        text: part("text/plain"),
        html: part("text/html"),
        written: path.metadata().unwrap().modified().unwrap(),
    }
}

fn header(head: &str, name: &str) -> String {
    let unfolded = head.replace("\n ", " ");
    let start = format!("{name}: ");
    let line = unfolded.lines().find_map(|line| line.strip_prefix(&start));
    line.unwrap_or_else(|| panic!("no {name} in {head}")).to_owned()
}

/// RFC 2045 §6.7.
fn quoted_printable(text: &str) -> String {
    let joined = text.replace("=\n", "");
    let mut bytes = Vec::new();
    let mut left = joined.as_bytes();
    while let Some((first, rest)) = left.split_first() {
        if *first == b'=' && rest.len() >= 2 {
            let (code, after) = rest.split_at(2);
            bytes.push(u8::from_str_radix(std::str::from_utf8(code).unwrap(), 16).unwrap());
            left = after;
        } else {
            bytes.push(*first);
            left = rest;
        }
    }
    String::from_utf8(bytes).unwrap()
}
