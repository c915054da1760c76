//! What a browser keeps of a session that was begun in it: the refresh token, and a mark that says so. Refreshes of such a session
//! are lenient with the tabs of one browser; the mark keeps everybody else's tokens from being taken that way.

use crate::{
    parts::{caller::Caller, tokens::TokenRefused},
    service::Service,
    sessions::{error::SessionError, refresh_token::unexpired, tokens::Tokens},
};
use auth_domain::{
    claims::RefreshClaims,
    rotation::{OnConcurrent, RotationPolicy},
    time::{Span, Timestamp},
};
use secrecy::{ExposeSecret, SecretString};

/// How long at least the cookie before the current one gets its successor. The tabs of one browser share one jar of cookies: an
/// older one within this time is of a tab that was under way when another refreshed, not of a copy.
const TAB_LEEWAY: Span = Span::seconds(30);

/// Between the token and the mark; neither has it.
const SEPARATOR: char = '~';

impl Service {
    /// What a browser keeps of the session that a sign-in in it began, or that was refreshed for it.
    #[must_use]
    pub fn browser_cookie(&self, tokens: &Tokens) -> SecretString {
        let token = tokens.refresh_token.expose_secret();
        let mark = self.state().browser_marks.of(tokens.session);
        format!("{token}{SEPARATOR}{mark}").into()
    }

    /// What the refresh token says that a browser shows.
    ///
    /// # Errors
    /// [`SessionError::Token`], also for a token of a session that was begun elsewhere.
    fn browser_claims(&self, cookie: &str, now: Timestamp) -> Result<RefreshClaims, TokenRefused> {
        let (token, mark) = cookie.split_once(SEPARATOR).ok_or(TokenRefused::Invalid)?;
        let claims = self.refresh_claims(token, now)?;
        if self.state().browser_marks.is_valid(mark, claims.sid) {
            Ok(claims)
        } else {
            Err(TokenRefused::Invalid)
        }
    }

    /// The next pair for what a browser keeps. Whatever is configured for clients that keep their tokens themselves, a second tab
    /// gets what the first one got.
    ///
    /// # Errors
    /// As [`Service::refresh`].
    pub async fn refresh_for_browser(&self, caller: &Caller, cookie: &str) -> Result<Tokens, SessionError> {
        let claims = self.browser_claims(cookie, caller.now)?;
        let configured = self.config().rotation_policy();
        let policy = RotationPolicy {
            on_concurrent: OnConcurrent::Repeat,
            reuse_leeway: configured.reuse_leeway.max(TAB_LEEWAY),
            ..configured
        };
        self.rotate(caller, &claims, None, policy).await
    }

    /// Ends the session that a browser keeps.
    ///
    /// # Errors
    /// As [`Service::logout_with_refresh_token`].
    pub async fn logout_browser(&self, cookie: &str, caller: &Caller) -> Result<(), SessionError> {
        let claims = unexpired(self.browser_claims(cookie, caller.now)?, caller.now)?;
        self.end_session_of_token(&claims, caller).await
    }
}
