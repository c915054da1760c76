//! `/account/events`: the security events of the account, in plain words.

use crate::{
    http::{cursor::Paging, problem::Problem},
    pages::{
        access::{SignedInUser, View},
        layout::Layout,
        render::Moment,
        texts::Texts,
    },
};
use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;
use auth_domain::{
    audit::{ActorKind, AuditEvent},
    ids::UserId,
};

/// An event as its user reads it.
pub(in crate::pages) struct Row {
    pub(in crate::pages) at: Moment,
    pub(in crate::pages) what: String,
    /// The reason, if a session ended.
    pub(in crate::pages) why: Option<String>,
    /// The client's IP address, unless another user caused the event.
    pub(in crate::pages) ip: Option<String>,
    /// Who caused the event, unless the user did.
    pub(in crate::pages) by: Option<String>,
}

impl Row {
    /// What the reader may see of an event.
    pub(in crate::pages) fn redacted_for(reader: UserId, event: &AuditEvent, t: &Texts) -> Self {
        let redacted = event.redacted_for(reader);
        let by = match redacted.by {
            ActorKind::Own | ActorKind::Service | ActorKind::Anonymous => None,
            ActorKind::OwnApiKey => Some(&t.by_api_key),
            ActorKind::Administrator => Some(&t.by_administrator),
            ActorKind::Operator => Some(&t.by_operator),
        };
        let why = redacted.details.get("reason");
        Self {
            at: Moment(redacted.at),
            what: t.action(&redacted.action).to_owned(),
            why: why.map(|reason| t.end_reason(reason).to_owned()),
            ip: redacted.ip.map(|ip| ip.to_string()),
            by: by.map(ToString::to_string),
        }
    }
}

#[derive(Template)]
#[template(path = "account/events.html")]
struct EventsPage<'a> {
    layout: Layout<'a>,
    rows: Vec<Row>,
    next: Option<String>,
}

impl EventsPage<'_> {
    fn older(&self) -> Option<String> {
        self.layout.older("/account/events", &[], self.next.as_deref())
    }
}

/// Shows one page of the events.
pub(super) async fn show(View(user): View<SignedInUser>) -> Result<HttpResponse, Problem> {
    let SignedInUser { context, principal } = &user;
    let paging = Paging::of(&context.query())?;
    let reader = principal.user();
    let found = context.service.own_events(principal, paging.request()).await?;
    let page = paging.page(found, |event| event.id.as_uuid());
    let t = context.texts();
    let page = EventsPage {
        layout: context.layout(&t.nav_events)?,
        rows: page
            .items
            .iter()
            .map(|event| Row::redacted_for(reader, event, t))
            .collect(),
        next: page.next_cursor,
    };
    context.answer(StatusCode::OK, &page)
}
