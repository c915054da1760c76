//! Reading the audit log: users read the events that concern them, administrators read all.

use crate::{
    parts::{admin::Admin, failure::Failure, principal::Principal},
    service::Service,
};
use auth_domain::{audit::AuditEvent, ids::UserId};
use auth_storage::{Pagination, audit};

impl Service {
    /// The events that concern the caller, newest first. What the caller did to others is not among them.
    pub async fn own_events(
        &self,
        principal: &Principal,
        page: Pagination,
    ) -> Result<Vec<AuditEvent>, Failure> {
        self.events_of(principal.user(), page).await
    }

    /// The events that concern a user, newest first. What the user did to others is not among them.
    pub async fn events_of(&self, id: UserId, page: Pagination) -> Result<Vec<AuditEvent>, Failure> {
        let about_it = audit::Filter {
            subject: Some(id),
            ..audit::Filter::default()
        };
        self.admin().audit(about_it, page).await
    }
}

impl Admin {
    /// The events of the audit log that match the filter, newest first. A row that can't be read is logged and skipped.
    pub async fn audit(&self, filter: audit::Filter, page: Pagination) -> Result<Vec<AuditEvent>, Failure> {
        Ok(self.storage().audit(filter, page).await?)
    }
}
