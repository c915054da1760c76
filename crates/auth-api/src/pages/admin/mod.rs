//! `/admin`: what administrators see and do. The rule: each page and each form names the one permission that it needs, as the JSON
//! route of the same use case does. Anything else on a page is shown to administrators who may see it.

pub mod audit;
pub mod chart;
pub mod keys;
pub mod overview;
pub mod user;
pub mod user_changes;
pub mod users;

use super::page::{Page, page};
use crate::http::permission::{
    AuditRead, KeysRead, KeysRotate, SessionsRevoke, StatsRead, UsersRead, UsersWrite,
};

/// The pages of the administration, in the order of the navigation.
pub(super) fn pages() -> [Page; 12] {
    [
        page("/admin")
            .named(|t| &t.nav_overview)
            .holds::<StatsRead>()
            .shows(overview::show),
        page("/admin/users")
            .named(|t| &t.nav_users)
            .holds::<UsersRead>()
            .shows(users::show)
            .holds::<UsersWrite>()
            .takes(users::invite),
        page("/admin/users/{id}")
            .holds::<UsersRead>()
            .shows(user::show)
            .holds::<UsersWrite>()
            .takes(user_changes::change),
        page("/admin/users/{id}/reset")
            .holds::<UsersWrite>()
            .takes(user_changes::send_reset),
        page("/admin/users/{id}/lock-out")
            .holds::<UsersWrite>()
            .takes(user_changes::lock_out),
        page("/admin/users/{id}/delete")
            .holds::<UsersWrite>()
            .takes(user_changes::delete),
        page("/admin/users/{id}/sessions/end")
            .holds::<SessionsRevoke>()
            .takes(user_changes::end_sessions),
        page("/admin/users/{id}/sessions/{session}/end")
            .holds::<SessionsRevoke>()
            .takes(user_changes::end_session),
        page("/admin/users/{id}/keys/{key}/revoke")
            .holds::<UsersWrite>()
            .takes(user_changes::revoke_key),
        page("/admin/audit")
            .named(|t| &t.nav_audit)
            .holds::<AuditRead>()
            .shows(audit::show),
        page("/admin/audit/verify")
            .holds::<AuditRead>()
            .takes(audit::verify),
        page("/admin/keys")
            .named(|t| &t.nav_keys)
            .holds::<KeysRead>()
            .shows(keys::show)
            .holds::<KeysRotate>()
            .takes(keys::rotate),
    ]
}
