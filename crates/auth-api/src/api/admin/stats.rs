//! `GET /stats`: figures about the service, at most half a minute old.

use crate::{
    http::{
        permission::{Authorized, StatsRead},
        problem::Problem,
        route::{Route, Tag, get},
    },
    views::rfc3339,
};
use actix_web::{HttpResponse, web::Data};
use auth_domain::user::UserStatus;
use auth_service::Service;
use serde::Serialize;
use utoipa::ToSchema;

/// The route of the figures.
pub(crate) fn routes() -> [Route; 1] {
    [get("/stats")
        .id("adminStats")
        .summary(Tag::Admin, "Figures about the service, at most half a minute old")
        .holds::<StatsRead>()
        .gives::<StatsJson>(200)
        .to(show)]
}

/// How many users have a role and a status.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserCountJson {
    /// The role.
    role: String,
    /// The status.
    status: String,
    /// The number of users.
    #[schema(minimum = 0)]
    count: u64,
}

/// Figures about the service.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatsJson {
    /// When the figures were counted.
    #[schema(format = DateTime)]
    counted_at: String,
    /// The number of users.
    #[schema(minimum = 0)]
    users: u64,
    /// The number of users who may sign in.
    #[schema(minimum = 0)]
    active_users: u64,
    /// The number of users by role and status.
    users_by_role: Vec<UserCountJson>,
    /// The number of active sessions.
    #[schema(minimum = 0)]
    live_sessions: u64,
    /// The number of mails that wait to be sent.
    #[schema(minimum = 0)]
    mails_waiting: u64,
    /// The number of mails that failed for good within the last days.
    #[schema(minimum = 0)]
    mails_failed: u64,
    /// The number of audit events that are not sealed yet.
    #[schema(minimum = 0)]
    audit_unsealed: u64,
}

async fn show(service: Data<Service>, admin: Authorized<StatsRead>) -> Result<HttpResponse, Problem> {
    let stats = service.stats(admin.caller.now).await?;
    let by_role = stats
        .users
        .users
        .iter()
        .map(|(role, status, count)| UserCountJson {
            role: role.clone(),
            status: status.clone(),
            count: *count,
        });
    Ok(HttpResponse::Ok().json(StatsJson {
        counted_at: rfc3339(stats.counted_at),
        users: stats.users_of(None),
        active_users: stats.users_of(Some(UserStatus::Active)),
        users_by_role: by_role.collect(),
        live_sessions: stats.users.live_sessions,
        mails_waiting: stats.mail.waiting,
        mails_failed: stats.mail.failed,
        audit_unsealed: stats.unsealed_audit,
    }))
}
