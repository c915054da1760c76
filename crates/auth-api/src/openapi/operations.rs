//! The operations: what each takes, and everything that it may answer.

use super::{BEARER, CLIENT, schemas};
use crate::problem::{Code, PROBLEM_JSON};
use std::collections::BTreeMap;
use utoipa::openapi::{
    Content, HeaderBuilder, HttpMethod, Paths, Required, ResponseBuilder, ResponsesBuilder,
    path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
    request_body::RequestBodyBuilder,
    schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type},
    security::SecurityRequirement,
};

/// Who may call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Auth {
    Anybody,
    SignedIn,
    MaybeSignedIn,
    Client,
    MaybeClient,
}

/// What comes in.
#[derive(Clone, Copy)]
enum Takes {
    Nothing,
    Json(&'static str),
    MaybeJson(&'static str),
    Form(&'static str),
}

/// What goes out when all is well.
#[derive(Clone, Copy)]
enum Gives {
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
}

/// Every operation below this base path.
pub(super) fn all(base: &str) -> Vec<Operation> {
    use HttpMethod::{Delete, Get, Patch, Post};
    let at = |method, path: &str, name, tag, summary| {
        Operation::new(method, format!("{base}{path}"), name, tag, summary)
    };
    vec![
        at(
            Post,
            "/register",
            "register",
            "account",
            "Make an account and sign in",
        )
        .takes(Takes::Json("RegisterBody"))
        .gives(Gives::Json(201, "TokenAnswer"))
        .or(&[
            Code::RegistrationClosed,
            Code::EmailTaken,
            Code::InvalidEmail,
            Code::InvalidName,
            Code::WeakPassword,
            Code::Overloaded,
        ]),
        at(Post, "/login", "login", "tokens", "Sign in")
            .takes(Takes::Json("LoginBody"))
            .gives(Gives::Json(200, "TokenAnswer"))
            .or(&[Code::InvalidCredentials, Code::Overloaded]),
        at(
            Post,
            "/token",
            "token",
            "tokens",
            "Sign in or refresh, as OAuth 2.0 does it (RFC 6749)",
        )
        .by(Auth::MaybeClient)
        .takes(Takes::Form("TokenForm"))
        .gives(Gives::Json(200, "OauthTokenAnswer"))
        .with(idempotency_key()),
        at(
            Post,
            "/refresh",
            "refresh",
            "tokens",
            "Exchange a refresh token for the next pair",
        )
        .takes(Takes::Json("RefreshBody"))
        .gives(Gives::Json(200, "TokenAnswer"))
        .with(idempotency_key())
        .or(&[
            Code::InvalidIdempotencyKey,
            Code::TokenAlreadyUsed,
            Code::TokenRevoked,
            Code::TokenExpired,
            Code::InvalidToken,
        ]),
        at(
            Post,
            "/logout",
            "logout",
            "tokens",
            "End this session, by its access token or a refresh token",
        )
        .by(Auth::MaybeSignedIn)
        .takes(Takes::MaybeJson("LogoutBody"))
        .gives(Gives::Json(200, "MessageJson"))
        .or(&BEARER_ERRORS),
        at(
            Post,
            "/logout-all",
            "logoutAll",
            "tokens",
            "End every session of the user",
        )
        .by(Auth::SignedIn)
        .gives(Gives::Json(200, "LoggedOutAllJson")),
        at(Get, "/me", "me", "account", "The user as stored now")
            .by(Auth::SignedIn)
            .gives(Gives::Json(200, "UserJson")),
        at(Patch, "/me", "rename", "account", "Change one's name")
            .by(Auth::SignedIn)
            .takes(Takes::Json("RenameBody"))
            .gives(Gives::Json(200, "UserJson"))
            .or(&[Code::InvalidName]),
        at(
            Get,
            "/sessions",
            "listSessions",
            "sessions",
            "One's own sessions, newest first",
        )
        .by(Auth::SignedIn)
        .gives(Gives::Json(200, "SessionList"))
        .with(query(
            "status",
            "Which ones; the live ones if left out.",
            schemas::text().enum_values(Some(["active", "ended", "all"])),
        ))
        .with(query(
            "limit",
            "How many.",
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .minimum(Some(1))
                .maximum(Some(100))
                .default(Some(20.into())),
        ))
        .with(query(
            "cursor",
            "The next_cursor of the page before.",
            schemas::text().pattern(Some(crate::cursor::PATTERN)),
        ))
        .or(&[Code::InvalidInput]),
        at(
            Get,
            "/sessions/{id}",
            "showSession",
            "sessions",
            "One of one's own sessions",
        )
        .by(Auth::SignedIn)
        .gives(Gives::Json(200, "SessionJson"))
        .with(session_id())
        .or(&[Code::NotFound]),
        at(
            Delete,
            "/sessions/{id}",
            "endSession",
            "sessions",
            "End one of one's own sessions",
        )
        .by(Auth::SignedIn)
        .gives(Gives::Nothing(204))
        .with(session_id())
        .or(&[Code::NotFound]),
        at(
            Get,
            "/verify",
            "verify",
            "services",
            "Forward-auth: who is it, and is the token good",
        )
        .by(Auth::SignedIn)
        .gives(Gives::Nothing(204))
        .with(query("role", "The role that is needed.", schemas::text()))
        .or(&[Code::Forbidden]),
        at(
            Post,
            "/introspect",
            "introspect",
            "services",
            "What a token is (RFC 7662)",
        )
        .by(Auth::Client)
        .takes(Takes::Form("TokenOfInterestForm"))
        .gives(Gives::Json(200, "IntrospectionJson")),
        at(
            Post,
            "/revoke",
            "revoke",
            "services",
            "Give a token back (RFC 7009)",
        )
        .by(Auth::Client)
        .takes(Takes::Form("TokenOfInterestForm"))
        .gives(Gives::Nothing(200)),
        at(
            Post,
            "/setup",
            "setup",
            "operation",
            "Make the first administrator with the one-time token of the first start",
        )
        .takes(Takes::Json("SetupBody"))
        .gives(Gives::Json(201, "TokenAnswer"))
        .or(&[
            Code::SetupClosed,
            Code::InvalidOrExpiredToken,
            Code::EmailTaken,
            Code::InvalidEmail,
            Code::InvalidName,
            Code::WeakPassword,
            Code::Overloaded,
        ]),
        at(
            Get,
            "/health",
            "health",
            "operation",
            "Whether the process answers",
        )
        .gives(Gives::Json(200, "StatusJson")),
        root("/health/live", "live", "Whether the process answers").gives(Gives::Json(200, "StatusJson")),
        root("/health/ready", "ready", "Whether it may be sent requests")
            .gives(Gives::Json(200, "ReadinessJson"))
            .not_ready("ReadinessJson"),
        root(
            "/.well-known/jwks.json",
            "jwks",
            "The public keys of access tokens",
        )
        .gives(Gives::Json(200, "KeySet")),
        root("/openapi.json", "openapi", "This document").gives(Gives::Script),
        root("/docs", "docs", "This document, to look at").gives(Gives::Page("text/html")),
    ]
}

const BEARER_ERRORS: [Code; 6] = [
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

fn root(path: &str, name: &'static str, summary: &'static str) -> Operation {
    Operation::new(HttpMethod::Get, path.to_owned(), name, "operation", summary)
}

fn query(name: &str, says: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(says))
        .schema(Some(schema))
        .build()
}

fn session_id() -> Parameter {
    let uuid = schemas::text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
    ParameterBuilder::new()
        .name("id")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("The session's id. Another user's is not found."))
        .schema(Some(uuid))
        .build()
}

fn idempotency_key() -> Parameter {
    let key = schemas::text()
        .min_length(Some(16))
        .max_length(Some(128))
        .pattern(Some("^[!-~]+$"));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Random for each refresh: with it, a refresh whose answer was lost can be asked for again.",
        ))
        .schema(Some(key))
        .build()
}

impl Operation {
    fn new(
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
        }
    }

    fn by(self, auth: Auth) -> Self {
        Self { auth, ..self }
    }

    fn takes(self, takes: Takes) -> Self {
        Self { takes, ..self }
    }

    fn gives(self, gives: Gives) -> Self {
        Self { gives, ..self }
    }

    fn with(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    fn or(mut self, errors: &[Code]) -> Self {
        self.errors.extend_from_slice(errors);
        self
    }

    fn not_ready(self, shape: &'static str) -> Self {
        Self {
            not_ready: Some(shape),
            ..self
        }
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
        operation = match self.auth {
            Auth::Anybody | Auth::MaybeClient => operation,
            Auth::SignedIn => operation.security(scheme(BEARER)),
            Auth::MaybeSignedIn => operation
                .security(scheme(BEARER))
                .security(SecurityRequirement::default()),
            Auth::Client => operation.security(scheme(CLIENT)),
        };
        paths.add_path_operation(&self.path, vec![self.method], operation);
    }

    fn request_body(&self) -> Option<utoipa::openapi::request_body::RequestBody> {
        let (media_type, shape, required) = match self.takes {
            Takes::Nothing => return None,
            Takes::Json(shape) => ("application/json", shape, Required::True),
            Takes::MaybeJson(shape) => ("application/json", shape, Required::False),
            Takes::Form(shape) => (crate::form::FORM, shape, Required::True),
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
            if status == 503 {
                answer = answer.header("Retry-After", header("When to come back, in seconds."));
            }
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
        match self.gives {
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
                    ("X-Auth-Email", "The user's address."),
                    ("X-Auth-Role", "The user's role."),
                    ("X-Auth-Session", "The session's id."),
                ] {
                    answer = answer.header(name, header(says));
                }
                (status, answer)
            }
            Gives::Nothing(status) => (status, framed("Done")),
        }
    }

    /// The errors by status: those of the route, and those that its kind always has.
    fn problems(&self) -> BTreeMap<u16, String> {
        let mut codes = self.errors.clone();
        if self.auth == Auth::SignedIn {
            codes.extend(BEARER_ERRORS);
        }
        if matches!(self.takes, Takes::Json(_) | Takes::MaybeJson(_)) {
            codes.extend(BODY_ERRORS);
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
