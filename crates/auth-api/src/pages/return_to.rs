//! Where a sign-in returns to. The rule: a page of this server, or exactly an origin of the configuration, and nothing else in any
//! spelling (OWASP: unvalidated redirects).
//!
//! The rest of the address after an origin is not parsed: the next character ends the host for every reader.

use super::state::PagesState;
use crate::http::{
    problem::{Code, Problem},
    query::Query,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

impl PagesState {
    /// Where a sign-in returns to, from the address of the page or of its form.
    ///
    /// # Errors
    /// 400 for what is not allowed, 422 for two of them.
    pub fn return_to(&self, query: Query<'_>) -> Result<Option<String>, Problem> {
        match query.single("return_to")?.filter(|wanted| !wanted.is_empty()) {
            Some(wanted) if self.may_return_to(&wanted).is_none() => Err(Code::ReturnToNotAllowed.into()),
            wanted => Ok(wanted),
        }
    }

    /// The address of a page, with `return_to` added.
    #[must_use]
    pub fn with_return_to(&self, page: &str, return_to: Option<&str>) -> String {
        match return_to {
            Some(to) => format!("{page}?return_to={}", utf8_percent_encode(to, NON_ALPHANUMERIC)),
            None => page.to_owned(),
        }
    }

    /// The address, if a sign-in may return to it.
    #[must_use]
    pub fn may_return_to<'a>(&self, wanted: &'a str) -> Option<&'a str> {
        // Browsers drop tabs and line ends from addresses and treat a backslash as a slash.
        let plain = wanted.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
        if !plain || wanted.len() > 2_048 {
            return None;
        }
        let ends_host = |rest: &str| rest.is_empty() || rest.starts_with(['/', '?', '#']);
        let path = wanted.split(['?', '#']).next().unwrap_or_default();
        // Browsers resolve dot segments, however the dots are written.
        let climbs =
            path.split('/').any(|part| part.starts_with('.')) || path.to_ascii_lowercase().contains("%2e");
        let own = wanted.starts_with('/') && !wanted.starts_with("//") && !climbs && self.covers(path);
        let foreign = || {
            let origins = self.config.return_to.iter();
            origins
                .filter_map(|origin| wanted.strip_prefix(origin.as_str()))
                .any(ends_host)
        };
        (own || foreign()).then_some(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{http::config::ServerConfig, pages::PagesConfig};

    #[test]
    fn a_sign_in_returns_to_own_pages_and_to_exact_origins_only() {
        let config = PagesConfig {
            path: "/ui".into(),
            return_to: vec!["https://app.example.com".into(), "http://localhost:3000".into()],
            ..PagesConfig::default()
        };
        let pages_state = PagesState::new(config, &ServerConfig::default(), "Keyward").unwrap();
        for good in [
            "/ui/account",
            "/ui/admin/users?query=a%20b#x",
            "https://app.example.com",
            "https://app.example.com/",
            "https://app.example.com/a?b=c#d",
            "https://app.example.com?x",
            "https://app.example.com/@evil.example",
            "http://localhost:3000/x",
        ] {
            assert_eq!(pages_state.may_return_to(good), Some(good));
        }
        for bad in [
            "",
            "/",
            "/account",
            "//evil.example",
            "//evil.example/ui/account",
            "/\\evil.example",
            "\\\\evil.example",
            "/ui/account\n",
            "/ui/accounts",
            "/ui/account/..//evil.example",
            "/ui/account/../../x",
            "/ui/account/%2E%2e/x",
            "/ui/account/.%2e/x",
            "/ui",
            "ui/account",
            "https://app.example.com.evil.example",
            "https://app.example.com@evil.example",
            "https://app.example.com:8443/",
            "https://app.example.com\\@evil.example",
            "https://APP.example.com",
            "http://app.example.com",
            "https:app.example.com",
            " https://app.example.com",
            "https://app.example.com/ x",
            "javascript:alert(1)",
            "data:text/html,x",
            "http://localhost:30001/",
        ] {
            assert_eq!(pages_state.may_return_to(bad), None, "{bad:?}");
        }
        let long = format!("/ui/account?{}", "a".repeat(3_000));
        assert_eq!(pages_state.may_return_to(&long), None);
    }
}
