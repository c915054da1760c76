//! `/account`: what somebody sees and changes of its own account. Every page calls the use case of the JSON route of the same name.

pub mod data;
pub mod events;
pub mod keys;
pub mod security;
pub mod sessions;

use super::{
    address::page_at,
    fields::Faults,
    form::Sent,
    guest::{Member, Seen},
    layout::Layout,
    render::Moment,
    site::Site,
    texts::Done,
    visit::Visit,
};
use crate::http::{address::read, problem::Problem};
use actix_web::{HttpResponse, http::StatusCode, web};
use askama::Template;
use auth_domain::user::User;
use auth_service::Principal;

#[derive(Template)]
#[template(path = "account/profile.html")]
struct ProfilePage<'a> {
    layout: Layout<'a>,
    faults: Faults,
    user: User,
    /// Whether mail is known not to reach the address.
    unreachable: bool,
    /// The name as it was typed, where it was refused.
    typed: Option<&'a str>,
}

impl<'a> ProfilePage<'a> {
    async fn of(
        visit: &'a Visit,
        principal: &Principal,
        typed: Option<&'a str>,
        faults: Faults,
    ) -> Result<Self, Problem> {
        let user = visit.service.me(principal).await?;
        Ok(Self {
            unreachable: visit.service.mail_can_not_reach(user.email.as_str()),
            user,
            layout: visit.layout(&visit.texts().nav_profile)?,
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

/// The profile.
///
/// # Errors
/// [`Problem`].
pub async fn show(Seen(member): Seen<Member>) -> Result<HttpResponse, Problem> {
    let page = ProfilePage::of(&member.visit, &member.principal, None, Faults::default()).await?;
    member.visit.answer(StatusCode::OK, &page)
}

/// Changes the name.
///
/// # Errors
/// [`Problem`].
pub async fn rename(sent: Sent<Member>) -> Result<HttpResponse, Problem> {
    let Sent { guest, fields } = sent;
    let Member { visit, principal } = guest;
    match visit
        .service
        .rename(&principal, fields.optional("name"), &visit.caller)
        .await
    {
        Ok(_) => Ok(visit.done("/account", Done::Saved)),
        Err(error) => {
            let problem = visit.refusal(error)?;
            let faults = Faults::of(&problem, &[("name", "name")], visit.texts());
            let page = ProfilePage::of(&visit, &principal, Some(fields.trimmed("name")), faults).await?;
            visit.answer_again(&problem, &page)
        }
    }
}

/// Mails the link that confirms the address once more.
///
/// # Errors
/// [`Problem`].
pub async fn send_verification(sent: Sent<Member>) -> Result<HttpResponse, Problem> {
    let Member { visit, principal } = sent.guest;
    visit.service.send_verification(&principal, &visit.caller).await?;
    Ok(visit.done("/account", Done::VerificationSent))
}

/// The addresses.
#[expect(
    clippy::disallowed_methods,
    reason = "pages do not declare themselves as routes do, yet"
)]
pub fn table(table: &mut web::ServiceConfig, site: &Site) {
    let at = |path: &str, allow: &'static str| page_at(site, path, allow);
    table
        .service(
            at("/account", "GET, HEAD, POST")
                .route(read().to(show))
                .route(web::post().to(rename)),
        )
        .service(at("/account/verification", "POST").route(web::post().to(send_verification)))
        .service(at("/account/sessions", "GET, HEAD").route(read().to(sessions::show)))
        .service(at("/account/sessions/end-others", "POST").route(web::post().to(sessions::end_others)))
        .service(at("/account/sessions/{id}/end", "POST").route(web::post().to(sessions::end)))
        .service(at("/account/security", "GET, HEAD").route(read().to(security::show)))
        .service(at("/account/password", "POST").route(web::post().to(security::change_password)))
        .service(at("/account/email", "POST").route(web::post().to(security::change_email)))
        .service(
            at("/account/keys", "GET, HEAD, POST")
                .route(read().to(keys::show))
                .route(web::post().to(keys::create)),
        )
        .service(at("/account/keys/{id}/revoke", "POST").route(web::post().to(keys::revoke)))
        .service(at("/account/events", "GET, HEAD").route(read().to(events::show)))
        .service(at("/account/data", "GET, HEAD").route(read().to(data::show)))
        .service(at("/account/export", "POST").route(web::post().to(data::export)))
        .service(at("/account/delete", "POST").route(web::post().to(data::delete)));
}
