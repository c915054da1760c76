//! The tokens of the forms that pages show to a browser.

use crate::{
    parts::{entropy::chance, failure::Failure, form_tokens::Visitor},
    service::Service,
};
use auth_domain::time::Timestamp;

impl Service {
    /// A name for a browser that has none yet.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] without entropy.
    pub fn new_visitor_id(&self) -> Result<[u8; 16], Failure> {
        Ok(chance(self.entropy())?)
    }

    /// The token of a form that is made for this visitor now.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] without entropy.
    pub fn form_token(&self, visitor: Visitor, now: Timestamp) -> Result<String, Failure> {
        self.shared().form_tokens.give(visitor, now, self.entropy())
    }

    /// Whether a form that came back was made for this visitor, within the last twelve hours.
    #[must_use]
    pub fn is_own_form(&self, token: &str, visitor: Visitor, now: Timestamp) -> bool {
        self.shared().form_tokens.fits(token, visitor, now)
    }
}
