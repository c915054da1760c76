//! The policy that the server asks a browser to enforce on a page. The rule: the strictest, unless the page declares otherwise.

use super::state::PagesState;
use actix_web::{
    HttpRequest,
    http::header::{CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue},
};

/// Where the forms of a page may lead, including redirects (CSP Level 3 §6.4.1, `form-action`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormAction {
    /// To these pages, and to the origins of `pages.return_to`.
    Listed,
    /// Anywhere. Chromium applies the directive to the whole chain of redirects, so a page whose form ends at a client's redirect
    /// URI can't have the directive.
    Any,
}

/// Whether a page shares its window with the page that opened it (HTML §7.1.3, `Cross-Origin-Opener-Policy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opener {
    /// The page does not share it: `same-origin`.
    Isolated,
    /// The page shares it: a client that opened the page in a popup waits for a message from it.
    Reachable,
}

/// The policy of a page. App data of the page's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PagePolicy {
    /// Where the forms may lead.
    pub form_action: FormAction,
    /// Whether the page that opened it can reach it.
    pub opener: Opener,
    /// Whether another site may send a form here. Browsers send none of our cookies with it (`SameSite=Lax`).
    pub cross_site_post: bool,
}

impl PagePolicy {
    /// The policy of a page that declares no other.
    pub const STRICT: Self = Self {
        form_action: FormAction::Listed,
        opener: Opener::Isolated,
        cross_site_post: false,
    };

    /// The policy of the page that is requested.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        request.app_data::<Self>().copied().unwrap_or(Self::STRICT)
    }

    /// Adds the headers of a document: what it may load, and where its forms may lead.
    pub fn protect(self, headers: &mut HeaderMap, pages_state: &PagesState) {
        let policy = match self.form_action {
            FormAction::Listed => &pages_state.content_policy,
            FormAction::Any => &pages_state.content_policy_of_any_form,
        };
        headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
    }

    /// Adds the headers of every answer of the page, including redirects and errors.
    pub fn complete(self, headers: &mut HeaderMap) {
        if self.opener == Opener::Reachable {
            let name = HeaderName::from_static("cross-origin-opener-policy");
            headers.insert(name, HeaderValue::from_static("unsafe-none"));
        }
    }
}
