//! Reading cookies (RFC 6265 §5.4). The rule: a cookie counts if its exact name, byte for byte, was sent once.
//!
//! The framework's reader undoes percent encoding in names and trims every kind of space. Browsers hold the literal prefix
//! `__Host-` alone to its rule: another spelling, which a neighbouring host may set, would pass for it. And one byte that is not
//! UTF-8, in any cookie, would hide all of them.

use actix_web::{HttpRequest, http::header::COOKIE};

/// The value of a cookie; none if it was sent twice or is not ASCII.
#[must_use]
pub fn value_of<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    let lines = request.headers().get_all(COOKIE);
    let pairs = lines.flat_map(|line| line.as_bytes().split(|b| *b == b';'));
    let mut found = pairs.filter_map(|pair| {
        let (known, value) = split_at_equals(pair.trim_ascii_start())?;
        (known == name.as_bytes()).then_some(value.trim_ascii_end())
    });
    let value = found.next()?;
    if found.next().is_some() || !value.is_ascii() {
        return None;
    }
    std::str::from_utf8(value).ok()
}

fn split_at_equals(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = pair.iter().position(|b| *b == b'=')?;
    let (name, rest) = pair.split_at_checked(at)?;
    Some((name, rest.strip_prefix(b"=")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::{http::header::HeaderValue, test::TestRequest};

    fn found(lines: &[&[u8]]) -> Option<String> {
        let request = lines.iter().fold(TestRequest::get(), |request, line| {
            request.append_header((COOKIE, HeaderValue::from_bytes(line).unwrap()))
        });
        value_of(&request.to_http_request(), "__Host-kw_access").map(ToOwned::to_owned)
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        for line in [
            &b"__Host-kw_access=a.b=="[..],
            b"x=1; __Host-kw_access=a.b==; y=2",
            b"x;__Host-kw_access=a.b== ;=;;",
            b"x=\xff\x80; __Host-kw_access=a.b==",
        ] {
            assert_eq!(found(&[line]).as_deref(), Some("a.b=="), "{line:?}");
        }
        assert_eq!(found(&[b"x=1", b"__Host-kw_access=v"]).as_deref(), Some("v"));
        assert_eq!(found(&[b"__Host-kw_access="]).as_deref(), Some(""));
    }

    #[test]
    fn another_spelling_is_another_cookie() {
        for line in [
            &b"%5f%5fHost-kw_access=v"[..],
            b"__host-kw_access=v",
            b"__Host-kw_access =v",
            "\u{2000}__Host-kw_access=v".as_bytes(),
            "\u{a0}__Host-kw_access=v".as_bytes(),
            b"\"__Host-kw_access\"=v",
            b"x=__Host-kw_access=v",
        ] {
            assert_eq!(found(&[line]), None, "{line:?}");
        }
    }

    #[test]
    fn a_cookie_that_is_there_twice_is_none() {
        assert_eq!(found(&[b"__Host-kw_access=a; __Host-kw_access=b"]), None);
        assert_eq!(found(&[b"__Host-kw_access=a", b"__Host-kw_access=a"]), None);
        assert_eq!(found(&["__Host-kw_access=é".as_bytes()]), None);
    }
}
