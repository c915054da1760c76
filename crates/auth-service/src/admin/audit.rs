//! The audit log, read: by the user whom its rows concern, and by administrators.

use crate::{
    parts::{admin::Admin, failure::Failure, principal::Principal},
    service::Service,
};
use auth_domain::{audit::AuditEvent, ids::UserId};
use auth_storage::{Pagination, audit};

impl Service {
    /// What concerns the caller, newest first; not what they did to others.
    ///
    /// # Errors
    /// A failure.
    pub async fn own_events(
        &self,
        principal: &Principal,
        page: Pagination,
    ) -> Result<Vec<AuditEvent>, Failure> {
        self.events_of(principal.user(), page).await
    }

    /// What concerns a user, newest first; not what they did to others.
    ///
    /// # Errors
    /// A failure.
    pub async fn events_of(&self, id: UserId, page: Pagination) -> Result<Vec<AuditEvent>, Failure> {
        let about_it = audit::Filter {
            subject: Some(id),
            ..audit::Filter::default()
        };
        self.admin().audit(about_it, page).await
    }
}

impl Admin {
    /// A part of the audit log, newest first. A row that fits no event is named in the program's log and passed over.
    ///
    /// # Errors
    /// A failure.
    pub async fn audit(&self, filter: audit::Filter, page: Pagination) -> Result<Vec<AuditEvent>, Failure> {
        Ok(self.storage().audit(filter, page).await?)
    }
}
