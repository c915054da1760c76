//! `/admin/users/{id}`: one user: the stored data, sessions, API keys and recent events.

use crate::{
    http::{path, permission::UsersRead, problem::Problem},
    pages::{
        access::{View, WithPermission},
        account::{events, keys, sessions},
        admin::users::status_text,
        context::PageContext,
        fields::Faults,
        layout::Layout,
        render::Moment,
        texts::Texts,
    },
};
use actix_web::{HttpResponse, http::StatusCode, web::Path};
use askama::Template;
use auth_domain::{
    ids::UserId,
    role::Permission,
    user::{User, UserStatus},
};
use auth_service::{Pagination, SessionFilter, UserRef};

/// The page shows this many sessions and events: the newest.
const NEWEST: Pagination = Pagination {
    after: None,
    limit: 20,
};

/// A status in the selection.
struct StatusOption {
    value: String,
    text: String,
    chosen: bool,
}

/// The statuses to choose from. The user's own is among them: a status that only a newer version knows stays unless the
/// administrator chooses another.
fn statuses(own: UserStatus, t: &Texts) -> Vec<StatusOption> {
    let known = [UserStatus::Active, UserStatus::Disabled];
    let newer = Some(own).filter(|own| !known.contains(own));
    known
        .into_iter()
        .chain(newer)
        .map(|status| StatusOption {
            value: status.as_str().to_owned(),
            text: status_text(&status, t).to_owned(),
            chosen: status == own,
        })
        .collect()
}

#[derive(Template)]
#[template(path = "admin/user.html")]
pub(super) struct UserPage<'a> {
    layout: Layout<'a>,
    faults: Faults,
    user: User,
    /// Whether the mail server is known not to deliver to the email address.
    unreachable: bool,
    roles: Vec<String>,
    /// The name as it was typed, if it was refused.
    pub(super) typed_name: Option<&'a str>,
    sessions: Option<Vec<sessions::Row>>,
    keys: Vec<keys::Row>,
    events: Option<Vec<events::Row>>,
    may_write: bool,
    may_end_sessions: bool,
}

impl<'a> UserPage<'a> {
    pub(super) async fn of(context: &'a PageContext, id: UserId, faults: Faults) -> Result<Self, Problem> {
        let (service, t) = (&context.service, context.texts());
        let admin = service.admin();
        let user = admin.user(&UserRef::Id(id)).await?;
        let mut roles: Vec<String> = admin.roles().names().map(ToString::to_string).collect();
        // A role that is no longer configured stays unless the administrator chooses another.
        if !roles.iter().any(|role| role == user.role.as_str()) {
            roles.push(user.role.to_string());
        }
        let mut sessions = None;
        if context.may(Permission::SessionsRead) {
            let found = admin
                .sessions(id, SessionFilter::Active, NEWEST, context.now())
                .await?;
            let rows = found
                .iter()
                .map(|session| sessions::Row::of(session, true, false));
            sessions = Some(rows.collect());
        }
        let mut events = None;
        if context.may(Permission::AuditRead) {
            let found = service.events_of(id, NEWEST).await?;
            let rows = found.iter().map(|event| events::Row::redacted_for(id, event, t));
            events = Some(rows.collect());
        }
        Ok(Self {
            layout: context.layout(user.email.as_str())?,
            faults,
            roles,
            typed_name: None,
            sessions,
            keys: admin.api_keys(id).await?.iter().map(keys::Row::from).collect(),
            events,
            may_write: context.may(Permission::UsersWrite),
            may_end_sessions: context.may(Permission::SessionsRevoke),
            unreachable: service.mail_cannot_reach(user.email.as_str()),
            user,
        })
    }

    fn own(&self, rest: &str) -> String {
        self.layout.at(&format!("/admin/users/{}{rest}", self.user.id))
    }

    fn stored_name(&self) -> &str {
        self.user.name.as_ref().map_or("", |name| name.as_str())
    }

    fn name(&self) -> &str {
        self.typed_name.unwrap_or(self.stored_name())
    }

    fn status(&self) -> &str {
        status_text(&self.user.status, self.layout.t)
    }

    fn statuses(&self) -> Vec<StatusOption> {
        statuses(self.user.status, self.layout.t)
    }

    fn is_active(&self) -> bool {
        self.user.status == UserStatus::Active
    }

    fn since(&self) -> Moment {
        Moment(self.user.created_at)
    }

    fn last_sign_in(&self) -> Option<Moment> {
        self.user.last_login_at.map(Moment)
    }
}

/// Shows the user.
pub(super) async fn show(
    id: Path<String>,
    View(admin): View<WithPermission<UsersRead>>,
) -> Result<HttpResponse, Problem> {
    let page = UserPage::of(&admin.context, path::id(&id)?, Faults::default()).await?;
    admin.context.answer(StatusCode::OK, &page)
}
