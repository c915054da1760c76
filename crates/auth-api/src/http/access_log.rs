//! The access log: one line for each request. The rule: it has the pattern of the route and never the path or the query; ids and never
//! tokens, e-mail addresses or bodies. Text of a client's making is checked before it gets here, or omitted.

use crate::http::state::RequestInfo;
use auth_domain::ids::UserId;
use std::time::Duration;
use tracing::{error, field::display, info, warn};

/// The target of these lines, for filters.
pub const TARGET: &str = "keyward::access";

/// What a line says.
pub struct Line<'a> {
    /// The request's id and client.
    pub info: &'a RequestInfo,
    /// Its method.
    pub method: &'a str,
    /// The pattern of its route.
    pub route: &'a str,
    /// The answer's status.
    pub status: u16,
    /// How long the answer took.
    pub took: Duration,
    /// The user, if the request authenticated as one.
    pub user: Option<UserId>,
    /// The error's code.
    pub code: Option<&'a str>,
    /// The cause of an error, for the operator alone.
    pub cause: Option<&'a str>,
}

impl Line<'_> {
    /// Writes the line: an outage as a warning, an internal error as an error.
    pub fn write(&self) {
        let micros = u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX);
        let (id, client) = (self.info.id.as_str(), self.info.client.map(display));
        let (method, route, status, user) = (self.method, self.route, self.status, self.user.map(display));
        let (code, cause) = (self.code, self.cause);
        if status == 503 {
            warn!(target: TARGET, id, method, route, status, micros, client, user, code, cause, "answered");
        } else if status >= 500 {
            error!(target: TARGET, id, method, route, status, micros, client, user, code, cause, "answered");
        } else {
            info!(target: TARGET, id, method, route, status, micros, client, user, code, "answered");
        }
    }
}
