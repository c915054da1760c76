//! `/account/security`: the password and the address.

use crate::{
    http::problem::Problem,
    pages::{
        fields::Faults,
        form::Sent,
        guest::{Member, Seen},
        layout::Layout,
        password::hint,
        texts::Done,
        visit::Visit,
    },
};
use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;
use auth_domain::user::User;
use auth_service::{PresentedProof, Principal};

#[derive(Template)]
#[template(path = "account/security.html")]
struct SecurityPage<'a> {
    layout: Layout<'a>,
    user: User,
    password_hint: String,
    password_faults: Faults,
    email_faults: Faults,
    new_email: &'a str,
}

impl<'a> SecurityPage<'a> {
    async fn of(visit: &'a Visit, principal: &Principal) -> Result<Self, Problem> {
        let t = visit.texts();
        Ok(Self {
            layout: visit.layout(&t.nav_security)?,
            user: visit.service.me(principal).await?,
            password_hint: hint(t, visit.service.password_rules()),
            password_faults: Faults::default(),
            email_faults: Faults::default(),
            new_email: "",
        })
    }
}

/// Both forms.
///
/// # Errors
/// [`Problem`].
pub(super) async fn show(Seen(member): Seen<Member>) -> Result<HttpResponse, Problem> {
    let page = SecurityPage::of(&member.visit, &member.principal).await?;
    member.visit.answer(StatusCode::OK, &page)
}

/// Changes the password; every other session ends.
///
/// # Errors
/// [`Problem`].
pub(super) async fn change_password(sent: Sent<Member>) -> Result<HttpResponse, Problem> {
    let Sent { guest, fields } = sent;
    let Member { visit, principal } = guest;
    let (current, new) = (fields.secret("current_password"), fields.secret("new_password"));
    let changed = async {
        let current = PresentedProof::Password(current);
        let confirmed = visit.service.confirm(&principal, &visit.caller, current).await?;
        visit.service.change_password(confirmed, new).await
    };
    match changed.await {
        Ok(device) => {
            visit.keep_known(device.as_ref());
            Ok(visit.done("/account/security", Done::PasswordChanged))
        }
        Err(error) => {
            let known = [
                ("password", "new_password"),
                ("current_password", "current_password"),
            ];
            let (problem, faults) = visit.refused(error, &known)?;
            let page = SecurityPage {
                password_faults: faults,
                ..SecurityPage::of(&visit, &principal).await?
            };
            visit.answer_again(&problem, &page)
        }
    }
}

/// Has a link mailed to a new address, which becomes the account's once it is confirmed.
///
/// # Errors
/// [`Problem`].
pub(super) async fn change_email(sent: Sent<Member>) -> Result<HttpResponse, Problem> {
    let Sent { guest, fields } = sent;
    let Member { visit, principal } = guest;
    let (new, password) = (fields.trimmed("new_email"), fields.secret("email_password"));
    let asked = async {
        let address = visit.service.new_address(new)?;
        let password = PresentedProof::Password(password);
        let confirmed = visit.service.confirm(&principal, &visit.caller, password).await?;
        visit.service.ask_for_new_email(confirmed, address).await
    };
    match asked.await {
        Ok(()) => Ok(visit.done("/account/security", Done::EmailChangeSent)),
        Err(error) => {
            let known = [("email", "new_email"), ("current_password", "email_password")];
            let (problem, faults) = visit.refused(error, &known)?;
            let page = SecurityPage {
                email_faults: faults,
                new_email: new,
                ..SecurityPage::of(&visit, &principal).await?
            };
            visit.answer_again(&problem, &page)
        }
    }
}
