//! One operation of the document: what it takes, who may call, and everything that it may answer.

use super::{BEARER, CLIENT, links, operations::query, schemas};
use crate::http::problem::{Code, PROBLEM_JSON};
use auth_domain::role::Permission;
use std::collections::BTreeMap;
use utoipa::openapi::{
    Content, HeaderBuilder, HttpMethod, Paths, Required, ResponseBuilder, ResponsesBuilder,
    extensions::ExtensionsBuilder,
    path::{OperationBuilder, Parameter},
    request_body::RequestBodyBuilder,
    schema::{ObjectBuilder, Type},
    security::SecurityRequirement,
};

/// Who may call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Auth {
    Anybody,
    SignedIn,
    MaybeSignedIn,
    /// Whoever holds the permission, signed in or by an API key.
    Holds(Permission),
    Client,
    MaybeClient,
}

/// What comes in.
#[derive(Clone, Copy)]
pub(super) enum Takes {
    Nothing,
    Json(&'static str),
    MaybeJson(&'static str),
    Form(&'static str),
}

/// What goes out when all is well.
#[derive(Clone, Copy)]
pub(super) enum Gives {
    Json(u16, &'static str),
    Page(&'static str),
    Script,
    Nothing(u16),
}

/// One operation.
pub(super) struct Operation {
    path: String,
    method: HttpMethod,
    name: &'static str,
    tag: &'static str,
    summary: &'static str,
    auth: Auth,
    takes: Takes,
    gives: Gives,
    parameters: Vec<Parameter>,
    errors: Vec<Code>,
    not_ready: Option<&'static str>,
    also: Option<(u16, &'static str, &'static str)>,
}

/// Why a call with an access token may be refused.
pub(super) const BEARER_ERRORS: [Code; 6] = [
    Code::InvalidRequest,
    Code::MissingToken,
    Code::InvalidToken,
    Code::TokenExpired,
    Code::TokenRevoked,
    Code::AllSessionsRevoked,
];

const BODY_ERRORS: [Code; 6] = [
    Code::MalformedJson,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::InvalidInput,
    Code::UnknownField,
];

impl Operation {
    pub(super) fn new(
        method: HttpMethod,
        path: String,
        name: &'static str,
        tag: &'static str,
        summary: &'static str,
    ) -> Self {
        let (auth, takes, gives) = (Auth::Anybody, Takes::Nothing, Gives::Nothing(204));
        Self {
            path,
            method,
            name,
            tag,
            summary,
            auth,
            takes,
            gives,
            parameters: vec![],
            errors: vec![],
            not_ready: None,
            also: None,
        }
    }

    pub(super) fn by(self, auth: Auth) -> Self {
        Self { auth, ..self }
    }

    pub(super) fn takes(self, takes: Takes) -> Self {
        Self { takes, ..self }
    }

    pub(super) fn gives(self, gives: Gives) -> Self {
        Self { gives, ..self }
    }

    pub(super) fn with(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    pub(super) fn or(mut self, errors: &[Code]) -> Self {
        self.errors.extend_from_slice(errors);
        self
    }

    pub(super) fn not_ready(self, shape: &'static str) -> Self {
        Self {
            not_ready: Some(shape),
            ..self
        }
    }

    /// Another good answer.
    pub(super) fn also(self, status: u16, shape: &'static str, says: &'static str) -> Self {
        Self {
            also: Some((status, shape, says)),
            ..self
        }
    }

    /// A list that comes in pages.
    pub(super) fn paged(self) -> Self {
        let limit = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(100))
            .default(Some(20.into()));
        let cursor = schemas::text().pattern(Some(crate::http::cursor::PATTERN));
        self.with(query("limit", "How many.", limit))
            .with(query("cursor", "The next_cursor of the page before.", cursor))
            .or(&[Code::InvalidInput])
    }

    /// Writes the operation into the document.
    pub(super) fn add_to(self, paths: &mut Paths) {
        let mut operation = OperationBuilder::new()
            .operation_id(Some(self.name))
            .tag(self.tag)
            .summary(Some(self.summary))
            .parameters(Some(self.parameters.clone()))
            .request_body(self.request_body())
            .responses(self.responses());
        let scheme = |name: &str| SecurityRequirement::new(name, std::iter::empty::<String>());
        // An empty list says that the operation is public (OAS 3.1 §4.8.10); leaving it out would only leave the question open.
        operation = match self.auth {
            Auth::Anybody => operation.securities(Some([])),
            Auth::SignedIn | Auth::Holds(_) => operation.security(scheme(BEARER)),
            Auth::MaybeClient => operation
                .security(scheme(CLIENT))
                .security(SecurityRequirement::default()),
            Auth::MaybeSignedIn => operation
                .security(scheme(BEARER))
                .security(SecurityRequirement::default()),
            Auth::Client => operation.security(scheme(CLIENT)),
        };
        if let Auth::Holds(permission) = self.auth {
            operation = operation
                .description(Some(format!("Needs the permission `{}`.", permission.as_str())))
                .extensions(Some(
                    ExtensionsBuilder::new()
                        .add("x-permission", permission.as_str())
                        .build(),
                ));
        }
        paths.add_path_operation(&self.path, vec![self.method], operation);
    }

    fn request_body(&self) -> Option<utoipa::openapi::request_body::RequestBody> {
        let (media_type, shape, required) = match self.takes {
            Takes::Nothing => return None,
            Takes::Json(shape) => ("application/json", shape, Required::True),
            Takes::MaybeJson(shape) => ("application/json", shape, Required::False),
            Takes::Form(shape) => (crate::http::form::FORM, shape, Required::True),
        };
        let content = Content::new(Some(schemas::named(shape)));
        Some(
            RequestBodyBuilder::new()
                .content(media_type, content)
                .required(Some(required))
                .build(),
        )
    }

    fn responses(&self) -> utoipa::openapi::Responses {
        let mut responses = ResponsesBuilder::new();
        let (status, good) = self.good();
        let good = links::of(self.name)
            .into_iter()
            .fold(good, |good, (name, link)| good.link(name, link));
        responses = responses.response(status.to_string(), good);
        let is_oauth = matches!(self.takes, Takes::Form(_));
        let errors = if is_oauth {
            oauth_answers()
        } else {
            self.problems()
        };
        for (status, says) in errors {
            let (media_type, shape) = if is_oauth {
                ("application/json", "OauthError")
            } else {
                (PROBLEM_JSON, "Problem")
            };
            let mut answer = framed(&says).content(media_type, Content::new(Some(schemas::named(shape))));
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
            responses = responses.response(status.to_string(), answer);
        }
        if let Some((status, shape, says)) = self.also {
            let answer = framed(says).content("application/json", Content::new(Some(schemas::named(shape))));
            responses = responses.response(status.to_string(), answer);
        }
        if let Some(shape) = self.not_ready {
            let answer =
                framed("Not now").content("application/json", Content::new(Some(schemas::named(shape))));
            responses = responses.response("503", answer);
        }
        responses.build()
    }

    fn good(&self) -> (u16, ResponseBuilder) {
        let (status, answer) = match self.gives {
            Gives::Json(status, shape) => (
                status,
                framed("Done").content("application/json", Content::new(Some(schemas::named(shape)))),
            ),
            Gives::Page(media_type) => (
                200,
                framed("A page").content(media_type, Content::new(Some(schemas::text()))),
            ),
            Gives::Script => {
                let object = ObjectBuilder::new().schema_type(Type::Object);
                (
                    200,
                    framed("The document").content("application/json", Content::new(Some(object))),
                )
            }
            Gives::Nothing(status) if self.name == "verify" => {
                let mut answer = framed("The token is good");
                for (name, says) in [
                    ("X-Auth-User", "The user's id."),
                    (
                        "X-Auth-Email",
                        "The user's address; one that is not confirmed only with `server.forward_unverified_email`.",
                    ),
                    (
                        "X-Auth-Email-Verified",
                        "`true` or `false`: whether the user's address is confirmed.",
                    ),
                    ("X-Auth-Role", "The user's role."),
                    ("X-Auth-Session", "The session's id; an API key has none."),
                ] {
                    answer = answer.header(name, header(says));
                }
                (status, answer)
            }
            Gives::Nothing(status) => (status, framed("Done")),
        };
        let gives_device_token = [
            "register",
            "login",
            "token",
            "setup",
            "resetPassword",
            "changePassword",
            "verifyEmail",
        ];
        if !gives_device_token.contains(&self.name) {
            return (status, answer);
        }
        let says =
            "What the device shows with its next sign-in; browsers get it as the cookie `__Host-kw_device`.";
        (status, answer.header("X-Device-Token", header(says)))
    }

    /// The errors by status: those of the route, and those that its kind always has.
    fn problems(&self) -> BTreeMap<u16, String> {
        let mut codes = self.errors.clone();
        if matches!(self.auth, Auth::SignedIn | Auth::Holds(_)) {
            codes.extend(BEARER_ERRORS);
        }
        if matches!(self.auth, Auth::Holds(_)) {
            codes.push(Code::Forbidden);
        }
        if matches!(self.takes, Takes::Json(_) | Takes::MaybeJson(_)) {
            codes.extend(BODY_ERRORS);
        }
        if !matches!(self.name, "jwks" | "docs") {
            codes.push(Code::UnknownParameter);
        }
        if !matches!(
            self.name,
            "health" | "live" | "ready" | "jwks" | "openapi" | "docs"
        ) {
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
}

fn oauth_answers() -> BTreeMap<u16, String> {
    let answers = [
        (
            400,
            "`invalid_request`, `invalid_grant`, `unsupported_grant_type`, `invalid_scope`",
        ),
        (401, "`invalid_client`"),
        (408, "`invalid_request`: the body did not arrive in time"),
        (413, "`invalid_request`: the body is too long"),
        (429, "`temporarily_unavailable`: too many attempts"),
        (500, "`server_error`"),
        (503, "`temporarily_unavailable`"),
    ];
    answers.map(|(status, says)| (status, says.to_owned())).into()
}

fn framed(says: &str) -> ResponseBuilder {
    ResponseBuilder::new()
        .description(says)
        .header("X-Request-Id", header("The request's name, for the logs."))
}

fn header(says: &str) -> utoipa::openapi::Header {
    HeaderBuilder::new()
        .schema(Some(schemas::text()))
        .description(Some(says))
        .build()
}
