//! An email address as the user typed it, for routes whose answer is the same for every address. The rule: only its length is
//! checked.

use crate::http::route::schema::text;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use validator::ValidationError;

/// The most characters that are accepted: several times what an email address can have.
const MAX_LENGTH: usize = 1024;

/// Refuses a text that is too long.
///
/// # Errors
/// `too_long`.
pub fn is_bounded(text: &str) -> Result<(), ValidationError> {
    if text.chars().count() > MAX_LENGTH {
        return Err(ValidationError::new("too_long")
            .with_message("An email address has at most 254 characters.".into()));
    }
    Ok(())
}

/// The schema of the member in a body.
#[must_use]
pub fn schema() -> ObjectBuilder {
    text()
        .description(Some("The address."))
        .max_length(Some(MAX_LENGTH))
}

/// The schema where the member may be left out.
#[must_use]
pub fn optional_schema() -> ObjectBuilder {
    schema().schema_type(SchemaType::from_iter([Type::String, Type::Null]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_measured_in_characters() {
        assert!(is_bounded(&"é".repeat(MAX_LENGTH)).is_ok());
        let refused = is_bounded(&"é".repeat(MAX_LENGTH + 1)).unwrap_err();
        assert_eq!(refused.code, "too_long");
    }
}
