//! `/account/keys`: the user's own API keys. The rule: a key is shown once, in the answer that creates it.

use crate::{
    http::{
        path,
        problem::{Code, Problem},
    },
    pages::{
        access::{SignedInUser, View},
        context::PageContext,
        fields::{Faults, Fields},
        form::Submitted,
        layout::Layout,
        render::Moment,
        texts::Done,
    },
};
use actix_web::{HttpResponse, http::StatusCode, web::Path};
use askama::Template;
use auth_domain::{
    api_key::ApiKey,
    role::Permission,
    time::{Span, Timestamp, after},
};
use auth_service::{Bearer, NewApiKey, Principal};
use secrecy::{ExposeSecret, SecretString};

/// The lifetimes of a key that the form offers, in days; 0 means that the key does not expire.
pub(in crate::pages) const DAYS: [i64; 4] = [30, 90, 365, 0];

/// An API key as pages show it.
pub(in crate::pages) struct Row {
    pub(in crate::pages) id: String,
    pub(in crate::pages) name: String,
    pub(in crate::pages) permissions: String,
    pub(in crate::pages) created: Moment,
    pub(in crate::pages) expires: Option<Moment>,
    pub(in crate::pages) used: Option<Moment>,
}

impl From<&ApiKey> for Row {
    fn from(key: &ApiKey) -> Self {
        let permissions: Vec<&str> = key.permissions.iter().map(|one| one.as_str()).collect();
        Self {
            id: key.id.to_string(),
            name: key.name.as_str().to_owned(),
            permissions: permissions.join(", "),
            created: Moment(key.created_at),
            expires: key.expires_at.map(Moment),
            used: key.last_used_at.map(Moment),
        }
    }
}

#[derive(Template)]
#[template(path = "account/keys.html")]
struct KeysPage<'a> {
    layout: Layout<'a>,
    faults: Faults,
    rows: Vec<Row>,
    /// The permissions that a key may have: those that its creator holds.
    permissions: &'a [Permission],
    name: &'a str,
    created_key: Option<SecretString>,
}

impl<'a> KeysPage<'a> {
    async fn of(context: &'a PageContext, principal: &Principal, faults: Faults) -> Result<Self, Problem> {
        let keys = context.service.admin().api_keys(principal.user()).await?;
        Ok(Self {
            layout: context.layout(&context.texts().nav_api_keys)?,
            faults,
            rows: keys.iter().map(Row::from).collect(),
            permissions: context.service.permissions_of(principal),
            name: "",
            created_key: None,
        })
    }

    fn created_key(&self) -> Option<&str> {
        self.created_key.as_ref().map(ExposeSecret::expose_secret)
    }
}

/// Shows the keys, and the form that creates another.
pub(super) async fn show(View(user): View<SignedInUser>) -> Result<HttpResponse, Problem> {
    let page = KeysPage::of(&user.context, &user.principal, Faults::default()).await?;
    user.context.answer(StatusCode::OK, &page)
}

/// Creates a key and shows it.
pub(super) async fn create(submitted: Submitted<SignedInUser>) -> Result<HttpResponse, Problem> {
    let Submitted { access, fields } = submitted;
    let SignedInUser { context, principal } = access;
    let wanted = wanted(&fields, context.now())?;
    let maker = Bearer::Session(principal.clone());
    match context
        .service
        .create_api_key(&maker, principal.user(), wanted, &context.caller)
        .await
    {
        Ok((_, secret)) => {
            let page = KeysPage {
                created_key: Some(secret),
                ..KeysPage::of(&context, &principal, Faults::default()).await?
            };
            context.answer(StatusCode::CREATED, &page)
        }
        Err(error) => {
            let (problem, faults) = context.refused(error, &[("name", "name")])?;
            let page = KeysPage {
                name: fields.trimmed("name"),
                ..KeysPage::of(&context, &principal, faults).await?
            };
            context.answer_again(&problem, &page)
        }
    }
}

/// The key that the form asks for.
fn wanted(fields: &Fields, now: Timestamp) -> Result<NewApiKey, Problem> {
    let permissions: Result<Vec<Permission>, _> = fields.all("permissions").map(str::parse).collect();
    let days = fields
        .text("days")
        .parse()
        .ok()
        .filter(|days| DAYS.contains(days));
    let (Ok(permissions), Some(days)) = (permissions, days) else {
        return Err(Code::InvalidInput.into());
    };
    Ok(NewApiKey {
        name: fields.trimmed("name").to_owned(),
        permissions,
        expires_at: (days > 0).then(|| after(now, Span::days(days))),
    })
}

/// Revokes a key.
pub(super) async fn revoke(
    id: Path<String>,
    submitted: Submitted<SignedInUser>,
) -> Result<HttpResponse, Problem> {
    let SignedInUser { context, principal } = submitted.access;
    context
        .service
        .revoke_own_api_key(&principal, path::id(&id)?, &context.caller)
        .await?;
    Ok(context.done("/account/keys", Done::KeyRevoked))
}
