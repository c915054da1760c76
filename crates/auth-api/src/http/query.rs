//! Query strings. The rule: a route of the API declares the parameters that it reads, and a request with any other is refused.
//!
//! A misspelt condition must not become an omitted one: `/verify?roles=admin` would let every user in.

use crate::http::{
    form,
    problem::{Code, FieldError, Problem},
};
use actix_web::guard::GuardContext;
use auth_domain::time::Timestamp;
use chrono::Datelike;

/// Whether a time lies in the years of RFC 3339, 0000 to 9999, in any time zone. The parser reads other years as well, and not every
/// database stores the year -5000.
#[must_use]
pub fn is_in_years_of_rfc3339(moment: &Timestamp) -> bool {
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

    /// The parameters that are not among the known ones, or that do not decode to UTF-8, as the client wrote them.
    fn unknown(self, known: &[&str]) -> impl Iterator<Item = &'a str> {
        self.0
            .split('&')
            .filter(|pair| !pair.is_empty())
            .filter_map(move |pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                let decoded = form::decode(name.as_bytes()).zip(form::decode(value.as_bytes()));
                let is_known = decoded.is_some_and(|(name, _)| known.contains(&name.as_str()));
                (!is_known).then_some(name)
            })
    }

    /// Every value of a parameter. A value that is not UTF-8 becomes empty.
    pub fn all(self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        self.0.split('&').filter_map(move |pair| {
            let (known, value) = pair.split_once('=').unwrap_or((pair, ""));
            let is_meant = form::decode(known.as_bytes()).is_some_and(|known| known == name);
            is_meant.then(|| form::decode(value.as_bytes()).unwrap_or_default())
        })
    }

    /// The value of a parameter, if it was sent.
    ///
    /// # Errors
    /// 422 if it was sent twice.
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

/// The query parameters of a request that its route does not declare. The guard of the route stores them with the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownParameters(Vec<FieldError>);

/// The most that an answer names.
const MAX_NAMED: usize = 16;

impl UnknownParameters {
    /// The unknown parameters of a query, if there are any.
    #[must_use]
    pub fn of(query: &str, known: &[&str]) -> Option<Self> {
        let faults: Vec<FieldError> = Query::of(query)
            .unknown(known)
            .take(MAX_NAMED)
            .map(|name| {
                FieldError::new(
                    name,
                    Code::UnknownParameter.as_str(),
                    "The parameter is unknown or malformed.",
                )
            })
            .collect();
        (!faults.is_empty()).then_some(Self(faults))
    }

    /// Whether a request has none. Those that it has are stored with it.
    pub(crate) fn are_absent(request: &GuardContext<'_>, known: &[&str]) -> bool {
        let query = request.head().uri.query();
        match query.and_then(|query| Self::of(query, known)) {
            None => true,
            Some(found) => {
                request.req_data_mut().insert(found);
                false
            }
        }
    }
}

impl From<UnknownParameters> for Problem {
    fn from(found: UnknownParameters) -> Self {
        Self::with_errors(Code::UnknownParameter, found.0)
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
            assert!(is_in_years_of_rfc3339(&text.parse().unwrap()), "{text}");
        }
        for text in ["-5000-01-01T00:00:00Z", "+99999-01-01T00:00:00Z"] {
            assert!(!is_in_years_of_rfc3339(&text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_parameter_that_a_route_does_not_read_or_that_does_not_decode_is_unknown() {
        for known in [
            "",
            "role=admin",
            "role=a&role=b",
            "r%6fle=x",
            "role",
            "&role=a&&",
            "role=%C3%A4",
        ] {
            assert_eq!(UnknownParameters::of(known, &["role"]), None, "{known}");
        }
        for (query, named) in [
            ("roles=admin", vec!["roles"]),
            ("Role=admin", vec!["Role"]),
            ("role=a&x", vec!["x"]),
            ("role=%ff", vec!["role"]),
            ("%ff=1", vec!["%ff"]),
            ("=1", vec![""]),
            ("role%00=1&b=1", vec!["role%00", "b"]),
        ] {
            let found = UnknownParameters::of(query, &["role"]).unwrap();
            let names: Vec<_> = found.0.iter().map(|fault| fault.field.as_str()).collect();
            assert_eq!(names, named, "{query}");
        }
        let many = "a&".repeat(5_000);
        assert_eq!(UnknownParameters::of(&many, &[]).unwrap().0.len(), MAX_NAMED);
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
