//! The routes of administrators. The rule: every handler takes an `Authorized` of the one permission that it needs.

pub mod api_keys;
pub mod audit;
pub mod keys;
pub mod sessions;
pub mod stats;
pub mod users;

use crate::http::route::{Parameter, Route};

/// The routes of administrators, below `server.admin_path`.
pub(crate) fn routes() -> impl Iterator<Item = Route> {
    users::routes()
        .into_iter()
        .chain(sessions::routes())
        .chain(api_keys::routes())
        .chain(audit::routes())
        .chain(stats::routes())
        .chain(keys::routes())
}

/// The id of the user in a route's path.
const USER: Parameter = Parameter::id("id", "The user's id.");
