//! `/account/security`: the password and the email address.

use crate::{
    http::problem::Problem,
    pages::{
        access::{SignedInUser, View},
        context::PageContext,
        fields::Faults,
        form::Submitted,
        layout::Layout,
        password::hint,
        texts::Done,
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
    async fn of(context: &'a PageContext, principal: &Principal) -> Result<Self, Problem> {
        let t = context.texts();
        Ok(Self {
            layout: context.layout(&t.nav_security)?,
            user: context.service.me(principal).await?,
            password_hint: hint(t, context.service.password_rules()),
            password_faults: Faults::default(),
            email_faults: Faults::default(),
            new_email: "",
        })
    }
}

/// Shows both forms.
pub(super) async fn show(View(user): View<SignedInUser>) -> Result<HttpResponse, Problem> {
    let page = SecurityPage::of(&user.context, &user.principal).await?;
    user.context.answer(StatusCode::OK, &page)
}

/// Changes the password. Every other session ends.
pub(super) async fn change_password(submitted: Submitted<SignedInUser>) -> Result<HttpResponse, Problem> {
    let Submitted { access, fields } = submitted;
    let SignedInUser { context, principal } = access;
    let (current, new) = (fields.secret("current_password"), fields.secret("new_password"));
    let changed = async {
        let current = PresentedProof::Password(current);
        let reauthenticated = context
            .service
            .reauthenticate(&principal, &context.caller, current)
            .await?;
        context.service.change_password(reauthenticated, new).await
    };
    match changed.await {
        Ok(device) => {
            context.keep_known(device.as_ref());
            Ok(context.done("/account/security", Done::PasswordChanged))
        }
        Err(error) => {
            let known = [
                ("password", "new_password"),
                ("current_password", "current_password"),
            ];
            let (problem, faults) = context.refused(error, &known)?;
            let page = SecurityPage {
                password_faults: faults,
                ..SecurityPage::of(&context, &principal).await?
            };
            context.answer_again(&problem, &page)
        }
    }
}

/// Sends a link to a new email address. The account's address changes once the new one is confirmed.
pub(super) async fn change_email(submitted: Submitted<SignedInUser>) -> Result<HttpResponse, Problem> {
    let Submitted { access, fields } = submitted;
    let SignedInUser { context, principal } = access;
    let (new, password) = (fields.trimmed("new_email"), fields.secret("email_password"));
    let asked = async {
        let address = context.service.new_address(new)?;
        let password = PresentedProof::Password(password);
        let reauthenticated = context
            .service
            .reauthenticate(&principal, &context.caller, password)
            .await?;
        context.service.ask_for_new_email(reauthenticated, address).await
    };
    match asked.await {
        Ok(()) => Ok(context.done("/account/security", Done::EmailChangeSent)),
        Err(error) => {
            let known = [("email", "new_email"), ("current_password", "email_password")];
            let (problem, faults) = context.refused(error, &known)?;
            let page = SecurityPage {
                email_faults: faults,
                new_email: new,
                ..SecurityPage::of(&context, &principal).await?
            };
            context.answer_again(&problem, &page)
        }
    }
}
