//! The named shapes of the document: those that its operations name, those that they are made of, and errors.

use crate::http::{
    problem::{Code, Problem},
    route::{
        Failures, Operation, Shape,
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

/// Every shape that one of the operations names.
pub(super) fn components<'a>(operations: impl Iterator<Item = &'a Operation>) -> ComponentsBuilder {
    let mut found = Vec::new();
    Shape::of::<Problem>().collect(&mut found);
    for operation in operations {
        let answers = operation.answers.iter().filter_map(shape);
        let failures = match operation.failures {
            Failures::Own(shape, _) => Some(shape),
            Failures::Never | Failures::Problems => None,
        };
        for shape in operation
            .body
            .map(|body| body.shape)
            .into_iter()
            .chain(answers)
            .chain(failures)
        {
            shape.collect(&mut found);
        }
    }
    ComponentsBuilder::new().schemas_from_iter(found)
}

fn shape(answer: &Answer) -> Option<Shape> {
    match answer.content {
        Content::Json(shape) => Some(shape),
        Content::Nothing | Content::Other(..) => None,
    }
}

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        let words = Code::ALL.iter().map(|code| code.word());
        let fault = ObjectBuilder::new()
            .property("field", text())
            .property("code", text())
            .property("message", text())
            .required("field")
            .required("code")
            .required("message");
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
