//! What a route declares: who may call it, what it takes, and everything that it may answer. These are plain values: the document is
//! written from them, and tests walk them.

use super::{
    access::Access,
    schema::{SchemaRef, uuid},
};
use crate::http::problem::Code;
use actix_web::http::Method;
use utoipa::openapi::schema::ObjectBuilder;

/// The groups of routes, as the viewer shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// The caller's own account.
    Account,
    /// Signing in, refreshing, signing out.
    Tokens,
    /// The caller's own sessions.
    Sessions,
    /// For other services and proxies.
    Services,
    /// For administrators.
    Admin,
    /// For operators.
    Operation,
}

impl Tag {
    /// Every group, in the order of the document.
    pub const ALL: [Self; 6] = [
        Self::Account,
        Self::Tokens,
        Self::Sessions,
        Self::Services,
        Self::Admin,
        Self::Operation,
    ];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Tokens => "tokens",
            Self::Sessions => "sessions",
            Self::Services => "services",
            Self::Admin => "admin",
            Self::Operation => "operation",
        }
    }

    /// What is in it, for people.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Account => "Making an account, looking after it, getting it back, leaving.",
            Self::Tokens => "Signing in, refreshing, signing out.",
            Self::Sessions => "One's own sessions.",
            Self::Services => "For other services and proxies.",
            Self::Admin => {
                "Users, their sessions, the audit log, the signing keys. Each operation names the permission that it needs."
            }
            Self::Operation => "Health, keys, set-up.",
        }
    }
}

/// The entry of an operation in the document.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The operation's id.
    pub id: &'static str,
    /// The group.
    pub tag: Tag,
    /// One line.
    pub summary: &'static str,
}

/// Where a parameter is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// In the path; always required.
    Path,
    /// In the query string; optional.
    Query,
    /// In a header; optional.
    Header,
}

/// A parameter.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Where it is sent.
    pub location: Location,
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub description: &'static str,
    /// Its schema.
    pub schema: fn() -> ObjectBuilder,
}

impl Parameter {
    /// An id in the path.
    #[must_use]
    pub const fn id(name: &'static str, description: &'static str) -> Self {
        Self {
            location: Location::Path,
            name,
            description,
            schema: uuid,
        }
    }

    /// A parameter of the query string.
    #[must_use]
    pub const fn query(name: &'static str, description: &'static str, schema: fn() -> ObjectBuilder) -> Self {
        Self {
            location: Location::Query,
            name,
            description,
            schema,
        }
    }

    /// A header.
    #[must_use]
    pub const fn header(
        name: &'static str,
        description: &'static str,
        schema: fn() -> ObjectBuilder,
    ) -> Self {
        Self {
            location: Location::Header,
            name,
            description,
            schema,
        }
    }
}

/// A request body that a route takes.
#[derive(Debug, Clone, Copy)]
pub struct Body {
    /// Its media type.
    pub media_type: &'static str,
    /// Its schema.
    pub schema: SchemaRef,
    /// Whether it is required.
    pub is_required: bool,
}

/// The content of an answer.
#[derive(Debug, Clone, Copy)]
pub enum Content {
    /// No content.
    Empty,
    /// JSON of a named schema.
    Json(SchemaRef),
    /// Content of this media type.
    Media(&'static str, fn() -> ObjectBuilder),
}

/// An answer.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// When it is given, or what it means.
    pub description: &'static str,
    /// Its content.
    pub content: Content,
}

/// In which format a route answers errors.
#[derive(Debug, Clone, Copy)]
pub enum ErrorFormat {
    /// It has no errors.
    NoErrors,
    /// As problems (RFC 9457).
    Problem,
    /// In a format of its own, with these statuses and what they mean.
    Custom(SchemaRef, &'static [(u16, &'static str)]),
}

/// A link from an answer to another operation (OpenAPI 3.1 §4.8.20). It uses values of the request and the answer alone.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// Its name.
    pub name: &'static str,
    /// The id of the operation that it leads to.
    pub operation: &'static str,
    /// Its parameters, as `location.name`, with the runtime expressions of their values.
    pub parameters: &'static [(&'static str, &'static str)],
    /// Its body: JSON as text, with runtime expressions in it. OpenAPI 3.1 allows an object there, but openapi-generator refuses a document
    /// with anything but a text.
    pub body: Option<&'static str>,
    /// What it does.
    pub description: &'static str,
}

impl Link {
    /// A link that fills in the body of an operation.
    #[must_use]
    pub const fn with_body(
        name: &'static str,
        operation: &'static str,
        body: &'static str,
        description: &'static str,
    ) -> Self {
        Self {
            name,
            operation,
            parameters: &[],
            body: Some(body),
            description,
        }
    }

    /// A link that fills in the parameters of an operation.
    #[must_use]
    pub const fn with_parameters(
        name: &'static str,
        operation: &'static str,
        parameters: &'static [(&'static str, &'static str)],
        description: &'static str,
    ) -> Self {
        Self {
            name,
            operation,
            parameters,
            body: None,
            description,
        }
    }
}

/// Everything that a route declares.
#[derive(Debug, Clone)]
pub struct Operation {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// `None` where the document leaves it out.
    pub(crate) entry: Option<Entry>,
    pub(crate) access: Access,
    pub(crate) body: Option<Body>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) ignores_unknown_parameters: bool,
    /// The first one is that of success.
    pub(crate) answers: Vec<Answer>,
    /// The headers of the first answer.
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) links: Vec<&'static [Link]>,
    pub(crate) errors: Vec<Code>,
    pub(crate) error_format: ErrorFormat,
}

impl Operation {
    /// The method. A route of GET answers HEAD, too.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The whole path, with its `{parameters}`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The id in the document; `None` where the document leaves the route out.
    #[must_use]
    pub fn id(&self) -> Option<&'static str> {
        self.entry.map(|entry| entry.id)
    }

    /// Who may call it.
    #[must_use]
    pub const fn access(&self) -> Access {
        self.access
    }

    /// Whether it ignores unknown query parameters. Other routes refuse them.
    #[must_use]
    pub const fn ignores_unknown_parameters(&self) -> bool {
        self.ignores_unknown_parameters
    }

    /// Its parameters: in the path, in the query string, in headers.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The body that it takes.
    #[must_use]
    pub const fn body(&self) -> Option<&Body> {
        self.body.as_ref()
    }

    /// Whether it requires a body.
    #[must_use]
    pub fn requires_body(&self) -> bool {
        self.body.is_some_and(|body| body.is_required)
    }
}
