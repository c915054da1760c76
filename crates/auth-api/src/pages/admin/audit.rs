//! `/admin/audit`: the audit log, and whether it is unchanged.

use crate::{
    http::{
        cursor::Paging,
        permission::AuditRead,
        problem::{Code, Problem},
        query::is_in_years_of_rfc3339,
    },
    pages::{
        access::{View, WithPermission},
        context::PageContext,
        fields::Faults,
        form::Submitted,
        layout::Layout,
        render::Moment,
        texts::Texts,
    },
};
use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;
use auth_domain::{
    audit::{Action, Actor, AuditEvent},
    time::Timestamp,
};
use auth_service::{AuditFilter, ChainStatus};
use chrono::NaiveDateTime;
use std::time::Duration;

/// How long a request may take to verify the log. A longer log is verified on the command line.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// An event as an administrator reads it.
struct Row {
    at: Moment,
    what: String,
    action: String,
    who: String,
    who_id: Option<String>,
    about: Option<String>,
    from: Option<String>,
    details: String,
}

impl Row {
    fn of(event: &AuditEvent, t: &Texts) -> Self {
        let who = match &event.actor {
            Actor::Anonymous => t.actor_anonymous.as_ref(),
            Actor::User(_) => t.actor_user.as_ref(),
            Actor::ApiKey(..) => t.actor_api_key.as_ref(),
            Actor::Operator => t.actor_operator.as_ref(),
            Actor::Service => t.actor_service.as_ref(),
            Actor::Newer(word, ..) => word.as_str(),
        };
        let details = event
            .details
            .iter()
            .map(|(name, value)| format!("{name}: {value}"));
        let session = event.session.map(|id| format!("{}: {id}", t.audit_session));
        let request = event
            .request_id
            .as_ref()
            .map(|id| format!("{}: {id}", t.audit_request));
        Self {
            at: Moment(event.at),
            what: t.action(&event.action).to_owned(),
            action: event.action.as_str().to_owned(),
            who: who.to_owned(),
            who_id: event.actor.user().map(|id| id.to_string()),
            about: event.subject.map(|id| id.to_string()),
            from: event.ip.map(|ip| ip.to_string()),
            details: details
                .chain(session)
                .chain(request)
                .collect::<Vec<_>>()
                .join(", "),
        }
    }
}

#[derive(Template)]
#[template(path = "admin/audit.html")]
struct AuditPage<'a> {
    layout: Layout<'a>,
    faults: Faults,
    typed: TypedFilters,
    rows: Vec<Row>,
    next: Option<String>,
    /// The result of the verification.
    verified: Option<(&'static str, String)>,
}

/// The filters as they were typed.
#[derive(Default)]
struct TypedFilters {
    user: String,
    action: String,
    since: String,
    until: String,
}

impl TypedFilters {
    fn of(context: &PageContext) -> Result<Self, Problem> {
        let text = |name| {
            Ok::<_, Problem>(
                context
                    .query()
                    .single(name)?
                    .unwrap_or_default()
                    .trim()
                    .to_owned(),
            )
        };
        Ok(Self {
            user: text("user")?,
            action: text("action")?,
            since: text("since")?,
            until: text("until")?,
        })
    }

    /// The filter, or what is wrong with it.
    fn filter(&self, t: &Texts) -> Result<AuditFilter, Faults> {
        let time = |field: &'static str, text: &str| match text {
            "" => Ok(None),
            text => moment(text)
                .map(Some)
                .ok_or_else(|| Faults::one(field, "invalid_time", &t.audit_time_bad)),
        };
        let user = match self.user.as_str() {
            "" => None,
            text => Some(
                text.parse()
                    .map_err(|_| Faults::one("user", "invalid_id", &t.audit_user_bad))?,
            ),
        };
        Ok(AuditFilter {
            user,
            // The form offers known actions only; an unknown one filters nothing.
            action: self.action.parse().ok(),
            since: time("since", &self.since)?,
            until: time("until", &self.until)?,
            ..AuditFilter::default()
        })
    }
}

/// A time as browsers send it from a `datetime-local` field, in UTC, or as the log shows it (RFC 3339).
fn moment(text: &str) -> Option<Timestamp> {
    let local = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let local = local
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let moment = local.map(|local| local.and_utc()).or_else(|| text.parse().ok());
    moment.filter(is_in_years_of_rfc3339)
}

impl AuditPage<'_> {
    fn actions(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let t = self.layout.t;
        Action::ALL
            .iter()
            .map(|action| (action.as_str(), t.action(action)))
    }

    /// The address of the next page.
    fn older(&self) -> Option<String> {
        let TypedFilters {
            user,
            action,
            since,
            until,
        } = &self.typed;
        let filters = [
            ("user", &**user),
            ("action", action),
            ("since", since),
            ("until", until),
        ];
        self.layout.older("/admin/audit", &filters, self.next.as_deref())
    }

    /// A time in the form that the field shows.
    fn shown(text: &str) -> String {
        moment(text).map_or_else(String::new, |at| at.format("%Y-%m-%dT%H:%M").to_string())
    }
}

/// The page, and whether its filters are valid.
async fn page<'a>(
    context: &'a PageContext,
    verified: Option<(&'static str, String)>,
) -> Result<(AuditPage<'a>, bool), Problem> {
    let t = context.texts();
    let (typed, paging) = (TypedFilters::of(context)?, Paging::of(&context.query())?);
    let (found, faults) = match typed.filter(t) {
        Ok(filter) => {
            let found = context.service.admin().audit(filter, paging.request()).await?;
            (found, Faults::default())
        }
        Err(faults) => (Vec::new(), faults),
    };
    let found = paging.page(found, |event| event.id.as_uuid());
    let good = !faults.any();
    let page = AuditPage {
        layout: context.layout(&t.nav_audit)?,
        faults,
        typed,
        rows: found.items.iter().map(|event| Row::of(event, t)).collect(),
        next: found.next_cursor,
        verified,
    };
    Ok((page, good))
}

/// Shows one page of events.
pub(super) async fn show(View(admin): View<WithPermission<AuditRead>>) -> Result<HttpResponse, Problem> {
    let context = &admin.context;
    match page(context, None).await? {
        (page, true) => context.answer(StatusCode::OK, &page),
        (page, false) => context.answer_again(&Code::InvalidInput.into(), &page),
    }
}

/// Verifies the chain of seals and shows the result.
pub(super) async fn verify(submitted: Submitted<WithPermission<AuditRead>>) -> Result<HttpResponse, Problem> {
    let context = &submitted.access.context;
    let found = verify_chain(context, TIME_LIMIT).await?;
    context.answer(StatusCode::OK, &page(context, Some(found)).await?.0)
}

/// The result of a verification: the class of the notice, and its text. Only one verification runs at a time, because each reads
/// the whole log.
async fn verify_chain(
    context: &PageContext,
    time_limit: Duration,
) -> Result<(&'static str, String), Problem> {
    let t = context.texts();
    let Ok(_turn) = context.pages_state.verifying.try_acquire() else {
        return Ok(("", t.audit_busy.to_string()));
    };
    let Ok(chain) = tokio::time::timeout(
        time_limit,
        context.service.audit_log().verify(None, context.now()),
    )
    .await
    else {
        return Ok(("", t.audit_too_long.to_string()));
    };
    match chain? {
        ChainStatus::Intact {
            batches,
            events,
            unsealed,
            ..
        } => {
            let text = t.fill(&t.audit_whole, "batches", batches.to_string());
            let text = t.fill(&text, "events", events.to_string());
            Ok(("good", t.fill(&text, "unsealed", unsealed.to_string())))
        }
        ChainStatus::Broken { batch, what } => {
            let text = t.fill(&t.audit_broken, "batch", batch.to_string());
            Ok(("bad", t.fill(&text, "what", what)))
        }
        ChainStatus::Refused { count, .. } => {
            Ok(("bad", t.fill(&t.audit_refused, "count", count.to_string())))
        }
        ChainStatus::Overdue { count } => Ok(("bad", t.fill(&t.audit_overdue, "count", count.to_string()))),
        ChainStatus::HeadPruned { .. } => Err(Problem::internal("a head was pruned, and none was given")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_browsers_send_it() {
        let expected = "2030-01-31T12:00:00Z".parse().ok();
        for text in [
            "2030-01-31T12:00",
            "2030-01-31T12:00:00",
            "2030-01-31T12:00:00Z",
            "2030-01-31T13:00:00+01:00",
        ] {
            assert_eq!(moment(text), expected, "{text}");
        }
        for bad in [
            "",
            "yesterday",
            "2030-02-31T12:00",
            "2030-01-31",
            "-5000-01-01T00:00:00Z",
        ] {
            assert_eq!(moment(bad), None, "{bad}");
        }
    }
}
