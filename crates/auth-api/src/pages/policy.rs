//! What a browser is asked to keep to on a page. The rule: the strictest, unless the page declares otherwise.

use super::state::PagesState;
use actix_web::{
    HttpRequest,
    http::header::{CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue},
};

/// Where the forms of a page may lead, redirects included (CSP Level 3 §6.4.1, `form-action`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormAction {
    /// To these pages, and to the origins of `pages.return_to`.
    Listed,
    /// Anywhere. Chromium holds the directive against the whole chain of redirects, so a page whose form ends at the redirect URI of a
    /// client can't have it.
    Any,
}

/// Whether a page shares its window with the page that opened it (HTML §7.1.3, `Cross-Origin-Opener-Policy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opener {
    /// It does not: `same-origin`.
    Isolated,
    /// It does: a client that opened it in a popup waits for word from it.
    Reachable,
}

/// The policy of a page. App data of its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PagePolicy {
    /// Where its forms may lead.
    pub form_action: FormAction,
    /// Whether the page that opened it can reach it.
    pub opener: Opener,
    /// Whether another site may send a form here. Browsers show none of our cookies with it (`SameSite=Lax`).
    pub cross_site_post: bool,
}

impl PagePolicy {
    /// What holds where a page declares nothing else.
    pub const STRICT: Self = Self {
        form_action: FormAction::Listed,
        opener: Opener::Isolated,
        cross_site_post: false,
    };

    /// The policy of the page that a request came to.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        request.app_data::<Self>().copied().unwrap_or(Self::STRICT)
    }

    /// Adds what holds for a document of the page: what it may load, and where its forms may lead.
    pub fn protect(self, headers: &mut HeaderMap, pages_state: &PagesState) {
        let policy = match self.form_action {
            FormAction::Listed => &pages_state.content_policy,
            FormAction::Any => &pages_state.content_policy_of_any_form,
        };
        headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
    }

    /// Adds what holds for every answer of the page, redirects and errors included.
    pub fn complete(self, headers: &mut HeaderMap) {
        if self.opener == Opener::Reachable {
            let name = HeaderName::from_static("cross-origin-opener-policy");
            headers.insert(name, HeaderValue::from_static("unsafe-none"));
        }
    }
}
