//! `GET /sessions`, `GET /sessions/{id}`, `DELETE /sessions/{id}`: users list and end their own sessions.

use crate::{
    http::{
        bearer::{Acting, SignedIn},
        cursor::{List, Paging},
        path,
        problem::{Code, Problem},
        query::Query,
        route::{Link, Parameter, Route, Tag, delete, get, schema},
    },
    views::session::{SessionJson, filter},
};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};

use auth_service::Service;

/// The routes for the user's own sessions.
pub(crate) fn routes() -> [Route; 3] {
    [
        get("/sessions")
            .id("listSessions")
            .summary(Tag::Sessions, "Your own sessions, newest first")
            .signed_in()
            .with(STATUS)
            .paged()
            .gives::<List<SessionJson>>(200)
            .leads_to(&FROM_A_LIST)
            .to(list),
        get("/sessions/{id}")
            .id("showSession")
            .summary(Tag::Sessions, "One of your own sessions")
            .signed_in()
            .with(ID)
            .gives::<SessionJson>(200)
            .leads_to(&FROM_ONE)
            .may_fail(&[Code::NotFound])
            .to(show),
        delete("/sessions/{id}")
            .id("endSession")
            .summary(Tag::Sessions, "End one of your own sessions")
            .signed_in()
            .with(ID)
            .gives_nothing(204)
            .leads_to(&FROM_AN_ENDED_ONE)
            .may_fail(&[Code::NotFound])
            .to(end),
    ]
}

const ID: Parameter = Parameter::id("id", "The session's id. Another user's session is not found.");

/// The parameter that says which sessions a list holds.
pub(super) const STATUS: Parameter =
    Parameter::query("status", "Which sessions; the active ones, if left out.", || {
        schema::text().enum_values(Some(["active", "ended", "all"]))
    });

const FROM_A_LIST: [Link; 3] = [
    Link::with_parameters(
        "show",
        "showSession",
        &[("path.id", "$response.body#/items/0/id")],
        "The newest session.",
    ),
    Link::with_parameters(
        "end",
        "endSession",
        &[("path.id", "$response.body#/items/0/id")],
        "Ends the newest session.",
    ),
    Link::with_parameters(
        "next",
        "listSessions",
        &[("query.cursor", "$response.body#/next_cursor")],
        "The next page.",
    ),
];

const FROM_ONE: [Link; 1] = [Link::with_parameters(
    "end",
    "endSession",
    &[("path.id", "$request.path.id")],
    "Ends the session.",
)];

const FROM_AN_ENDED_ONE: [Link; 1] = [Link::with_parameters(
    "show",
    "showSession",
    &[("path.id", "$request.path.id")],
    "The ended session, with the time and the reason.",
)];

async fn list(
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

async fn show(
    id: Path<String>,
    service: Data<Service>,
    signed_in: SignedIn,
) -> Result<HttpResponse, Problem> {
    let view = service
        .own_session(&signed_in.principal, path::id(&id)?, signed_in.now)
        .await?;
    Ok(HttpResponse::Ok().json(SessionJson::from(&view)))
}

async fn end(id: Path<String>, service: Data<Service>, acting: Acting) -> Result<HttpResponse, Problem> {
    service
        .end_own_session(&acting.principal, path::id(&id)?, &acting.caller)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
