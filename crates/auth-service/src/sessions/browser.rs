//! Sessions of browsers. A browser's cookie contains the refresh token and a mark which says that the session began in a browser.
//! The refresh of such a session allows for several tabs; without the mark a token never gets that leniency.

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

/// How long at least the cookie before the current one still gets the current one. The tabs of a browser share their cookies: an
/// older cookie within this time is from a tab that sent its request while another tab refreshed, and no reuse of a stolen token.
const TAB_LEEWAY: Span = Span::seconds(30);

/// Separates the token from the mark. Neither contains this character.
const SEPARATOR: char = '~';

impl Service {
    /// The value of the cookie for a session that began in a browser, after its sign-in or a refresh.
    #[must_use]
    pub fn browser_cookie(&self, tokens: &Tokens) -> SecretString {
        let token = tokens.refresh_token.expose_secret();
        let mark = self.state().browser_marks.of(tokens.session);
        format!("{token}{SEPARATOR}{mark}").into()
    }

    /// The claims of the refresh token in a browser's cookie.
    ///
    /// # Errors
    /// [`SessionError::Token`], also for a token of a session that did not begin in a browser.
    fn browser_claims(&self, cookie: &str, now: Timestamp) -> Result<RefreshClaims, TokenRefused> {
        let (token, mark) = cookie.split_once(SEPARATOR).ok_or(TokenRefused::Invalid)?;
        let claims = self.refresh_claims(token, now)?;
        if self.state().browser_marks.is_valid(mark, claims.sid) {
            Ok(claims)
        } else {
            Err(TokenRefused::Invalid)
        }
    }

    /// Refreshes the session of a browser's cookie. A second tab gets the same tokens as the first one, whatever is configured for
    /// other clients.
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

    /// Ends the session of a browser's cookie.
    ///
    /// # Errors
    /// As [`Service::logout_with_refresh_token`].
    pub async fn logout_browser(&self, cookie: &str, caller: &Caller) -> Result<(), SessionError> {
        let claims = unexpired(self.browser_claims(cookie, caller.now)?, caller.now)?;
        self.end_session_of_token(&claims, caller).await
    }
}
