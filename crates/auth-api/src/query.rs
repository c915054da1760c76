//! Query strings. The rule: a parameter that a route knows stands there once; others are ignored.

use crate::{
    form,
    problem::{FieldError, Problem},
};
use auth_domain::time::Timestamp;
use chrono::Datelike;

/// Whether a moment lies in the years of RFC 3339, 0000 to 9999, wherever its day begins. The parser reads others, too, and not every
/// database counts back to -5000.
#[must_use]
pub fn is_countable(moment: &Timestamp) -> bool {
    (-1..=10_000).contains(&moment.year())
}

/// A query string, undecoded.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    /// The query of a request.
    #[must_use]
    pub const fn of(query: &'a str) -> Self {
        Self(query)
    }

    /// Every value of a parameter; what is not UTF-8 becomes an empty text.
    pub fn all(self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        self.0.split('&').filter_map(move |pair| {
            let (known, value) = pair.split_once('=').unwrap_or((pair, ""));
            let is_meant = form::decode(known.as_bytes()).is_some_and(|known| known == name);
            is_meant.then(|| form::decode(value.as_bytes()).unwrap_or_default())
        })
    }

    /// The value of a parameter, if it is there.
    ///
    /// # Errors
    /// 422 if it is there twice.
    pub fn single(self, name: &'a str) -> Result<Option<String>, Problem> {
        let mut found = self.all(name);
        let first = found.next();
        if found.next().is_some() {
            let fault = FieldError::new(name, "duplicate_field", "The parameter is given twice.");
            return Err(Problem::invalid_input(vec![fault]));
        }
        Ok(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_of_rfc_3339_can_be_counted() {
        for text in [
            "0000-01-01T00:00:00+23:59",
            "0674-04-09T04:40:48-16:21",
            "9999-12-31T23:59:59-23:59",
        ] {
            assert!(is_countable(&text.parse().unwrap()), "{text}");
        }
        for text in ["-5000-01-01T00:00:00Z", "+99999-01-01T00:00:00Z"] {
            assert!(!is_countable(&text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_parameter_is_decoded_and_stands_there_once() {
        let query = Query::of("role=a%20b&x=1&flag");
        assert_eq!(query.single("role").ok().flatten().unwrap(), "a b");
        assert_eq!(query.single("flag").ok().flatten().unwrap(), "");
        assert!(query.single("none").ok().unwrap().is_none());
        assert!(Query::of("a=1&%61=1").single("a").is_err());
        assert_eq!(Query::of("a=%ff").single("a").ok().flatten().unwrap(), "");
    }
}
