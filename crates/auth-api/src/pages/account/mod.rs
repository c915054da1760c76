//! `/account`: what users see and change of their own account. The rule: every page calls the use case of the JSON route of the
//! same name.

pub mod data;
pub mod events;
pub mod keys;
pub mod security;
pub mod sessions;

use super::{
    access::{SignedInUser, View},
    context::PageContext,
    fields::Faults,
    form::Submitted,
    layout::Layout,
    page::{Page, page},
    render::Moment,
    texts::Done,
};
use crate::http::problem::Problem;
use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;
use auth_domain::user::User;
use auth_service::Principal;

#[derive(Template)]
#[template(path = "account/profile.html")]
struct ProfilePage<'a> {
    layout: Layout<'a>,
    faults: Faults,
    user: User,
    /// Whether the mail server is known not to deliver to the email address.
    unreachable: bool,
    /// The name as it was typed, if it was refused.
    typed: Option<&'a str>,
}

impl<'a> ProfilePage<'a> {
    async fn of(
        context: &'a PageContext,
        principal: &Principal,
        typed: Option<&'a str>,
        faults: Faults,
    ) -> Result<Self, Problem> {
        let user = context.service.me(principal).await?;
        Ok(Self {
            unreachable: context.service.mail_cannot_reach(user.email.as_str()),
            user,
            layout: context.layout(&context.texts().nav_profile)?,
            faults,
            typed,
        })
    }

    fn name(&self) -> &str {
        let stored = self.user.name.as_ref().map_or("", |name| name.as_str());
        self.typed.unwrap_or(stored)
    }

    fn since(&self) -> Moment {
        Moment(self.user.created_at)
    }

    fn last_sign_in(&self) -> Option<Moment> {
        self.user.last_login_at.map(Moment)
    }
}

/// Shows the profile.
async fn show(View(user): View<SignedInUser>) -> Result<HttpResponse, Problem> {
    let page = ProfilePage::of(&user.context, &user.principal, None, Faults::default()).await?;
    user.context.answer(StatusCode::OK, &page)
}

/// Changes the name.
async fn rename(submitted: Submitted<SignedInUser>) -> Result<HttpResponse, Problem> {
    let Submitted { access, fields } = submitted;
    let SignedInUser { context, principal } = access;
    match context
        .service
        .rename(&principal, fields.optional("name"), &context.caller)
        .await
    {
        Ok(_) => Ok(context.done("/account", Done::Saved)),
        Err(error) => {
            let (problem, faults) = context.refused(error, &[("name", "name")])?;
            let page = ProfilePage::of(&context, &principal, Some(fields.trimmed("name")), faults).await?;
            context.answer_again(&problem, &page)
        }
    }
}

/// Sends the link that confirms the email address again.
async fn send_verification(submitted: Submitted<SignedInUser>) -> Result<HttpResponse, Problem> {
    let SignedInUser { context, principal } = submitted.access;
    context
        .service
        .send_verification(&principal, &context.caller)
        .await?;
    Ok(context.done("/account", Done::VerificationSent))
}

/// The pages of the account, in the order of the navigation.
pub(super) fn pages() -> [Page; 14] {
    [
        page("/account")
            .named(|t| &t.nav_profile)
            .signed_in()
            .shows(show)
            .signed_in()
            .takes(rename),
        page("/account/verification").signed_in().takes(send_verification),
        page("/account/sessions")
            .named(|t| &t.nav_sessions)
            .signed_in()
            .shows(sessions::show),
        page("/account/sessions/end-others")
            .signed_in()
            .takes(sessions::end_others),
        page("/account/sessions/{id}/end")
            .signed_in()
            .takes(sessions::end),
        page("/account/security")
            .named(|t| &t.nav_security)
            .signed_in()
            .shows(security::show),
        page("/account/password")
            .signed_in()
            .takes(security::change_password),
        page("/account/email").signed_in().takes(security::change_email),
        page("/account/keys")
            .named(|t| &t.nav_api_keys)
            .signed_in()
            .shows(keys::show)
            .signed_in()
            .takes(keys::create),
        page("/account/keys/{id}/revoke").signed_in().takes(keys::revoke),
        page("/account/events")
            .named(|t| &t.nav_events)
            .signed_in()
            .shows(events::show),
        page("/account/data")
            .named(|t| &t.nav_data)
            .signed_in()
            .shows(data::show),
        page("/account/export").signed_in().takes(data::export),
        page("/account/delete").signed_in().takes(data::delete),
    ]
}
