//! `/register` and `/setup`: an account comes to be.

use super::{
    fields::{Faults, Fields},
    form::Sent,
    guest::Seen,
    layout::Layout,
    page::{Page, page},
    password::hint,
    visit::Visit,
};
use crate::http::problem::{Code, Problem};
use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;
use auth_service::{Registered, Registration, Setup};

/// Where accounts come to be.
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

/// The fields, as problems and as the forms name them.
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
    /// The address of this form and of the sign-in, each with the way back.
    here: String,
    login: String,
    /// At `/setup`: the one-time token.
    setup: Option<&'a str>,
}

impl<'a> RegisterPage<'a> {
    fn of(
        visit: &'a Visit,
        fields: &'a Fields,
        setup: Option<&'a str>,
        faults: Faults,
    ) -> Result<Self, Problem> {
        let t = visit.texts();
        let (title, place) = if setup.is_some() {
            (&t.setup_title, "/setup")
        } else {
            (&t.register_title, "/register")
        };
        let return_to = visit.return_to()?;
        let leading_back = |place| {
            visit
                .site
                .leading_back(&visit.site.at(place), return_to.as_deref())
        };
        Ok(Self {
            layout: visit.layout(title)?,
            faults,
            email: fields.trimmed("email"),
            name: fields.trimmed("name"),
            password_hint: hint(t, visit.service.password_rules()),
            here: leading_back(place),
            login: leading_back("/login"),
            setup,
        })
    }
}

/// The form.
///
/// # Errors
/// [`Problem`].
async fn show(Seen(visit): Seen<Visit>) -> Result<HttpResponse, Problem> {
    if !visit.service.registration_config().open {
        return Err(Code::RegistrationClosed.into());
    }
    let empty = Fields::default();
    visit.answer(
        StatusCode::OK,
        &RegisterPage::of(&visit, &empty, None, Faults::default())?,
    )
}

/// Registers, and signs in where that needs no confirmed address.
///
/// # Errors
/// [`Problem`].
async fn submit(sent: Sent<Visit>) -> Result<HttpResponse, Problem> {
    let Sent { guest: visit, fields } = sent;
    let return_to = visit.return_to()?;
    let wanted = Registration {
        email: fields.trimmed("email").to_owned(),
        password: fields.secret("password"),
        name: fields.optional("name"),
    };
    match visit.service.register(&visit.caller, wanted).await {
        Ok(Registered::SignIn(step)) => {
            let tokens = step.done().map_err(Problem::from)?;
            visit.sign_in(&tokens, return_to.as_deref()).await
        }
        Ok(Registered::ToBeVerified) => {
            let t = visit.texts();
            if visit.service.mail_cannot_reach(fields.trimmed("email")) {
                let again = visit.site.leading_back("/register", return_to.as_deref());
                let next = (&*again, &*t.register_title);
                let page = visit.tell(&t.mail_unreachable_title, &t.mail_unreachable, next)?;
                return visit.answer(StatusCode::ACCEPTED, &page);
            }
            let login = visit.site.leading_back("/login", return_to.as_deref());
            let next = (&*login, &*t.login_link);
            let page = visit.tell(&t.check_mail_title, &t.register_check_mail, next)?;
            visit.answer(StatusCode::ACCEPTED, &page)
        }
        Err(error) => {
            let (problem, faults) = visit.refused(error, &FIELDS)?;
            visit.answer_again(&problem, &RegisterPage::of(&visit, &fields, None, faults)?)
        }
    }
}

/// The form for the first administrator, its token filled in from the link that the start printed.
///
/// # Errors
/// [`Problem`].
async fn show_setup(Seen(visit): Seen<Visit>) -> Result<HttpResponse, Problem> {
    if !visit.service.setup_is_open().await? {
        return Err(Code::SetupClosed.into());
    }
    let asked = Fields::of_query(visit.query(), &["token"])?;
    let page = RegisterPage::of(&visit, &asked, Some(asked.trimmed("token")), Faults::default())?;
    visit.answer(StatusCode::OK, &page)
}

/// Makes the first administrator and signs it in.
///
/// # Errors
/// [`Problem`].
async fn submit_setup(sent: Sent<Visit>) -> Result<HttpResponse, Problem> {
    let Sent { guest: visit, fields } = sent;
    let wanted = Setup {
        token: fields.trimmed("token").into(),
        account: Registration {
            email: fields.trimmed("email").to_owned(),
            password: fields.secret("password"),
            name: fields.optional("name"),
        },
    };
    match visit.service.setup(&visit.caller, wanted).await {
        Ok(step) => {
            let tokens = step.done().map_err(Problem::from)?;
            visit.sign_in(&tokens, Some(&visit.site.at("/admin"))).await
        }
        Err(auth_service::SignInError::SetupClosed) => Err(Code::SetupClosed.into()),
        Err(error) => {
            let problem = visit.refusal(error)?;
            let faults = match problem.code() {
                Code::InvalidOrExpiredToken => {
                    Faults::one("token", problem.code().as_str(), &visit.texts().setup_token_bad)
                }
                _ => Faults::of(&problem, &FIELDS, visit.texts()),
            };
            let page = RegisterPage::of(&visit, &fields, Some(fields.trimmed("token")), faults)?;
            visit.answer_again(&problem, &page)
        }
    }
}
