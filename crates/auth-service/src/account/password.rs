//! `password`: recovered by a mailed link, and changed by a signed-in user who confirmed who they are.

use crate::{
    account::{error::AccountError, reauthenticate::Reauthenticated},
    parts::{caller::Caller, mail_tokens::digest_of},
    service::Service,
};
use auth_domain::{credential::SecurityEvent, email::EmailAddress, mail::MailKind, one_time::TokenKind};
use auth_storage::links::NotRedeemed;
use secrecy::SecretString;

impl Service {
    /// Mails a reset link to the user with this address. The answer, its time and the stored row are the same for any address; the
    /// worker looks the user up (docs/rules.md §8).
    ///
    /// # Errors
    /// [`AccountError::RateLimited`], or a failure.
    pub async fn forgot_password(&self, caller: &Caller, email: &str) -> Result<(), AccountError> {
        // No account has it. That is not told, and it costs nothing.
        if EmailAddress::parse(email).is_err() {
            return Ok(());
        }
        self.admit_mail(caller).await?;
        if self.may_mail_to(email, MailKind::PasswordReset, caller).await {
            let context = self.change_context(caller)?;
            let queued = self.storage().ask_for_reset(email.to_owned(), context);
            // This wakes no worker: what it did at once for a known address could be felt by the next request.
            queued.await?.settle(self).await;
        }
        Ok(())
    }

    /// Sets a new password for a reset link, once; every session ends. The answer is a device token, so
    /// guesses by others do not lock this device out.
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
        // Looked up first: junk costs no hash.
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

    /// Changes the caller's password; every other session ends, this one goes on with its refresh token. The other sessions'
    /// devices are strangers from now on; the answer is a new token for this one.
    ///
    /// # Errors
    /// [`AccountError::Input`], or a failure.
    pub async fn change_password(
        &self,
        confirmed: Reauthenticated<'_>,
        new: SecretString,
    ) -> Result<Option<SecretString>, AccountError> {
        let (principal, caller, user, permits) = confirmed.into_parts();
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

    /// "This was not me": ends everything that the owner of a notice has, and asks for a new password.
    ///
    /// # Errors
    /// [`AccountError::InvalidOrExpiredToken`], [`AccountError::EmailTaken`] if another user has taken the address that would come back,
    /// [`AccountError::RateLimited`], or a failure.
    pub async fn report(&self, caller: &Caller, token: &SecretString) -> Result<(), AccountError> {
        let permits = self.admit_link(caller).await?;
        let context = self.admin().revocation_context(caller)?;
        let reported = match self.storage().report(digest_of(token), context).await? {
            Err(NotRedeemed::InvalidToken) => return Err(AccountError::InvalidOrExpiredToken),
            reported => reported,
        };
        // Whatever else it came to, the token was a right one.
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
