//! The context of a page: who requests it, and what the page needs to answer. Users are signed in while their access token is
//! valid. When it is not, the server rotates the refresh token here, and the browser never notices (docs/rules.md §3). Two tabs
//! that do so at once get the same pair.
//!
//! The rule: an outage signs no user out, and a user who was signed out is redirected to the sign-in, which says so and returns
//! here.

use super::{
    cookies::CookieKind,
    fields::Faults,
    policy::PagePolicy,
    render,
    state::PagesState,
    texts::{Done, Texts},
};
use crate::http::{
    call::{Call, service_of},
    problem::{Code, Problem},
    query::Query,
    route::Access,
    state::{HttpState, SeenUser},
};
use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse, error::InternalError, http::header::HeaderValue, web::Data,
};
use auth_domain::{role::Permission, time::Timestamp};
use auth_service::{Caller, Principal, Service, SessionError, TokenError, Tokens, Visitor};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

/// The context of a page: the request, and who sent it.
pub struct PageContext {
    /// The use cases.
    pub service: Data<Service>,
    /// The state that all requests share.
    pub http_state: Data<HttpState>,
    /// The state that all pages share.
    pub pages_state: Arc<PagesState>,
    /// The user's identity, if they are signed in.
    pub principal: Option<Principal>,
    /// Time and client address of the request, with the signed-in user.
    pub caller: Caller,
    pub(super) request: HttpRequest,
    /// The browser's id, if it has one.
    pub(super) visitor: Option<[u8; 16]>,
}

impl PageContext {
    /// Authenticates a request.
    ///
    /// # Errors
    /// An outage, a limit, or another page that the user gets first.
    pub async fn of(request: &HttpRequest) -> Result<Self, Error> {
        let service = service_of(request)?;
        let http_state = HttpState::of(request)
            .cloned()
            .ok_or_else(|| Problem::internal("the app has no HTTP state"))?;
        let pages_state = PagesState::of(request)?;
        pages_state.check_host(request)?;
        let caller = Call::of(request).caller(&service).map_err(Problem::from)?;
        let principal = authenticate(request, &service, &pages_state, &caller).await?;
        let caller = match &principal {
            Some(principal) => {
                request.extensions_mut().insert(SeenUser(principal.user()));
                caller.signed_in(principal)
            }
            None => caller,
        };
        Ok(Self {
            visitor: pages_state.cookies.visitor(request),
            service,
            http_state,
            pages_state,
            principal,
            caller,
            request: request.clone(),
        })
    }

    /// The texts.
    #[must_use]
    pub fn texts(&self) -> &Texts {
        &self.pages_state.texts
    }

    /// The time of the request.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.caller.now
    }

    /// The query of the request's address.
    #[must_use]
    pub fn query(&self) -> Query<'_> {
        Query::of(self.request.query_string())
    }

    /// Whether the user holds a permission.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        let principal = self.principal.as_ref();
        principal.is_some_and(|principal| self.service.may(principal, permission))
    }

    /// Whether a page with this access is shown to the user.
    #[must_use]
    pub fn may_see(&self, access: Access) -> bool {
        match access {
            Access::Permission(permission) => self.may(permission),
            Access::User => self.principal.is_some(),
            Access::Anonymous => true,
            // Pages are not for programs.
            Access::UserIfSent | Access::Bearer | Access::Client | Access::ClientIfSent => false,
        }
    }

    /// Whether a form's token was created for this browser and session.
    #[must_use]
    pub fn is_valid_form_token(&self, token: &str) -> bool {
        self.visitor.is_some_and(|id| {
            self.service
                .is_valid_form_token(token, self.visitor_of(id), self.now())
        })
    }

    pub(super) fn visitor_of(&self, id: [u8; 16]) -> Visitor {
        Visitor {
            id,
            session: self.principal.as_ref().map(Principal::session),
        }
    }

    /// Redirects to another page (303, RFC 9110 §15.4.4).
    #[must_use]
    pub fn redirect(&self, place: &str) -> HttpResponse {
        render::redirect(&self.pages_state.at(place))
    }

    /// Redirects to a page that says what was just done.
    #[must_use]
    pub fn done(&self, place: &str, what: Done) -> HttpResponse {
        self.redirect(&format!("{place}?done={}", what.as_str()))
    }

    /// Redirects to where the sign-in returns to, or to the account.
    #[must_use]
    pub fn redirect_after_sign_in(&self, return_to: Option<&str>) -> HttpResponse {
        match return_to {
            Some(address) => render::redirect(address),
            None => self.redirect("/account"),
        }
    }

    /// Why a form was refused, to be shown beside it.
    ///
    /// # Errors
    /// What is no fault of the form: an outage, or a session that has just ended.
    pub fn refusal(&self, error: impl Into<Problem>) -> Result<Problem, Problem> {
        let problem: Problem = error.into();
        let code = problem.code();
        let of_form = code.status() < 500 && (code.status() != 401 || code == Code::InvalidCredentials);
        if of_form { Ok(problem) } else { Err(problem) }
    }

    /// As [`Self::refusal`], with the faults of the form. `known` lists its fields, each by its name in the problem and in the
    /// form.
    ///
    /// # Errors
    /// As [`Self::refusal`].
    pub fn refused(
        &self,
        error: impl Into<Problem>,
        known: &[(&str, &str)],
    ) -> Result<(Problem, Faults), Problem> {
        let problem = self.refusal(error)?;
        let faults = Faults::of(&problem, known, self.texts());
        Ok((problem, faults))
    }

    /// Stores the tokens of a sign-in and redirects. The browser's previous session ends, and its forms are no longer valid.
    ///
    /// # Errors
    /// An outage.
    pub async fn sign_in(&self, tokens: &Tokens, return_to: Option<&str>) -> Result<HttpResponse, Problem> {
        let cookies = self.pages_state.cookies;
        self.end_session_before().await;
        cookies.keep_tokens(&self.request, &self.service, tokens);
        cookies.name_visitor(&self.request, self.service.new_visitor_id()?);
        self.request.extensions_mut().insert(SeenUser(tokens.user.id));
        Ok(self.redirect_after_sign_in(return_to))
    }

    /// Ends the session that the browser had so far, if it is still active. If the database fails now, that session stays active
    /// until it expires; the new sign-in is not undone.
    pub async fn end_session_before(&self) {
        if let Some(refresh_token) = self.pages_state.cookies.shown(&self.request, CookieKind::Refresh) {
            let _ended = self.service.logout_browser(refresh_token, &self.caller).await;
        }
    }

    /// Deletes the session's cookies in this browser.
    pub fn forget_session(&self) {
        self.pages_state.cookies.forget_session(&self.request);
    }

    /// Stores a known device's token.
    pub fn keep_device(&self, token: &SecretString) {
        self.pages_state
            .cookies
            .keep_device(&self.request, token.expose_secret());
    }

    /// Stores a known device's token, if there is one.
    pub fn keep_known(&self, token: Option<&SecretString>) {
        if let Some(token) = token {
            self.keep_device(token);
        }
    }

    /// Where the sign-in returns to, from the address of the page.
    ///
    /// # Errors
    /// 400 for what is not allowed.
    pub fn return_to(&self) -> Result<Option<String>, Problem> {
        self.pages_state.return_to(self.query())
    }

    /// The answer to a form whose token has expired or belongs to another browser or session. If the user signed in in another tab
    /// meanwhile, a sign-in form has reached its purpose: the answer redirects.
    pub(super) fn form_expired(&self) -> Error {
        let is_sign_in = self.request.match_info().as_str() == self.pages_state.at("/login");
        match self.return_to() {
            Ok(return_to) if is_sign_in && self.principal.is_some() => {
                let answer = self.redirect_after_sign_in(return_to.as_deref());
                InternalError::from_response("signed in by now", answer).into()
            }
            _ => Problem::from(Code::FormExpired).into(),
        }
    }

    /// Redirects to the sign-in, which returns here afterwards; after a form, to the section that it belongs to.
    pub(super) fn ask_to_sign_in(&self) -> Error {
        let request = &self.request;
        let back = if request.method().is_safe() {
            request
                .uri()
                .path_and_query()
                .map_or("", |whole| whole.as_str())
                .to_owned()
        } else {
            self.pages_state.section_of(request.match_info().as_str())
        };
        let was_signed_in = self
            .pages_state
            .cookies
            .shown(request, CookieKind::Refresh)
            .is_some();
        let ended = if was_signed_in { "&ended=1" } else { "" };
        let back = self.pages_state.may_return_to(&back).unwrap_or_default();
        let login = self
            .pages_state
            .with_return_to(&self.pages_state.at("/login"), Some(back));
        let answer = render::redirect(&format!("{login}{ended}"));
        InternalError::from_response("sign in first", answer).into()
    }
}

/// The user that the browser's tokens belong to.
async fn authenticate(
    request: &HttpRequest,
    service: &Service,
    pages_state: &PagesState,
    caller: &Caller,
) -> Result<Option<Principal>, Error> {
    let cookies = pages_state.cookies;
    if let Some(token) = cookies.shown(request, CookieKind::Access) {
        match service.authenticate(token, caller.now).await {
            Ok(principal) => return Ok(Some(principal)),
            Err(TokenError::Refused(_)) => {}
            Err(TokenError::Failure(outage)) => return Err(Problem::from(outage).into()),
        }
    }
    let Some(refresh_token) = cookies.shown(request, CookieKind::Refresh) else {
        return Ok(None);
    };
    if is_cross_site(request) {
        let answer = render::pause(pages_state, PagePolicy::of(request), address_of(request))?;
        return Err(InternalError::from_response("once more, from here", answer).into());
    }
    match service.refresh_for_browser(caller, refresh_token).await {
        Ok(tokens) => {
            cookies.keep_tokens(request, service, &tokens);
            let token = tokens.access_token.expose_secret();
            match service.authenticate(token, caller.now).await {
                Ok(principal) => Ok(Some(principal)),
                // The user was signed out at this very moment.
                Err(TokenError::Refused(_)) => Ok(None),
                Err(TokenError::Failure(outage)) => Err(Problem::from(outage).into()),
            }
        }
        Err(error) if is_over(&error) => {
            cookies.forget_tokens(request);
            Ok(None)
        }
        Err(outage) => Err(Problem::from(outage).into()),
    }
}

/// Whether another site started this request. That site could close the window before the answer arrives, and the browser would
/// never get the new refresh token. So the server does not rotate a refresh token for such a request; it answers with a page that
/// requests the same address again by itself, which the other site can't close.
fn is_cross_site(request: &HttpRequest) -> bool {
    let said = request.headers().get("sec-fetch-site").map(HeaderValue::as_bytes);
    matches!(said, Some(b"cross-site" | b"same-site"))
}

/// Path and query of the request.
fn address_of(request: &HttpRequest) -> &str {
    request.uri().path_and_query().map_or("", |whole| whole.as_str())
}

/// Whether the error says that the browser's session is over. A failure does not say so.
const fn is_over(error: &SessionError) -> bool {
    matches!(error, SessionError::Token(_) | SessionError::TokenAlreadyUsed)
}
