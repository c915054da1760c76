//! `password`: reset by a link in a mail, and changed by a signed-in user who reauthenticated.

use crate::{
    account::{error::AccountError, reauthenticate::Reauthenticated},
    parts::{caller::Caller, mail_tokens::digest_of},
    service::Service,
};
use auth_domain::{credential::SecurityEvent, email::EmailAddress, mail::MailKind, one_time::TokenKind};
use auth_storage::links::NotRedeemed;
use secrecy::SecretString;

impl Service {
    /// Sends a reset link to the user with this address. The answer, its time and the stored row are the same for every address:
    /// the worker looks the user up (docs/rules.md §8).
    ///
    /// # Errors
    /// [`AccountError::RateLimited`], or a failure.
    pub async fn forgot_password(&self, caller: &Caller, email: &str) -> Result<(), AccountError> {
        // No account can have this text as its address. The answer is the same, and nothing is counted.
        if EmailAddress::parse(email).is_err() {
            return Ok(());
        }
        self.admit_mail(caller).await?;
        if self.may_mail_to(email, MailKind::PasswordReset, caller).await {
            let context = self.change_context(caller)?;
            let queued = self.storage().ask_for_reset(email.to_owned(), context);
            // The worker is not woken: the next request would take longer if it started at once, and only for a known address.
            queued.await?.settle(self).await;
        }
        Ok(())
    }

    /// Sets a new password for a reset link, once. Every session ends. The answer is a device token, so that wrong passwords from
    /// other devices can't throttle this one.
    ///
    /// # Errors
    /// [`AccountError::InvalidOrExpiredToken`], [`AccountError::Input`], [`AccountError::RateLimited`], or a failure.
    pub async fn reset_password(
        &self,
        caller: &Caller,
        token: &SecretString,
        password: SecretString,
    ) -> Result<SecretString, AccountError> {
        let permits = self.admit_link(caller).await?;
        let digest = digest_of(token);
        // The token is looked up first, so that an invalid one costs no hash.
        let found = self
            .storage()
            .one_time_token(TokenKind::PasswordReset, digest, caller.now)
            .await?;
        let owner = found
            .and_then(|found| found.user)
            .ok_or(AccountError::InvalidOrExpiredToken)?;
        let user = self
            .storage()
            .user(owner)
            .await?
            .ok_or(AccountError::InvalidOrExpiredToken)?;
        let (hash, ()) = tokio::join!(
            self.hasher()
                .accept_and_hash(password, &user.email, user.name.as_ref()),
            self.refund_for_right_secret(permits, caller)
        );
        let hash = hash?;
        let context = self.admin().revocation_context(caller)?;
        let reset = self.storage().reset_password(digest, hash, context).await??;
        let user = reset.settle(self).await.user;
        Ok(self
            .state()
            .devices
            .issue(user.id, None, caller.now, self.entropy())?)
    }

    /// Changes the caller's password. Every other session ends; this one stays active with its refresh token. The devices of the
    /// other sessions are not known any longer. The answer is a new device token for this one.
    ///
    /// # Errors
    /// [`AccountError::Input`], or a failure.
    pub async fn change_password(
        &self,
        reauthenticated: Reauthenticated<'_>,
        new: SecretString,
    ) -> Result<Option<SecretString>, AccountError> {
        let (principal, caller, user, permits) = reauthenticated.into_parts();
        let hash = self
            .hasher()
            .accept_and_hash(new, &user.email, user.name.as_ref())
            .await;
        let hash = self.refund_if_malformed(permits, hash, &caller).await?;
        let context = self.admin().revocation_context(&caller)?;
        let changed = self
            .storage()
            .set_password(user.id, hash, Some(principal.session()), context)
            .await?;
        let user = self.own_change(principal, changed).await?.user;
        Ok(self.device_after(SecurityEvent::PasswordChanged, user.id, &caller)?)
    }

    /// "This was not me": ends every credential of the user who got a notice, and requires a new password.
    ///
    /// # Errors
    /// [`AccountError::InvalidOrExpiredToken`], [`AccountError::EmailTaken`] if another user has the address that would be
    /// restored, [`AccountError::RateLimited`], or a failure.
    pub async fn report(&self, caller: &Caller, token: &SecretString) -> Result<(), AccountError> {
        let permits = self.admit_link(caller).await?;
        let context = self.admin().revocation_context(caller)?;
        let reported = match self.storage().report(digest_of(token), context).await? {
            Err(NotRedeemed::InvalidToken) => return Err(AccountError::InvalidOrExpiredToken),
            reported => reported,
        };
        // The token was valid, whatever else the answer is.
        let settled = async {
            match reported {
                Ok(reported) => {
                    reported.settle(self).await;
                    Ok(())
                }
                Err(refused) => Err(refused.into()),
            }
        };
        tokio::join!(settled, self.refund_for_right_secret(permits, caller)).0
    }
}
