//! The tokens of the forms that pages show to a browser.

use crate::{
    parts::{entropy::random_bytes, failure::Failure, form_tokens::Visitor},
    service::Service,
};
use auth_domain::time::Timestamp;

impl Service {
    /// A name for a browser that has none yet.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] without entropy.
    pub fn new_visitor_id(&self) -> Result<[u8; 16], Failure> {
        Ok(random_bytes(self.entropy())?)
    }

    /// The token of a form that is made for this visitor now.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] without entropy.
    pub fn form_token(&self, visitor: Visitor, now: Timestamp) -> Result<String, Failure> {
        self.state().form_tokens.issue(visitor, now, self.entropy())
    }

    /// Whether a form that came back was made for this visitor, within the last twelve hours.
    #[must_use]
    pub fn is_valid_form_token(&self, token: &str, visitor: Visitor, now: Timestamp) -> bool {
        self.state().form_tokens.is_valid(token, visitor, now)
    }
}
