//! `/users/{id}/sessions`: administrators list and end a user's sessions.

use super::USER;
use crate::{
    api::sessions::STATUS,
    http::{
        cursor::{List, Paging},
        path,
        permission::{Authorized, SessionsRead, SessionsRevoke},
        problem::{Code, Problem},
        query::Query,
        route::{Parameter, Route, Tag, delete, get},
    },
    views::{
        LoggedOutAllJson,
        session::{SessionJson, filter},
    },
};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use auth_service::{Service, UserRef};

/// The routes for a user's sessions.
pub(crate) fn routes() -> [Route; 3] {
    [
        get("/users/{id}/sessions")
            .id("adminListSessions")
            .summary(Tag::Admin, "A user's sessions, newest first")
            .holds::<SessionsRead>()
            .with(USER)
            .with(STATUS)
            .paged()
            .gives::<List<SessionJson>>(200)
            .may_fail(&[Code::NotFound])
            .to(list),
        delete("/users/{id}/sessions")
            .id("adminEndSessions")
            .summary(Tag::Admin, "End all sessions of a user")
            .holds::<SessionsRevoke>()
            .with(USER)
            .gives::<LoggedOutAllJson>(200)
            .may_fail(&[Code::NotFound])
            .to(end_all),
        delete("/users/{id}/sessions/{session}")
            .id("adminEndSession")
            .summary(Tag::Admin, "End one session of a user")
            .holds::<SessionsRevoke>()
            .with(USER)
            .with(Parameter::id("session", "The session's id."))
            .gives_nothing(204)
            .may_fail(&[Code::NotFound])
            .to(end),
    ]
}

async fn list(
    request: HttpRequest,
    id: Path<String>,
    service: Data<Service>,
    admin: Authorized<SessionsRead>,
) -> Result<HttpResponse, Problem> {
    let query = Query::of(request.query_string());
    let (filter, paging) = (filter(query)?, Paging::of(&query)?);
    let user = service.admin().user(&UserRef::Id(path::id(&id)?)).await?;
    let found = service
        .admin()
        .sessions(user.id, filter, paging.request(), admin.caller.now)
        .await?;
    let page = paging.page(found, |session| session.id.as_uuid());
    Ok(HttpResponse::Ok().json(List {
        items: page.items.iter().map(SessionJson::from).collect::<Vec<_>>(),
        next_cursor: page.next_cursor,
    }))
}

async fn end_all(
    id: Path<String>,
    service: Data<Service>,
    admin: Authorized<SessionsRevoke>,
) -> Result<HttpResponse, Problem> {
    let ended = service
        .admin()
        .end_sessions(path::id(&id)?, &admin.caller)
        .await?;
    let sessions_revoked = ended.settle(service.get_ref()).await.count;
    Ok(HttpResponse::Ok().json(LoggedOutAllJson {
        message: "All sessions of the user were ended",
        sessions_revoked,
    }))
}

async fn end(
    path: Path<(String, String)>,
    service: Data<Service>,
    admin: Authorized<SessionsRevoke>,
) -> Result<HttpResponse, Problem> {
    let (user, session) = (path::id(&path.0)?, path::id(&path.1)?);
    let ended = service
        .admin()
        .end_session(session, Some(user), &admin.caller)
        .await?;
    ended.settle(service.get_ref()).await;
    Ok(HttpResponse::NoContent().finish())
}
