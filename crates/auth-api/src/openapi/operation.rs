//! Writes one operation: what it declares, and what its access, its body and its parameters imply.

use super::{BEARER, CLIENT};
use crate::http::{
    problem::{Code, PROBLEM_JSON, Problem},
    route::{
        Access, Answer, ErrorFormat, Link, Operation, Parameter, SchemaRef,
        operation::{Body, Content, Entry, Location},
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

/// Why a request may be refused for its access token, or for the lack of one.
const TOKEN_ERRORS: [Code; 6] = [
    Code::InvalidRequest,
    Code::MissingToken,
    Code::InvalidToken,
    Code::TokenExpired,
    Code::TokenRevoked,
    Code::AllSessionsRevoked,
];

/// Why a JSON body may be refused.
const BODY_ERRORS: [Code; 6] = [
    Code::MalformedJson,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::InvalidInput,
    Code::UnknownField,
];

/// Adds an operation to the document under its entry.
pub(super) fn add(operation: &Operation, entry: &Entry, paths: &mut Paths) {
    let mut written = OperationBuilder::new()
        .operation_id(Some(entry.id))
        .tag(entry.tag.as_str())
        .summary(Some(entry.summary))
        .parameters(Some(operation.parameters.iter().map(parameter)))
        .request_body(operation.body.map(request_body))
        .responses(responses(operation));
    let scheme = |name: &str| SecurityRequirement::new(name, std::iter::empty::<String>());
    // An empty list says that the operation is public (OAS 3.1 §4.8.10); an omitted list would leave that open.
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
    let (location, required) = match parameter.location {
        Location::Path => (ParameterIn::Path, Required::True),
        Location::Query => (ParameterIn::Query, Required::False),
        Location::Header => (ParameterIn::Header, Required::False),
    };
    ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(location)
        .required(required)
        .description(Some(parameter.description))
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
        .content(body.media_type, Media::new(Some(body.schema.reference())))
        .required(Some(required))
        .build()
}

fn responses(operation: &Operation) -> Responses {
    let mut responses = ResponsesBuilder::new();
    let (format, errors) = match operation.error_format {
        ErrorFormat::Custom(schema, answers) => {
            let described = answers.iter();
            let described = described.map(|(status, description)| (*status, (*description).to_owned()));
            (("application/json", schema), described.collect())
        }
        ErrorFormat::NoErrors | ErrorFormat::Problem => {
            ((PROBLEM_JSON, SchemaRef::of::<Problem>()), problems(operation))
        }
    };
    for (status, description) in errors {
        responses = responses.response(status.to_string(), error(status, &description, format));
    }
    for (position, answer) in operation.answers.iter().enumerate() {
        let mut written = content(framed(answer.description), answer);
        if position == 0 {
            for (name, description) in &operation.headers {
                written = written.header(*name, header(description));
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
        Content::Empty => written,
        Content::Json(schema) => written.content("application/json", Media::new(Some(schema.reference()))),
        Content::Media(media_type, schema) => written.content(media_type, Media::new(Some(schema()))),
    }
}

fn error(status: u16, description: &str, (media_type, schema): (&str, SchemaRef)) -> Response {
    let mut answer = framed(description).content(media_type, Media::new(Some(schema.reference())));
    if status == 401 {
        answer = answer.header("WWW-Authenticate", header("How to authenticate."));
    }
    if status == 503 || status == 429 {
        answer = answer.header("Retry-After", header("When to try again, in seconds."));
    }
    if status == 429 {
        answer = answer
            .header(
                "RateLimit",
                header("The units left, and the seconds until there is another."),
            )
            .header(
                "RateLimit-Policy",
                header("The most units at once, and the seconds in which they are replenished."),
            );
    }
    answer.build()
}

/// The errors by status: those that the route declares, and those that its access, its body, its parameters and its handler imply.
fn problems(operation: &Operation) -> BTreeMap<u16, String> {
    let own = &operation.errors;
    let mut codes = match operation.access {
        Access::User | Access::Bearer | Access::Permission(_) => TOKEN_ERRORS.to_vec(),
        // Where a token is optional, the route declares whether its absence can be an error.
        Access::UserIfSent => {
            let is_possible = |code: &Code| *code != Code::MissingToken || own.contains(code);
            TOKEN_ERRORS.into_iter().filter(is_possible).collect()
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
    if !operation.ignores_unknown_parameters {
        codes.push(Code::UnknownParameter);
    }
    if matches!(operation.error_format, ErrorFormat::Problem) {
        codes.extend([Code::Internal, Code::Unavailable]);
    }
    let mut descriptions = BTreeMap::<u16, String>::new();
    for code in codes {
        let known = descriptions.entry(code.status()).or_default();
        let word = format!("`{}`", code.as_str());
        if !known.contains(&word) {
            known.push_str(if known.is_empty() { "" } else { ", " });
            known.push_str(&word);
        }
    }
    descriptions
}

fn link(link: &Link) -> WrittenLink {
    let mut written = WrittenLink::builder()
        .operation_id(link.operation)
        .description(link.description);
    for (name, value) in link.parameters {
        written = written.parameter(*name, *value);
    }
    if let Some(body) = link.body {
        written = written.request_body(Some(serde_json::Value::from(body)));
    }
    written.build()
}

fn framed(description: &str) -> ResponseBuilder {
    ResponseBuilder::new()
        .description(description)
        .header("X-Request-Id", header("The request id, as the log has it."))
}

fn header(description: &str) -> Header {
    HeaderBuilder::new()
        .schema(Some(schema::text()))
        .description(Some(description))
        .build()
}
