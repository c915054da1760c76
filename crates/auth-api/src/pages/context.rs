//! Who is there. Visitors are signed in while their access token is valid. When it is not, the refresh token is turned into the next
//! pair here, on the server, and the browser never notices (docs/rules.md §3). Two tabs that do so at once get the same pair.
//!
//! The rule: an outage signs nobody out, and whoever was signed out is told and sent to sign in, with the way back.

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

/// Somebody who came to a page.
pub struct PageContext {
    /// The use cases.
    pub service: Data<Service>,
    /// The state that all requests share.
    pub http_state: Data<HttpState>,
    /// What all pages share.
    pub pages_state: Arc<PagesState>,
    /// Who they are, if they are signed in.
    pub principal: Option<Principal>,
    /// When and from where; as the user that they are signed in as.
    pub caller: Caller,
    pub(super) request: HttpRequest,
    /// The browser's name, if it was given one.
    pub(super) visitor: Option<[u8; 16]>,
}

impl PageContext {
    /// Whoever sent this request.
    ///
    /// # Errors
    /// An outage, a limit, or a page that comes first.
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

    /// The words.
    #[must_use]
    pub fn texts(&self) -> &Texts {
        &self.pages_state.texts
    }

    /// The moment of the request.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.caller.now
    }

    /// The query of the request's address.
    #[must_use]
    pub fn query(&self) -> Query<'_> {
        Query::of(self.request.query_string())
    }

    /// Whether the visitor may do this.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        let principal = self.principal.as_ref();
        principal.is_some_and(|principal| self.service.may(principal, permission))
    }

    /// Whether a page of this access is shown to the visitor.
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

    /// Whether a form's token was made for this visitor.
    #[must_use]
    pub fn is_own_form(&self, token: &str) -> bool {
        self.visitor
            .is_some_and(|id| self.service.is_own_form(token, self.visitor_of(id), self.now()))
    }

    pub(super) fn visitor_of(&self, id: [u8; 16]) -> Visitor {
        Visitor {
            id,
            session: self.principal.as_ref().map(Principal::session),
        }
    }

    /// On to another page, which is asked for anew (RFC 9110 §15.4.4).
    #[must_use]
    pub fn redirect(&self, place: &str) -> HttpResponse {
        render::redirect(&self.pages_state.at(place))
    }

    /// On to a page that says what was just done.
    #[must_use]
    pub fn done(&self, place: &str, what: Done) -> HttpResponse {
        self.redirect(&format!("{place}?done={}", what.as_str()))
    }

    /// On to where a sign-in was to lead, or to one's account.
    #[must_use]
    pub fn redirect_after_sign_in(&self, return_to: Option<&str>) -> HttpResponse {
        match return_to {
            Some(address) => render::redirect(address),
            None => self.redirect("/account"),
        }
    }

    /// Why a form was refused, to be told beside it; what failed here is an error of its own.
    ///
    /// # Errors
    /// What is no fault of the form: an outage, or a session that has just ended.
    pub fn refusal(&self, error: impl Into<Problem>) -> Result<Problem, Problem> {
        let problem: Problem = error.into();
        let code = problem.code();
        let of_form = code.status() < 500 && (code.status() != 401 || code == Code::InvalidCredentials);
        if of_form { Ok(problem) } else { Err(problem) }
    }

    /// The same, and what is wrong with the form, whose fields are given as problems and as the form name them.
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

    /// Keeps what a sign-in gave and leads on. The session before it, if there was one, is over, and forms from before it are
    /// worth nothing.
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

    /// Ends the session that the browser had so far. It may be over already; where the database fails now, it lives on until it
    /// expires, and what comes after it stands.
    pub async fn end_session_before(&self) {
        if let Some(refresh_token) = self.pages_state.cookies.shown(&self.request, CookieKind::Refresh) {
            let _ended = self.service.logout_browser(refresh_token, &self.caller).await;
        }
    }

    /// Forgets the session in this browser.
    pub fn forget_session(&self) {
        self.pages_state.cookies.forget_session(&self.request);
    }

    /// Keeps a known device's token.
    pub fn keep_device(&self, token: &SecretString) {
        self.pages_state
            .cookies
            .keep_device(&self.request, token.expose_secret());
    }

    /// The same, if there is one.
    pub fn keep_known(&self, token: Option<&SecretString>) {
        if let Some(token) = token {
            self.keep_device(token);
        }
    }

    /// Where a sign-in is to lead back to, as the address of the page says it.
    ///
    /// # Errors
    /// 400 for what is not allowed.
    pub fn return_to(&self) -> Result<Option<String>, Problem> {
        self.pages_state.return_to(self.query())
    }

    /// The answer to a form whose token is stale or another visitor's. A sign-in that was done in another tab meanwhile has
    /// reached what the form was for, so it leads on.
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

    /// To the sign-in, and back here afterwards; where this was a form, to where it stood.
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

/// Whose tokens the browser shows.
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
                // Signed out in this very moment.
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

/// Whether another site led here. Whoever did could close the window before the answer arrives: the browser would never get what
/// a refresh gave. So no refresh token is turned over for it; a page that asks again by itself is nobody's to close.
fn is_cross_site(request: &HttpRequest) -> bool {
    let said = request.headers().get("sec-fetch-site").map(HeaderValue::as_bytes);
    matches!(said, Some(b"cross-site" | b"same-site"))
}

/// Path and query, as they were asked for.
fn address_of(request: &HttpRequest) -> &str {
    request.uri().path_and_query().map_or("", |whole| whole.as_str())
}

/// Whether the session that a browser keeps is over for it; after a failure that is not known.
const fn is_over(error: &SessionError) -> bool {
    matches!(error, SessionError::Token(_) | SessionError::TokenAlreadyUsed)
}
