//! `/admin/keys`: the signing keys.

use crate::{
    http::{
        permission::{KeysRead, KeysRotate},
        problem::Problem,
    },
    pages::{
        fields::Faults,
        form::Sent,
        guest::{Holder, Seen},
        layout::Layout,
        render::Moment,
        texts::Done,
        visit::Visit,
    },
};
use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;
use auth_domain::{
    keys::{Algorithm, KeyState},
    role::Permission,
};
use auth_service::KeyError;

/// A key, as far as everybody may know it.
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

async fn page(visit: &Visit, faults: Faults) -> Result<KeysPage<'_>, Problem> {
    let rows = match visit.service.key_admin() {
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
        layout: visit.layout(&visit.texts().nav_keys)?,
        faults,
        rows,
        may_rotate: visit.may(Permission::KeysRotate),
    })
}

/// The keys.
///
/// # Errors
/// [`Problem`].
pub(super) async fn show(Seen(holder): Seen<Holder<KeysRead>>) -> Result<HttpResponse, Problem> {
    let visit = &holder.visit;
    visit.answer(StatusCode::OK, &page(visit, Faults::default()).await?)
}

/// Rotates them.
///
/// # Errors
/// [`Problem`].
pub(super) async fn rotate(sent: Sent<Holder<KeysRotate>>) -> Result<HttpResponse, Problem> {
    let visit = &sent.guest.visit;
    let compromised = sent.fields.has("compromised");
    match visit.service.rotate_keys(compromised, &visit.caller).await {
        Ok(()) => Ok(visit.done("/admin/keys", Done::KeysRotated)),
        Err(error) => {
            let t = visit.texts();
            let ready_at = match &error {
                KeyError::TooYoung(young) => Some(Moment(young.ready_at).to_string()),
                _ => None,
            };
            let problem = visit.refusal(error)?;
            if !visit.may(Permission::KeysRead) {
                return Err(problem);
            }
            let faults = match ready_at {
                Some(at) => Faults::of_all(t.fill(&t.key_too_young, "at", at)),
                None => Faults::of(&problem, &[], t),
            };
            visit.answer_again(&problem, &page(visit, faults).await?)
        }
    }
}
