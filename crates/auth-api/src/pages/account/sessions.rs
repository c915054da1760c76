//! `/account/sessions`: where the user is signed in, and how the other sessions ended.

use crate::{
    http::{cursor::Paging, path, problem::Problem},
    pages::{
        access::{SignedInUser, View},
        form::Submitted,
        layout::Layout,
        render::Moment,
        texts::{Done, EXPIRED},
    },
    views::session::filter,
};
use actix_web::{HttpResponse, http::StatusCode, web::Path};
use askama::Template;
use auth_domain::{device::device_name, session::Session, session::SessionState};
use auth_service::{SessionFilter, SessionView};

/// A session as pages show it.
pub(in crate::pages) struct Row {
    pub(in crate::pages) id: String,
    pub(in crate::pages) device: String,
    pub(in crate::pages) ip: Option<String>,
    pub(in crate::pages) began: Moment,
    pub(in crate::pages) used: Moment,
    pub(in crate::pages) current: bool,
    /// When and why the session ended: a reason of `EndReason`, or `expired`.
    pub(in crate::pages) ended: Option<(Moment, String)>,
}

impl Row {
    /// `active`: whether the session is active.
    pub(in crate::pages) fn of(session: &Session, active: bool, current: bool) -> Self {
        let ended = match session.state {
            SessionState::Ended { at, why } => Some((Moment(at), why.as_str().to_owned())),
            SessionState::Active if active => None,
            SessionState::Active => Some((Moment(session.rotation.refresh_expires_at), EXPIRED.to_owned())),
        };
        Self {
            id: session.id.to_string(),
            device: device_name(session.origin.user_agent.as_deref().unwrap_or_default()),
            ip: session.origin.ip.map(|ip| ip.to_string()),
            began: Moment(session.created_at),
            used: Moment(session.rotation.rotated_at),
            current,
            ended,
        }
    }
}

impl SessionsPage<'_> {
    fn older(&self) -> Option<String> {
        let filters = [("status", if self.ended { "ended" } else { "" })];
        self.layout
            .older("/account/sessions", &filters, self.next.as_deref())
    }
}

impl From<&SessionView> for Row {
    fn from(view: &SessionView) -> Self {
        Self::of(&view.session, view.live, view.current)
    }
}

#[derive(Template)]
#[template(path = "account/sessions.html")]
struct SessionsPage<'a> {
    layout: Layout<'a>,
    /// Whether ended sessions are shown.
    ended: bool,
    rows: Vec<Row>,
    next: Option<String>,
}

/// Shows one page of the sessions.
pub(super) async fn show(View(user): View<SignedInUser>) -> Result<HttpResponse, Problem> {
    let SignedInUser { context, principal } = &user;
    let query = context.query();
    let (filter, paging) = (filter(query)?, Paging::of(&query)?);
    let found = context
        .service
        .own_sessions(principal, filter, paging.request(), context.now())
        .await?;
    let page = paging.page(found, |view| view.session.id.as_uuid());
    let page = SessionsPage {
        layout: context.layout(&context.texts().nav_sessions)?,
        ended: filter == SessionFilter::Ended,
        rows: page.items.iter().map(Row::from).collect(),
        next: page.next_cursor,
    };
    context.answer(StatusCode::OK, &page)
}

/// Ends one session. If it is the current one, the user is signed out.
pub(super) async fn end(
    id: Path<String>,
    submitted: Submitted<SignedInUser>,
) -> Result<HttpResponse, Problem> {
    let SignedInUser { context, principal } = submitted.access;
    let id = path::id(&id)?;
    context
        .service
        .end_own_session(&principal, id, &context.caller)
        .await?;
    if id == principal.session() {
        context.forget_session();
        return Ok(context.done("/login", Done::SignedOut));
    }
    Ok(context.done("/account/sessions", Done::SessionEnded))
}

/// Ends every session but this one.
pub(super) async fn end_others(submitted: Submitted<SignedInUser>) -> Result<HttpResponse, Problem> {
    let SignedInUser { context, principal } = submitted.access;
    let ended = context
        .service
        .end_other_sessions(&principal, &context.caller)
        .await?;
    context.keep_known(ended.device.as_ref());
    Ok(context.done("/account/sessions", Done::OthersEnded))
}
