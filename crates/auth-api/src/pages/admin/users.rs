//! `/admin/users`: administrators find and invite users.

use crate::{
    http::{
        cursor::Paging,
        permission::{UsersRead, UsersWrite},
        problem::Problem,
    },
    pages::{
        access::{View, WithPermission},
        context::PageContext,
        fields::Faults,
        form::Submitted,
        layout::Layout,
        render::Moment,
        texts::{Done, Texts},
    },
};
use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;
use auth_domain::{
    role::Permission,
    user::{User, UserStatus},
};
use auth_service::{NewUser, UserFilter};

/// A user in the list.
struct Row {
    id: String,
    email: String,
    name: Option<String>,
    role: String,
    /// The text for the status.
    status: String,
    active: bool,
    verified: bool,
    last: Option<Moment>,
}

/// The text for a status. A status that only a newer version knows is shown as it is.
pub(super) fn status_text<'a>(status: &'a UserStatus, t: &'a Texts) -> &'a str {
    match status {
        UserStatus::Active => &t.active,
        UserStatus::Disabled => &t.disabled,
        UserStatus::Newer(newer) => newer.as_str(),
    }
}

impl Row {
    fn of(user: &User, t: &Texts) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.email.as_str().to_owned(),
            name: user.name.as_ref().map(ToString::to_string),
            role: user.role.to_string(),
            status: status_text(&user.status, t).to_owned(),
            active: user.status == UserStatus::Active,
            verified: user.email_verified_at.is_some(),
            last: user.last_login_at.map(Moment),
        }
    }
}

#[derive(Template)]
#[template(path = "admin/users.html")]
struct UsersPage<'a> {
    layout: Layout<'a>,
    query: String,
    role: String,
    status: String,
    roles: Vec<String>,
    rows: Vec<Row>,
    next: Option<String>,
    faults: Faults,
    /// What was typed in the form that invites a user.
    email: &'a str,
    name: &'a str,
    new_role: &'a str,
    may_write: bool,
}

impl<'a> UsersPage<'a> {
    async fn of(context: &'a PageContext, faults: Faults) -> Result<Self, Problem> {
        let query = context.query();
        let text = |name| Ok::<_, Problem>(query.single(name)?.unwrap_or_default());
        let (wanted, role, status) = (text("query")?, text("role")?, text("status")?);
        let filter = UserFilter {
            query: Some(wanted.clone()).filter(|text| !text.is_empty()),
            // The form offers known roles and statuses only; an unknown one filters nothing.
            role: role.parse().ok(),
            status: status.parse().ok(),
        };
        let paging = Paging::of(&query)?;
        let found = context.service.admin().users(filter, paging.request()).await?;
        let page = paging.page(found, |user| user.id.as_uuid());
        let roles = context.service.admin().roles().names().map(ToString::to_string);
        Ok(Self {
            layout: context.layout(&context.texts().nav_users)?,
            query: wanted,
            role,
            status,
            roles: roles.collect(),
            rows: page
                .items
                .iter()
                .map(|user| Row::of(user, context.texts()))
                .collect(),
            next: page.next_cursor,
            faults,
            email: "",
            name: "",
            new_role: "user",
            may_write: context.may(Permission::UsersWrite),
        })
    }

    /// The address of the next page.
    fn older(&self) -> Option<String> {
        let filters = [
            ("query", &*self.query),
            ("role", &self.role),
            ("status", &self.status),
        ];
        self.layout.older("/admin/users", &filters, self.next.as_deref())
    }
}

/// Shows one page of users, and the form that invites one.
pub(super) async fn show(View(admin): View<WithPermission<UsersRead>>) -> Result<HttpResponse, Problem> {
    let page = UsersPage::of(&admin.context, Faults::default()).await?;
    admin.context.answer(StatusCode::OK, &page)
}

/// Creates a user and sends them a link to choose their password.
pub(super) async fn invite(
    submitted: Submitted<WithPermission<UsersWrite>>,
) -> Result<HttpResponse, Problem> {
    let Submitted { access, fields } = submitted;
    let WithPermission { context, bearer, .. } = &access;
    let wanted = NewUser {
        email: fields.trimmed("email").to_owned(),
        password: None,
        name: fields.optional("name"),
        role: fields.text("new_role").to_owned(),
        email_verified: fields.has("email_verified"),
    };
    match context.service.invite_user(bearer, wanted, &context.caller).await {
        Ok(user) => Ok(context.done(&format!("/admin/users/{}", user.id), Done::UserInvited)),
        Err(error) => {
            let problem = context.refusal(error)?;
            // An administrator who may create users but not see them sees none here, either.
            if !context.may(Permission::UsersRead) {
                return Err(problem);
            }
            let known = [("email", "email"), ("name", "name"), ("role", "new_role")];
            let page = UsersPage {
                email: fields.trimmed("email"),
                name: fields.trimmed("name"),
                new_role: fields.text("new_role"),
                ..UsersPage::of(context, Faults::of(&problem, &known, context.texts())).await?
            };
            context.answer_again(&problem, &page)
        }
    }
}
