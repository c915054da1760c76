//! The named schemas of the document: those that its operations name, those that these refer to, and errors.

use crate::http::{
    problem::{Code, Problem},
    route::{
        ErrorFormat, Operation, SchemaRef,
        operation::{Answer, Content},
        schema::{retry_after, text},
    },
};
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ComponentsBuilder, RefOr, Schema,
        schema::{ArrayBuilder, ObjectBuilder, Type},
    },
};

/// Every schema that one of the operations names.
pub(super) fn components<'a>(operations: impl Iterator<Item = &'a Operation>) -> ComponentsBuilder {
    let mut found = Vec::new();
    SchemaRef::of::<Problem>().collect(&mut found);
    for operation in operations {
        let answers = operation.answers.iter().filter_map(schema_of);
        let errors = match operation.error_format {
            ErrorFormat::Custom(schema, _) => Some(schema),
            ErrorFormat::NoErrors | ErrorFormat::Problem => None,
        };
        for schema in operation
            .body
            .map(|body| body.schema)
            .into_iter()
            .chain(answers)
            .chain(errors)
        {
            schema.collect(&mut found);
        }
    }
    ComponentsBuilder::new().schemas_from_iter(found)
}

fn schema_of(answer: &Answer) -> Option<SchemaRef> {
    match answer.content {
        Content::Json(schema) => Some(schema),
        Content::Empty | Content::Media(..) => None,
    }
}

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        let words = Code::ALL.iter().map(|code| code.as_str());
        let fault = ObjectBuilder::new()
            .property("field", text())
            .property("code", text())
            .property("message", text())
            .required("field")
            .required("code")
            .required("message");
        let methods = ArrayBuilder::new().items(text()).description(Some(
            "With `mfa_required`: the kinds of proof that are still needed.",
        ));
        let status = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(400))
            .maximum(Some(599));
        ObjectBuilder::new()
            .description(Some("An error (RFC 9457)."))
            .property("type", text())
            .property("title", text())
            .property("status", status)
            .property("detail", text())
            .property("code", text().enum_values(Some(words)))
            .property("instance", text().description(Some("The request id.")))
            .property("retry_after", retry_after())
            .property("errors", ArrayBuilder::new().items(fault))
            .property("methods", methods)
            .required("type")
            .required("title")
            .required("status")
            .required("detail")
            .required("code")
            .into()
    }
}

impl ToSchema for Problem {
    fn name() -> Cow<'static, str> {
        "Problem".into()
    }
}
