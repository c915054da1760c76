//! `/users` for administrators: found, made, changed, deleted, sent a reset, locked out.

use super::user_id;
use crate::{
    api::{
        api_keys::{self, ApiKeyBody},
        views::{MessageJson, UserJson},
    },
    http::{
        cursor::{List, Paging},
        json::{FromMembers, Members},
        permission::{May, MayWith, UsersRead, UsersWrite},
        problem::{FieldError, Problem},
        query::Query,
    },
};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use auth_domain::{role::Role, user::UserStatus};
use auth_service::{AccountRef, NewAccount, Service, UserFilter, WantedChange};
use std::str::FromStr;
use utoipa::ToSchema;
use validator::Validate;

/// A user to be made. It gets no password from an administrator: a link to choose one is mailed to it.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUserBody {
    /// The address.
    #[schema(format = Email, min_length = 3, max_length = 254)]
    email: String,
    /// What it is called.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// Its role; `user` if left out.
    #[schema(pattern = "^[a-z][a-z0-9_-]{0,31}$")]
    role: Option<String>,
    /// Whether its address is known to be its own.
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

/// What changes of a user; what is left out stays.
#[derive(Debug, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeUserBody {
    /// What it is called; `null` for no name.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    name: Option<Option<String>>,
    /// Its role.
    #[schema(pattern = "^[a-z][a-z0-9_-]{0,31}$")]
    role: Option<String>,
    /// Whether it may sign in.
    #[schema(value_type = Option<String>, pattern = "^(active|disabled)$")]
    status: Option<UserStatus>,
    /// Whether its address is known to be its own.
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

/// 200 with a page; 403, 422.
///
/// # Errors
/// [`Problem`].
pub async fn list(
    request: HttpRequest,
    service: Data<Service>,
    _may: May<UsersRead>,
) -> Result<HttpResponse, Problem> {
    let query = Query::of(request.query_string());
    let filter = UserFilter {
        query: query.single("query")?.filter(|text| !text.is_empty()),
        role: parsed(
            &query,
            "role",
            "unknown_role",
            "A role is small letters, digits, _ and -.",
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

/// A parameter as what it names.
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

/// 201 with the user; 403, 409, 422.
///
/// # Errors
/// [`Problem`].
pub async fn create(
    service: Data<Service>,
    request: MayWith<UsersWrite, CreateUserBody>,
) -> Result<HttpResponse, Problem> {
    let MayWith { may, body } = request;
    let account = NewAccount {
        email: body.email,
        password: None,
        name: body.name,
        role: body.role.unwrap_or_else(|| Role::USER.to_string()),
        email_verified: body.email_verified.unwrap_or_default(),
    };
    let user = service.invite_user(&may.bearer, account, &may.caller).await?;
    Ok(HttpResponse::Created().json(UserJson::from(&user)))
}

/// 200 with the user; 403, 404.
///
/// # Errors
/// [`Problem`].
pub async fn show(
    id: Path<String>,
    service: Data<Service>,
    _may: May<UsersRead>,
) -> Result<HttpResponse, Problem> {
    let user = service.admin().user(&AccountRef::Id(user_id(&id)?)).await?;
    Ok(HttpResponse::Ok().json(UserJson::from(&user)))
}

/// 200 with the user; 403, 404, 409, 422.
///
/// # Errors
/// [`Problem`].
pub async fn change(
    id: Path<String>,
    service: Data<Service>,
    request: MayWith<UsersWrite, ChangeUserBody>,
) -> Result<HttpResponse, Problem> {
    let MayWith { may, body } = request;
    let wanted = WantedChange {
        name: body.name,
        role: body.role,
        status: body.status,
        email_verified: body.email_verified,
    };
    let user = service
        .change_account(&may.bearer, user_id(&id)?, wanted, &may.caller)
        .await?;
    Ok(HttpResponse::Ok().json(UserJson::from(&user)))
}

/// 204; 403, 404, 409.
///
/// # Errors
/// [`Problem`].
pub async fn delete(
    id: Path<String>,
    service: Data<Service>,
    may: May<UsersWrite>,
) -> Result<HttpResponse, Problem> {
    service.delete_account(user_id(&id)?, &may.caller).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// 202; 403, 404.
///
/// # Errors
/// [`Problem`].
pub async fn send_reset(
    id: Path<String>,
    service: Data<Service>,
    may: May<UsersWrite>,
) -> Result<HttpResponse, Problem> {
    service.send_reset_to(user_id(&id)?, &may.caller).await?;
    Ok(HttpResponse::Accepted().json(MessageJson {
        message: "A mail with a link to choose a new password is on its way",
    }))
}

/// 204; 403, 404.
///
/// # Errors
/// [`Problem`].
pub async fn lock_out(
    id: Path<String>,
    service: Data<Service>,
    may: May<UsersWrite>,
) -> Result<HttpResponse, Problem> {
    service.lock_out_account(user_id(&id)?, &may.caller).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// 200 with the keys; 403, 404.
///
/// # Errors
/// [`Problem`].
pub async fn api_keys(
    id: Path<String>,
    service: Data<Service>,
    _may: May<UsersRead>,
) -> Result<HttpResponse, Problem> {
    let user = service.admin().user(&AccountRef::Id(user_id(&id)?)).await?;
    Ok(api_keys::list_of(&service.admin().api_keys(user.id).await?))
}

/// 201 with the key; 403, 404, 409, 422.
///
/// # Errors
/// [`Problem`].
pub async fn create_api_key(
    id: Path<String>,
    service: Data<Service>,
    request: MayWith<UsersWrite, ApiKeyBody>,
) -> Result<HttpResponse, Problem> {
    let MayWith { may, body } = request;
    let (key, secret) = service
        .create_api_key(&may.bearer, user_id(&id)?, body.into(), &may.caller)
        .await?;
    Ok(api_keys::made(&key, &secret))
}

/// 204; 403, 404.
///
/// # Errors
/// [`Problem`].
pub async fn revoke_api_key(
    path: Path<(String, String)>,
    service: Data<Service>,
    may: May<UsersWrite>,
) -> Result<HttpResponse, Problem> {
    let (user, key) = (user_id(&path.0)?, api_keys::key_id(&path.1)?);
    service.admin().revoke_api_key(user, key, &may.caller).await?;
    Ok(HttpResponse::NoContent().finish())
}
