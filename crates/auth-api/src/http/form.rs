//! The form encoding (RFC 6749 appendix B, the URL standard's `application/x-www-form-urlencoded`).

use percent_encoding::percent_decode;

/// The media type of a form.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// The most parameters of a form: several times what any grant has, and few enough to compare each name with all others.
pub(crate) const MAX_PARAMETERS: usize = 64;

/// The names and values of a form; `None` for one that is not UTF-8.
pub fn pairs(body: &[u8]) -> impl Iterator<Item = Option<(String, String)>> {
    let pairs = body.split(|b| *b == b'&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let at = pair.iter().position(|b| *b == b'=').unwrap_or(pair.len());
        let (name, value) = pair.split_at_checked(at).unwrap_or((pair, b""));
        decode(name).zip(decode(value.strip_prefix(b"=").unwrap_or(value)))
    })
}

/// Undoes the form encoding of one name or value; `None` if that is not UTF-8.
#[must_use]
pub fn decode(raw: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = raw.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
    String::from_utf8(percent_decode(&spaced).collect()).ok()
}
