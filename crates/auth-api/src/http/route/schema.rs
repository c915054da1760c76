//! The schemas that a declaration names: of bodies, answers and parameters.

use std::borrow::Cow;
use utoipa::{
    ToSchema,
    openapi::{
        Ref, RefOr, Schema,
        schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type},
    },
};

/// A schema that has a name in the document. It is built only when the document is written.
#[derive(Debug, Clone, Copy)]
pub struct SchemaRef {
    name: fn() -> Cow<'static, str>,
    collect: fn(&mut Vec<(String, RefOr<Schema>)>),
}

impl SchemaRef {
    /// The schema of a type.
    pub const fn of<T: ToSchema>() -> Self {
        Self {
            name: T::name,
            collect: |all| {
                all.push((T::name().into_owned(), T::schema()));
                T::schemas(all);
            },
        }
    }

    /// A reference to it.
    pub(crate) fn reference(self) -> RefOr<Schema> {
        RefOr::Ref(Ref::from_schema_name((self.name)()))
    }

    /// Adds the schema and every schema that it refers to.
    pub(crate) fn collect(self, all: &mut Vec<(String, RefOr<Schema>)>) {
        (self.collect)(all);
    }
}

/// A text.
#[must_use]
pub fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// An id.
#[must_use]
pub fn uuid() -> ObjectBuilder {
    text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
}

/// A time (RFC 3339).
#[must_use]
pub fn time() -> ObjectBuilder {
    text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}

/// The member of an error that says when to try again.
#[must_use]
pub fn retry_after() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .description(Some(
            "When to try again, in seconds: with every 429 and every 503 that has the header Retry-After.",
        ))
}

/// Any JSON object.
#[must_use]
pub fn object() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Object)
}
