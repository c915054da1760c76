//! `GET /sessions`, `GET /sessions/{id}`, `DELETE /sessions/{id}`: one's own sessions, and no other's.

use crate::{
    api::views::SessionJson,
    http::{
        bearer::{Acting, SignedIn},
        cursor::{List, Paging},
        edge::Edge,
        metrics::RevokedBy,
        problem::{Code, FieldError, Problem},
        query::Query,
    },
};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use auth_domain::ids::SessionId;
use auth_service::{Service, SessionFilter};

/// 200 with a page; 401, 422.
///
/// # Errors
/// [`Problem`].
pub async fn list(
    request: HttpRequest,
    service: Data<Service>,
    signed_in: SignedIn,
) -> Result<HttpResponse, Problem> {
    let query = Query::of(request.query_string());
    let (filter, paging) = (filter(query)?, Paging::of(&query)?);
    let found = service
        .own_sessions(&signed_in.principal, filter, paging.request(), signed_in.now)
        .await?;
    let page = paging.page(found, |view| view.session.id.as_uuid());
    let items = page.items.iter().map(SessionJson::from).collect();
    Ok(HttpResponse::Ok().json(List::<SessionJson> {
        items,
        next_cursor: page.next_cursor,
    }))
}

/// 200 with the session; 401, 404.
///
/// # Errors
/// [`Problem`].
pub async fn show(
    id: Path<String>,
    service: Data<Service>,
    signed_in: SignedIn,
) -> Result<HttpResponse, Problem> {
    let view = service
        .own_session(&signed_in.principal, session_id(&id)?, signed_in.now)
        .await?;
    Ok(HttpResponse::Ok().json(SessionJson::from(&view)))
}

/// 204; 401, 404.
///
/// # Errors
/// [`Problem`].
pub async fn end(
    id: Path<String>,
    service: Data<Service>,
    edge: Data<Edge>,
    acting: Acting,
) -> Result<HttpResponse, Problem> {
    service
        .end_own_session(&acting.principal, session_id(&id)?, &acting.caller)
        .await?;
    edge.metrics.revoked(RevokedBy::Session);
    Ok(HttpResponse::NoContent().finish())
}

/// What can't be an id names no session.
pub(crate) fn session_id(text: &str) -> Result<SessionId, Problem> {
    text.parse().map_err(|_| Code::NotFound.into())
}

pub(crate) fn filter(query: Query<'_>) -> Result<SessionFilter, Problem> {
    match query.single("status")?.as_deref() {
        None | Some("active") => Ok(SessionFilter::Active),
        Some("ended") => Ok(SessionFilter::Ended),
        Some("all") => Ok(SessionFilter::All),
        Some(_) => {
            let fault = FieldError::new("status", "unknown_status", "The status is active, ended or all.");
            Err(Problem::invalid_input(vec![fault]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_active_ended_or_all() {
        for (query, expected) in [
            ("", SessionFilter::Active),
            ("status=active", SessionFilter::Active),
            ("status=ended", SessionFilter::Ended),
            ("status=all", SessionFilter::All),
        ] {
            let found = filter(Query::of(query)).ok().unwrap();
            assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{query}");
        }
        assert!(filter(Query::of("status=")).is_err());
        assert!(filter(Query::of("status=all&status=ended")).is_err());
    }

    #[test]
    fn what_can_be_no_id_is_not_found() {
        assert_eq!(session_id("7").unwrap_err().code(), Code::NotFound);
        assert!(session_id("018f3f5e-7c1a-7a30-8d2e-0123456789ab").is_ok());
    }
}
