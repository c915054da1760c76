//! Writes one operation: what it declares, and what its kind brings along.

use super::{BEARER, CLIENT};
use crate::http::{
    problem::{Code, PROBLEM_JSON, Problem},
    route::{
        Access, Answer, Failures, Link, Operation, Parameter, Shape,
        operation::{Body, Content, Entry, Place},
        schema,
    },
};
use actix_web::http::Method;
use auth_domain::role::Permission;
use std::collections::BTreeMap;
use utoipa::openapi::{
    Content as Media, Header, HeaderBuilder, HttpMethod, Paths, Required, Response, ResponseBuilder,
    Responses, ResponsesBuilder,
    extensions::ExtensionsBuilder,
    link::Link as WrittenLink,
    path::{OperationBuilder, Parameter as WrittenParameter, ParameterBuilder, ParameterIn},
    request_body::{RequestBody, RequestBodyBuilder},
    security::SecurityRequirement,
};

/// Why a call may be refused for the token that came with it, or did not.
const TOKEN_ERRORS: [Code; 6] = [
    Code::InvalidRequest,
    Code::MissingToken,
    Code::InvalidToken,
    Code::TokenExpired,
    Code::TokenRevoked,
    Code::AllSessionsRevoked,
];

/// Why a body of JSON may be refused.
const BODY_ERRORS: [Code; 6] = [
    Code::MalformedJson,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::InvalidInput,
    Code::UnknownField,
];

/// Writes an operation into the document, under the name that it has there.
pub(super) fn add(operation: &Operation, entry: &Entry, paths: &mut Paths) {
    let mut written = OperationBuilder::new()
        .operation_id(Some(entry.id))
        .tag(entry.tag.as_str())
        .summary(Some(entry.summary))
        .parameters(Some(operation.parameters.iter().map(parameter)))
        .request_body(operation.body.map(request_body))
        .responses(responses(operation));
    let scheme = |name: &str| SecurityRequirement::new(name, std::iter::empty::<String>());
    // An empty list says that the operation is public (OAS 3.1 §4.8.10); leaving it out would only leave the question open.
    written = match operation.access {
        Access::Anonymous => written.securities(Some([])),
        Access::User | Access::Bearer | Access::Permission(_) => written.security(scheme(BEARER)),
        Access::UserIfSent => written
            .security(scheme(BEARER))
            .security(SecurityRequirement::default()),
        Access::Client => written.security(scheme(CLIENT)),
        Access::ClientIfSent => written
            .security(scheme(CLIENT))
            .security(SecurityRequirement::default()),
    };
    if let Access::Permission(permission) = operation.access {
        written = needs(written, permission);
    }
    paths.add_path_operation(&operation.path, vec![method(&operation.method)], written);
}

fn needs(written: OperationBuilder, permission: Permission) -> OperationBuilder {
    let named = permission.as_str();
    written
        .description(Some(format!("Needs the permission `{named}`.")))
        .extensions(Some(ExtensionsBuilder::new().add("x-permission", named).build()))
}

fn method(method: &Method) -> HttpMethod {
    match *method {
        Method::POST => HttpMethod::Post,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

fn parameter(parameter: &Parameter) -> WrittenParameter {
    let (place, required) = match parameter.place {
        Place::Path => (ParameterIn::Path, Required::True),
        Place::Query => (ParameterIn::Query, Required::False),
        Place::Header => (ParameterIn::Header, Required::False),
    };
    ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(place)
        .required(required)
        .description(Some(parameter.says))
        .schema(Some((parameter.schema)()))
        .build()
}

fn request_body(body: Body) -> RequestBody {
    let required = if body.is_required {
        Required::True
    } else {
        Required::False
    };
    RequestBodyBuilder::new()
        .content(body.media_type, Media::new(Some(body.shape.reference())))
        .required(Some(required))
        .build()
}

fn responses(operation: &Operation) -> Responses {
    let mut responses = ResponsesBuilder::new();
    let (form, failures) = match operation.failures {
        Failures::Own(shape, answers) => {
            let says = answers.iter().map(|(status, says)| (*status, (*says).to_owned()));
            (("application/json", shape), says.collect())
        }
        Failures::Never | Failures::Problems => ((PROBLEM_JSON, Shape::of::<Problem>()), problems(operation)),
    };
    for (status, says) in failures {
        responses = responses.response(status.to_string(), failure(status, &says, form));
    }
    for (place, answer) in operation.answers.iter().enumerate() {
        let mut written = content(framed(answer.says), answer);
        if place == 0 {
            for (name, says) in &operation.headers {
                written = written.header(*name, header(says));
            }
            for one in operation.links.iter().copied().flatten() {
                written = written.link(one.name, link(one));
            }
        }
        responses = responses.response(answer.status.to_string(), written);
    }
    responses.build()
}

fn content(written: ResponseBuilder, answer: &Answer) -> ResponseBuilder {
    match answer.content {
        Content::Nothing => written,
        Content::Json(shape) => written.content("application/json", Media::new(Some(shape.reference()))),
        Content::Other(media_type, schema) => written.content(media_type, Media::new(Some(schema()))),
    }
}

fn failure(status: u16, says: &str, (media_type, shape): (&str, Shape)) -> Response {
    let mut answer = framed(says).content(media_type, Media::new(Some(shape.reference())));
    if status == 401 {
        answer = answer.header("WWW-Authenticate", header("How to prove who is calling."));
    }
    if status == 503 || status == 429 {
        answer = answer.header("Retry-After", header("When to come back, in seconds."));
    }
    if status == 429 {
        answer = answer
            .header("RateLimit", header("Units left, and seconds until there is one."))
            .header(
                "RateLimit-Policy",
                header("Units at once, and the seconds that they come back in."),
            );
    }
    answer.build()
}

/// The errors by status: those that the route declares, and those that its access, its body, its parameters and its handler bring along.
fn problems(operation: &Operation) -> BTreeMap<u16, String> {
    let own = &operation.errors;
    let mut codes = match operation.access {
        Access::User | Access::Bearer | Access::Permission(_) => TOKEN_ERRORS.to_vec(),
        // Where a token may be left out, the route says whether something else is missing then.
        Access::UserIfSent => {
            let may_come = |code: &Code| *code != Code::MissingToken || own.contains(code);
            TOKEN_ERRORS.into_iter().filter(may_come).collect()
        }
        Access::Anonymous | Access::Client | Access::ClientIfSent => Vec::new(),
    };
    codes.extend_from_slice(own);
    if matches!(operation.access, Access::Permission(_)) {
        codes.push(Code::Forbidden);
    }
    if operation.body.is_some() {
        codes.extend(BODY_ERRORS);
    }
    if !operation.any_query {
        codes.push(Code::UnknownParameter);
    }
    if matches!(operation.failures, Failures::Problems) {
        codes.extend([Code::Internal, Code::Unavailable]);
    }
    let mut says = BTreeMap::<u16, String>::new();
    for code in codes {
        let known = says.entry(code.status()).or_default();
        let word = format!("`{}`", code.word());
        if !known.contains(&word) {
            known.push_str(if known.is_empty() { "" } else { ", " });
            known.push_str(&word);
        }
    }
    says
}

fn link(link: &Link) -> WrittenLink {
    let mut written = WrittenLink::builder()
        .operation_id(link.operation)
        .description(link.says);
    for (name, value) in link.parameters {
        written = written.parameter(*name, *value);
    }
    if let Some(body) = link.body {
        written = written.request_body(Some(serde_json::Value::from(body)));
    }
    written.build()
}

fn framed(says: &str) -> ResponseBuilder {
    ResponseBuilder::new()
        .description(says)
        .header("X-Request-Id", header("The request's name, for the logs."))
}

fn header(says: &str) -> Header {
    HeaderBuilder::new()
        .schema(Some(schema::text()))
        .description(Some(says))
        .build()
}
