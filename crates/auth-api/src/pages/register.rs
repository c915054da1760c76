//! `/register` and `/setup`: create an account. The rule: the answer to a registration does not reveal whether the account exists,
//! where a confirmed email address is required.

use super::{
    access::View,
    context::PageContext,
    fields::{Faults, Fields},
    form::Submitted,
    layout::Layout,
    page::{Page, page},
    password::hint,
};
use crate::http::problem::{Code, Problem};
use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;
use auth_service::{Registered, Registration, Setup};

/// The pages that create an account.
pub(super) fn pages() -> [Page; 2] {
    [
        page("/register").anyone().shows(show).anyone().takes(submit),
        page("/setup")
            .anyone()
            .shows(show_setup)
            .anyone()
            .takes(submit_setup),
    ]
}

/// The fields, by their names in a problem and in the form.
const FIELDS: [(&str, &str); 4] = [
    ("email", "email"),
    ("name", "name"),
    ("password", "password"),
    ("token", "token"),
];

#[derive(Template)]
#[template(path = "register.html")]
struct RegisterPage<'a> {
    layout: Layout<'a>,
    faults: Faults,
    email: &'a str,
    name: &'a str,
    password_hint: String,
    /// The addresses of this form and of the sign-in, each with `return_to`.
    here: String,
    login: String,
    /// The one-time token, at `/setup`.
    setup: Option<&'a str>,
}

impl<'a> RegisterPage<'a> {
    fn of(
        context: &'a PageContext,
        fields: &'a Fields,
        setup: Option<&'a str>,
        faults: Faults,
    ) -> Result<Self, Problem> {
        let t = context.texts();
        let (title, place) = if setup.is_some() {
            (&t.setup_title, "/setup")
        } else {
            (&t.register_title, "/register")
        };
        let return_to = context.return_to()?;
        let with_return_to = |place| {
            context
                .pages_state
                .with_return_to(&context.pages_state.at(place), return_to.as_deref())
        };
        Ok(Self {
            layout: context.layout(title)?,
            faults,
            email: fields.trimmed("email"),
            name: fields.trimmed("name"),
            password_hint: hint(t, context.service.password_rules()),
            here: with_return_to(place),
            login: with_return_to("/login"),
            setup,
        })
    }
}

/// Shows the form.
async fn show(View(context): View<PageContext>) -> Result<HttpResponse, Problem> {
    if !context.service.registration_config().open {
        return Err(Code::RegistrationClosed.into());
    }
    let empty = Fields::default();
    context.answer(
        StatusCode::OK,
        &RegisterPage::of(&context, &empty, None, Faults::default())?,
    )
}

/// Registers the user, and signs them in unless the email address has to be confirmed first.
async fn submit(submitted: Submitted<PageContext>) -> Result<HttpResponse, Problem> {
    let Submitted {
        access: context,
        fields,
    } = submitted;
    let return_to = context.return_to()?;
    let wanted = Registration {
        email: fields.trimmed("email").to_owned(),
        password: fields.secret("password"),
        name: fields.optional("name"),
    };
    match context.service.register(&context.caller, wanted).await {
        Ok(Registered::SignIn(step)) => {
            let tokens = step.done().map_err(Problem::from)?;
            context.sign_in(&tokens, return_to.as_deref()).await
        }
        Ok(Registered::VerificationPending) => {
            let t = context.texts();
            if context.service.mail_cannot_reach(fields.trimmed("email")) {
                let again = context
                    .pages_state
                    .with_return_to("/register", return_to.as_deref());
                let next = (&*again, &*t.register_title);
                let page = context.message_page(&t.mail_unreachable_title, &t.mail_unreachable, next)?;
                return context.answer(StatusCode::ACCEPTED, &page);
            }
            let login = context.pages_state.with_return_to("/login", return_to.as_deref());
            let next = (&*login, &*t.login_link);
            let page = context.message_page(&t.check_mail_title, &t.register_check_mail, next)?;
            context.answer(StatusCode::ACCEPTED, &page)
        }
        Err(error) => {
            let (problem, faults) = context.refused(error, &FIELDS)?;
            context.answer_again(&problem, &RegisterPage::of(&context, &fields, None, faults)?)
        }
    }
}

/// Shows the form for the first administrator. The link that the start printed fills in its token.
async fn show_setup(View(context): View<PageContext>) -> Result<HttpResponse, Problem> {
    if !context.service.setup_is_open().await? {
        return Err(Code::SetupClosed.into());
    }
    let asked = Fields::of_query(context.query(), &["token"])?;
    let page = RegisterPage::of(&context, &asked, Some(asked.trimmed("token")), Faults::default())?;
    context.answer(StatusCode::OK, &page)
}

/// Creates the first administrator and signs them in.
async fn submit_setup(submitted: Submitted<PageContext>) -> Result<HttpResponse, Problem> {
    let Submitted {
        access: context,
        fields,
    } = submitted;
    let wanted = Setup {
        token: fields.trimmed("token").into(),
        account: Registration {
            email: fields.trimmed("email").to_owned(),
            password: fields.secret("password"),
            name: fields.optional("name"),
        },
    };
    match context.service.setup(&context.caller, wanted).await {
        Ok(step) => {
            let tokens = step.done().map_err(Problem::from)?;
            context
                .sign_in(&tokens, Some(&context.pages_state.at("/admin")))
                .await
        }
        Err(auth_service::SignInError::SetupClosed) => Err(Code::SetupClosed.into()),
        Err(error) => {
            let problem = context.refusal(error)?;
            let faults = match problem.code() {
                Code::InvalidOrExpiredToken => {
                    Faults::one("token", problem.code().as_str(), &context.texts().setup_token_bad)
                }
                _ => Faults::of(&problem, &FIELDS, context.texts()),
            };
            let page = RegisterPage::of(&context, &fields, Some(fields.trimmed("token")), faults)?;
            context.answer_again(&problem, &page)
        }
    }
}
