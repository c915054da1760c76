//! `/users`: administrators find, create, change, delete and lock out users, and send them reset links.

use super::USER;
use crate::{
    http::{
        bearer::WithBody,
        cursor::{List, Paging},
        json::{FromMembers, Members},
        path,
        permission::{Authorized, UsersRead, UsersWrite},
        problem::{Code, FieldError, Problem},
        query::Query,
        route::{self, Parameter, Route, Tag, get, patch, post, schema},
    },
    views::{MessageJson, user::UserJson},
};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use auth_domain::{role::Role, user::UserStatus};
use auth_service::{NewUser, Service, UserChangeRequest, UserFilter, UserRef};
use std::str::FromStr;
use utoipa::ToSchema;
use validator::Validate;

/// The routes for users.
pub(crate) fn routes() -> [Route; 7] {
    [
        get("/users")
            .id("adminListUsers")
            .summary(Tag::Admin, "Users, newest first")
            .holds::<UsersRead>()
            .with(Parameter::query(
                "query",
                "The beginning of the email address or of the name; `@example.com` finds users by domain.",
                schema::text,
            ))
            .with(Parameter::query("role", "Their role.", || {
                schema::text().pattern(Some("^[a-z][a-z0-9_-]{0,31}$"))
            }))
            .with(Parameter::query("status", "Their status.", || {
                schema::text().enum_values(Some(["active", "disabled"]))
            }))
            .paged()
            .gives::<List<UserJson>>(200)
            .to(list),
        post("/users")
            .id("adminCreateUser")
            .summary(
                Tag::Admin,
                "Create a user and send them a link to choose a password",
            )
            .holds::<UsersWrite>()
            .takes::<CreateUserBody>()
            .gives::<UserJson>(201)
            .may_fail(&[
                Code::PermissionNotHeld,
                Code::EmailTaken,
                Code::InvalidEmail,
                Code::InvalidName,
                Code::UnknownRole,
            ])
            .to(create),
        get("/users/{id}")
            .id("adminShowUser")
            .summary(Tag::Admin, "One user")
            .holds::<UsersRead>()
            .with(USER)
            .gives::<UserJson>(200)
            .may_fail(&[Code::NotFound])
            .to(show),
        patch("/users/{id}")
            .id("adminChangeUser")
            .summary(
                Tag::Admin,
                "Change a user; a new role or status takes effect on their tokens at once",
            )
            .holds::<UsersWrite>()
            .with(USER)
            .takes::<ChangeUserBody>()
            .gives::<UserJson>(200)
            .may_fail(&[
                Code::NotFound,
                Code::PermissionNotHeld,
                Code::LastAdmin,
                Code::InvalidName,
                Code::UnknownRole,
            ])
            .to(change),
        route::delete("/users/{id}")
            .id("adminDeleteUser")
            .summary(Tag::Admin, "Delete a user and everything that belongs to them")
            .holds::<UsersWrite>()
            .with(USER)
            .gives_nothing(204)
            .may_fail(&[Code::NotFound, Code::LastAdmin])
            .to(delete),
        post("/users/{id}/password-reset")
            .id("adminSendReset")
            .summary(Tag::Admin, "Send a user a link to choose a new password")
            .holds::<UsersWrite>()
            .with(USER)
            .gives::<MessageJson>(202)
            .may_fail(&[Code::NotFound])
            .to(send_reset),
        post("/users/{id}/lock-out")
            .id("adminLockOut")
            .summary(
                Tag::Admin,
                "Lock a user out: end every session and credential, so that only a password reset lets them back in",
            )
            .holds::<UsersWrite>()
            .with(USER)
            .gives_nothing(204)
            .may_fail(&[Code::NotFound])
            .to(lock_out),
    ]
}

/// A user to create. An administrator sets no password: the user gets a mail with a link to choose one.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUserBody {
    /// The email address.
    #[schema(format = Email, min_length = 3, max_length = 254)]
    email: String,
    /// The display name.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// The role; `user` if left out.
    #[schema(pattern = "^[a-z][a-z0-9_-]{0,31}$")]
    role: Option<String>,
    /// Whether the email address is verified.
    email_verified: Option<bool>,
}

impl FromMembers for CreateUserBody {
    fn from_members(members: &mut Members) -> Option<Self> {
        let (email, name) = (members.text("email"), members.optional_text("name"));
        let (role, verified) = (
            members.optional_text("role"),
            members.optional_bool("email_verified"),
        );
        Some(Self {
            email: email?,
            name: name?,
            role: role?,
            email_verified: verified?,
        })
    }
}

/// Changes to a user; a member that is left out stays as it is.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeUserBody {
    /// The display name; `null` removes it.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    name: Option<Option<String>>,
    /// The role.
    #[schema(pattern = "^[a-z][a-z0-9_-]{0,31}$")]
    role: Option<String>,
    /// Whether the user may sign in.
    #[schema(value_type = Option<String>, pattern = "^(active|disabled)$")]
    status: Option<UserStatus>,
    /// Whether the email address is verified.
    email_verified: Option<bool>,
}

impl FromMembers for ChangeUserBody {
    fn from_members(members: &mut Members) -> Option<Self> {
        let names = members.has("name");
        let (name, role) = (members.optional_text("name"), members.optional_text("role"));
        let status = members.optional_word("status", "unknown_status", "The status is active or disabled.");
        let verified = members.optional_bool("email_verified");
        Some(Self {
            name: names.then_some(name?),
            role: role?,
            status: status?,
            email_verified: verified?,
        })
    }
}

async fn list(
    request: HttpRequest,
    service: Data<Service>,
    _: Authorized<UsersRead>,
) -> Result<HttpResponse, Problem> {
    let query = Query::of(request.query_string());
    let filter = UserFilter {
        query: query.single("query")?.filter(|text| !text.is_empty()),
        role: parsed(
            &query,
            "role",
            "unknown_role",
            "A role consists of lower-case letters, digits, _ and -.",
        )?,
        status: parsed(
            &query,
            "status",
            "unknown_status",
            "The status is active or disabled.",
        )?,
    };
    let paging = Paging::of(&query)?;
    let found = service.admin().users(filter, paging.request()).await?;
    let page = paging.page(found, |user| user.id.as_uuid());
    Ok(HttpResponse::Ok().json(List {
        items: page.items.iter().map(UserJson::from).collect::<Vec<_>>(),
        next_cursor: page.next_cursor,
    }))
}

/// Parses a parameter, if it is there.
pub(super) fn parsed<T: FromStr>(
    query: &Query<'_>,
    name: &'static str,
    code: &'static str,
    message: &'static str,
) -> Result<Option<T>, Problem> {
    let Some(text) = query.single(name)? else {
        return Ok(None);
    };
    text.parse()
        .map(Some)
        .map_err(|_| Problem::invalid_input(vec![FieldError::new(name, code, message)]))
}

async fn create(
    service: Data<Service>,
    request: WithBody<Authorized<UsersWrite>, CreateUserBody>,
) -> Result<HttpResponse, Problem> {
    let WithBody { caller: admin, body } = request;
    let account = NewUser {
        email: body.email,
        password: None,
        name: body.name,
        role: body.role.unwrap_or_else(|| Role::USER.to_string()),
        email_verified: body.email_verified.unwrap_or_default(),
    };
    let user = service.invite_user(&admin.bearer, account, &admin.caller).await?;
    Ok(HttpResponse::Created().json(UserJson::from(&user)))
}

async fn show(
    id: Path<String>,
    service: Data<Service>,
    _: Authorized<UsersRead>,
) -> Result<HttpResponse, Problem> {
    let user = service.admin().user(&UserRef::Id(path::id(&id)?)).await?;
    Ok(HttpResponse::Ok().json(UserJson::from(&user)))
}

async fn change(
    id: Path<String>,
    service: Data<Service>,
    request: WithBody<Authorized<UsersWrite>, ChangeUserBody>,
) -> Result<HttpResponse, Problem> {
    let WithBody { caller: admin, body } = request;
    let wanted = UserChangeRequest {
        name: body.name,
        role: body.role,
        status: body.status,
        email_verified: body.email_verified,
    };
    let user = service
        .change_user(&admin.bearer, path::id(&id)?, wanted, &admin.caller)
        .await?;
    Ok(HttpResponse::Ok().json(UserJson::from(&user)))
}

async fn delete(
    id: Path<String>,
    service: Data<Service>,
    admin: Authorized<UsersWrite>,
) -> Result<HttpResponse, Problem> {
    let deleted = service.admin().delete_user(path::id(&id)?, &admin.caller).await?;
    deleted.settle(service.get_ref()).await;
    Ok(HttpResponse::NoContent().finish())
}

async fn send_reset(
    id: Path<String>,
    service: Data<Service>,
    admin: Authorized<UsersWrite>,
) -> Result<HttpResponse, Problem> {
    let queued = service.admin().send_reset(path::id(&id)?, &admin.caller).await?;
    queued.settle(service.get_ref()).await;
    Ok(HttpResponse::Accepted().json(MessageJson {
        message: "An email with a link to choose a new password is on its way",
    }))
}

async fn lock_out(
    id: Path<String>,
    service: Data<Service>,
    admin: Authorized<UsersWrite>,
) -> Result<HttpResponse, Problem> {
    let locked_out = service.admin().lock_out(path::id(&id)?, &admin.caller).await?;
    locked_out.settle(service.get_ref()).await;
    Ok(HttpResponse::NoContent().finish())
}
