//! `/admin/keys`: the signing keys.

use crate::{
    http::{
        permission::{KeysRead, KeysRotate},
        problem::Problem,
    },
    pages::{
        access::{View, WithPermission},
        context::PageContext,
        fields::Faults,
        form::Submitted,
        layout::Layout,
        render::Moment,
        texts::Done,
    },
};
use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;
use auth_domain::{
    keys::{Algorithm, KeyState},
    role::Permission,
};
use auth_service::KeyError;

/// A signing key: what everyone may know of it.
struct Row {
    kid: String,
    state: KeyState,
    algorithm: Algorithm,
    published: Moment,
    verifies_until: Option<Moment>,
}

#[derive(Template)]
#[template(path = "admin/keys.html")]
struct KeysPage<'a> {
    layout: Layout<'a>,
    faults: Faults,
    /// `None` where tokens are signed with a shared secret.
    rows: Option<Vec<Row>>,
    may_rotate: bool,
}

impl KeysPage<'_> {
    fn words(&self, state: &KeyState) -> &str {
        let t = self.layout.t;
        match state {
            KeyState::Next => &t.key_next,
            KeyState::Active => &t.key_active,
            KeyState::Retiring => &t.key_retiring,
            KeyState::Retired => &t.key_retired,
        }
    }
}

async fn page(context: &PageContext, faults: Faults) -> Result<KeysPage<'_>, Problem> {
    let rows = match context.service.key_admin() {
        None => None,
        Some(keys) => {
            let found = keys.list().await?.into_iter();
            let rows = found.map(|(standing, algorithm)| Row {
                kid: standing.kid,
                state: standing.state,
                algorithm,
                published: Moment(standing.published_at),
                verifies_until: standing.verifies_until.map(Moment),
            });
            Some(rows.collect())
        }
    };
    Ok(KeysPage {
        layout: context.layout(&context.texts().nav_keys)?,
        faults,
        rows,
        may_rotate: context.may(Permission::KeysRotate),
    })
}

/// Shows the keys.
pub(super) async fn show(View(admin): View<WithPermission<KeysRead>>) -> Result<HttpResponse, Problem> {
    let context = &admin.context;
    context.answer(StatusCode::OK, &page(context, Faults::default()).await?)
}

/// Rotates the keys.
pub(super) async fn rotate(
    submitted: Submitted<WithPermission<KeysRotate>>,
) -> Result<HttpResponse, Problem> {
    let context = &submitted.access.context;
    let compromised = submitted.fields.has("compromised");
    match context.service.rotate_keys(compromised, &context.caller).await {
        Ok(()) => Ok(context.done("/admin/keys", Done::KeysRotated)),
        Err(error) => {
            let t = context.texts();
            let ready_at = match &error {
                KeyError::TooYoung(young) => Some(Moment(young.ready_at).to_string()),
                _ => None,
            };
            let problem = context.refusal(error)?;
            if !context.may(Permission::KeysRead) {
                return Err(problem);
            }
            let faults = match ready_at {
                Some(at) => Faults::of_all(t.fill(&t.key_too_young, "at", at)),
                None => Faults::of(&problem, &[], t),
            };
            context.answer_again(&problem, &page(context, faults).await?)
        }
    }
}
