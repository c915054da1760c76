//! `setup`: creates the first administrator with a one-time token, which the server prints to its output. There is no default
//! password.

use crate::{
    parts::{admin::Admin, caller::Caller, entropy::random_bytes, failure::Failure, tokens::sha256},
    service::Service,
    sign_in::{
        complete::{Claimant, SignInStep},
        error::SignInError,
        register::Registration,
    },
};
use auth_domain::{ids::OneTimeTokenId, one_time::TokenKind, role::Role, user::Generation};
use auth_storage::{one_time_tokens, setup};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

/// The input of the set-up.
pub struct Setup {
    /// The one-time token.
    pub token: SecretString,
    /// Address, password and name.
    pub account: Registration,
}

impl Admin {
    /// Issues a set-up token if there is no administrator. With `replace` it always does, and revokes the token before; otherwise
    /// it does only if no valid token exists. `None` if none was issued.
    ///
    /// # Errors
    /// [`SignInError::SetupClosed`] with `replace` if there is an administrator; a failure.
    pub async fn issue_setup_token(
        &self,
        replace: bool,
        by: &Caller,
    ) -> Result<Option<SecretString>, SignInError> {
        let token = SecretString::from(URL_SAFE_NO_PAD.encode(random_bytes::<32>(self.entropy())?));
        let stored = one_time_tokens::New {
            id: OneTimeTokenId::from_parts(by.now, random_bytes(self.entropy())?),
            kind: TokenKind::Setup,
            digest: sha256(token.expose_secret().as_bytes()),
            created_at: by.now,
            expires_at: by.now + TokenKind::Setup.lifetime(),
            email: None,
            pending: None,
        };
        match self
            .storage()
            .issue_setup_token(stored, self.administrators(), replace, self.change_context(by)?)
            .await?
        {
            setup::TokenIssue::Issued => Ok(Some(token)),
            setup::TokenIssue::AlreadyLive => Ok(None),
            setup::TokenIssue::AdministratorExists if replace => Err(SignInError::SetupClosed),
            setup::TokenIssue::AdministratorExists => Ok(None),
        }
    }
}

impl Service {
    /// Whether there is no administrator yet.
    pub async fn setup_is_open(&self) -> Result<bool, Failure> {
        let administrators = self.admin().administrators();
        Ok(!self.storage().administrator_exists(administrators).await?)
    }

    /// Creates the first administrator and signs them in. Of several callers at once, one succeeds.
    ///
    /// # Errors
    /// [`SignInError::SetupClosed`], [`SignInError::InvalidOrExpiredToken`], those of registration, or a failure.
    pub async fn setup(&self, caller: &Caller, setup: Setup) -> Result<SignInStep, SignInError> {
        let permits = self.admit_link(caller).await?;
        if !self.setup_is_open().await? {
            return Err(SignInError::SetupClosed);
        }
        let digest = sha256(setup.token.expose_secret().as_bytes());
        // The token is looked up first, so that an invalid one costs no hash.
        let found = self
            .storage()
            .one_time_token(TokenKind::Setup, digest, caller.now)
            .await?;
        if found.is_none() {
            return Err(SignInError::InvalidOrExpiredToken);
        }
        let (user, ()) = tokio::join!(
            self.new_user(caller, setup.account, Role::ADMIN),
            self.refund_for_right_secret(permits, caller)
        );
        let mut user = user?;
        // The first administrator needs no mail to sign in.
        user.email_verified_at = self
            .config()
            .registration
            .require_verified_email
            .then_some(caller.now);
        let claimant = Claimant::by_password(user.id, Generation::FIRST, caller);
        self.complete(caller, claimant, async |session| {
            let administrators = self.admin().administrators();
            let context = self.change_context(caller)?;
            let redeemed = self
                .storage()
                .redeem_setup_token(digest, user, session, administrators, context)
                .await?;
            match redeemed {
                setup::Outcome::Created(user) => Ok(user),
                setup::Outcome::Closed => Err(SignInError::SetupClosed),
                setup::Outcome::InvalidToken => Err(SignInError::InvalidOrExpiredToken),
                setup::Outcome::EmailTaken => Err(SignInError::EmailTaken),
            }
        })
        .await
    }
}
