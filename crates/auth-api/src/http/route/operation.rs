//! What a route declares: who may call it, what it takes, and everything that it may answer. Plain values, of which the document is
//! written and which tests walk.

use super::{
    access::Access,
    schema::{Shape, uuid},
};
use crate::http::problem::Code;
use actix_web::http::Method;
use utoipa::openapi::schema::ObjectBuilder;

/// The groups of routes, as the viewer shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// One's own account.
    Account,
    /// Signing in, refreshing, signing out.
    Tokens,
    /// One's own sessions.
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

/// How the document names an operation.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The operation's id.
    pub id: &'static str,
    /// The group.
    pub tag: Tag,
    /// One line.
    pub summary: &'static str,
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the path; it must be there.
    Path,
    /// In the query string; it may be left out.
    Query,
    /// In a header; it may be left out.
    Header,
}

/// A parameter.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Where it stands.
    pub place: Place,
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub says: &'static str,
    /// What it looks like.
    pub schema: fn() -> ObjectBuilder,
}

impl Parameter {
    /// An id in the path.
    #[must_use]
    pub const fn id(name: &'static str, says: &'static str) -> Self {
        Self {
            place: Place::Path,
            name,
            says,
            schema: uuid,
        }
    }

    /// A parameter of the query string.
    #[must_use]
    pub const fn query(name: &'static str, says: &'static str, schema: fn() -> ObjectBuilder) -> Self {
        Self {
            place: Place::Query,
            name,
            says,
            schema,
        }
    }

    /// A header.
    #[must_use]
    pub const fn header(name: &'static str, says: &'static str, schema: fn() -> ObjectBuilder) -> Self {
        Self {
            place: Place::Header,
            name,
            says,
            schema,
        }
    }
}

/// A body that a route takes.
#[derive(Debug, Clone, Copy)]
pub struct Body {
    /// Its media type.
    pub media_type: &'static str,
    /// Its shape.
    pub shape: Shape,
    /// Whether it must be there.
    pub is_required: bool,
}

/// What an answer holds.
#[derive(Debug, Clone, Copy)]
pub enum Content {
    /// Nothing.
    Nothing,
    /// JSON of a named shape.
    Json(Shape),
    /// Something of this media type.
    Other(&'static str, fn() -> ObjectBuilder),
}

/// An answer.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// When it is given, or what it is.
    pub says: &'static str,
    /// What it holds.
    pub content: Content,
}

/// How a route answers when it can't do what was asked.
#[derive(Debug, Clone, Copy)]
pub enum Failures {
    /// It always can.
    Never,
    /// With a problem (RFC 9457).
    Problems,
    /// In a form of its own, with these statuses and what they mean.
    Own(Shape, &'static [(u16, &'static str)]),
}

/// What can be done with an answer (OpenAPI 3.1 §4.8.20). It hands on what the answer gave, and nothing that the caller has to make up.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// Its name.
    pub name: &'static str,
    /// The operation that it leads to.
    pub operation: &'static str,
    /// Its parameters, as `place.name`, and the expressions that they take their values from.
    pub parameters: &'static [(&'static str, &'static str)],
    /// Its body: the text of JSON, with expressions in it. OpenAPI 3.1 allows an object there, but openapi-generator refuses a document
    /// with anything but a text.
    pub body: Option<&'static str>,
    /// What it does.
    pub says: &'static str,
}

impl Link {
    /// It leads to an operation by a body.
    #[must_use]
    pub const fn carrying(
        name: &'static str,
        operation: &'static str,
        body: &'static str,
        says: &'static str,
    ) -> Self {
        Self {
            name,
            operation,
            parameters: &[],
            body: Some(body),
            says,
        }
    }

    /// It leads to an operation by parameters.
    #[must_use]
    pub const fn at(
        name: &'static str,
        operation: &'static str,
        parameters: &'static [(&'static str, &'static str)],
        says: &'static str,
    ) -> Self {
        Self {
            name,
            operation,
            parameters,
            body: None,
            says,
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
    pub(crate) any_query: bool,
    /// The first one is that of a call that went well.
    pub(crate) answers: Vec<Answer>,
    /// The headers of the first answer.
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) links: Vec<&'static [Link]>,
    pub(crate) errors: Vec<Code>,
    pub(crate) failures: Failures,
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

    /// Whether it passes over query parameters that it does not know. Other routes refuse them.
    #[must_use]
    pub const fn takes_any_query(&self) -> bool {
        self.any_query
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

    /// Whether it needs a body.
    #[must_use]
    pub fn needs_body(&self) -> bool {
        self.body.is_some_and(|body| body.is_required)
    }
}
