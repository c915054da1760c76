//! The tokens of the forms on pages.

use crate::{
    parts::{entropy::random_bytes, failure::Failure, form_tokens::Visitor},
    service::Service,
};
use auth_domain::time::Timestamp;

impl Service {
    /// A random id for a browser that has none yet.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] without entropy.
    pub fn new_visitor_id(&self) -> Result<[u8; 16], Failure> {
        Ok(random_bytes(self.entropy())?)
    }

    /// Issues the token of a form for this visitor.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] without entropy.
    pub fn form_token(&self, visitor: Visitor, now: Timestamp) -> Result<String, Failure> {
        self.state().form_tokens.issue(visitor, now, self.entropy())
    }

    /// Whether the token of a submitted form was issued to this visitor within the last twelve hours.
    #[must_use]
    pub fn is_valid_form_token(&self, token: &str, visitor: Visitor, now: Timestamp) -> bool {
        self.state().form_tokens.is_valid(token, visitor, now)
    }
}
