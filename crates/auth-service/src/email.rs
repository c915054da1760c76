//! `email`: an address is verified by whoever reads its mail, and changed by whoever knows the password and reads the new one's.

use crate::{
    authenticate::Principal,
    error::Error,
    mailed::digest_of,
    moment::{Caller, chance},
    service::Service,
};
use auth_domain::{email::EmailAddress, ids::MailId, mail::MailKind, one_time::TokenKind};
use auth_storage::Redeemed;
use secrecy::SecretString;

impl Service {
    /// Mails the link that verifies the caller's address again.
    ///
    /// # Errors
    /// [`Error::RateLimited`], or a failure.
    pub async fn send_verification(&self, principal: &Principal, caller: &Caller) -> Result<(), Error> {
        let user = self.me(principal).await?;
        if user.email_verified_at.is_some() {
            return Ok(());
        }
        self.admit_mail(caller).await?;
        if !self
            .may_mail_to(user.email.as_str(), MailKind::EmailVerification, caller)
            .await
        {
            return Ok(());
        }
        let mailed = self.verification_mail(&user.email, caller)?;
        let terms = self.terms(caller)?;
        if !self.storage().mail_verification(user.id, mailed, terms).await? {
            return Err(self.cut_meanwhile(principal).await);
        }
        self.wake_post();
        Ok(())
    }

    /// Mails a link that confirms this address, if it is the address of a user who has not confirmed it. The answer, its time and the
    /// row are the same for every address: whose it is, the worker finds out (behaviour.md §8).
    ///
    /// # Errors
    /// [`Error::RateLimited`], or a failure.
    pub async fn send_verification_to(&self, caller: &Caller, email: &str) -> Result<(), Error> {
        self.admit_mail(caller).await?;
        if self.may_mail_to(email, MailKind::EmailVerification, caller).await {
            let terms = self.terms(caller)?;
            self.storage()
                .ask_for_verification(email.to_owned(), terms)
                .await?;
        }
        Ok(())
    }

    /// Asks the new address to confirm, and tells the old one. Whether the new address is another user's, nobody is told: then
    /// its owner is asked, and the confirmation fails.
    ///
    /// # Errors
    /// [`Error::InvalidEmail`], [`Error::WrongCurrentPassword`], [`Error::RateLimited`], or a failure.
    pub async fn ask_for_new_email(
        &self,
        principal: &Principal,
        caller: &Caller,
        new: &str,
        password: SecretString,
    ) -> Result<(), Error> {
        let new = EmailAddress::parse(new)?;
        self.accept_address(&new)?;
        self.check_password(principal, caller, password).await?;
        self.admit_mail(caller).await?;
        if !self
            .may_mail_to(new.as_str(), MailKind::EmailChangeConfirm, caller)
            .await
        {
            return Ok(());
        }
        let id = MailId::from_parts(caller.now, chance(self.entropy())?);
        let mut mailed = self
            .shared()
            .mail_tokens
            .mailed(id, TokenKind::EmailChange, caller.now);
        mailed.token.email = Some(new.clone());
        let terms = self.terms(caller)?;
        let asked = self
            .storage()
            .ask_for_new_email(principal.user(), new, mailed, terms)
            .await?;
        if !asked {
            return Err(self.cut_meanwhile(principal).await);
        }
        self.wake_post();
        Ok(())
    }

    /// Uses a link that came to an address: it is verified, or it takes the old one's place.
    ///
    /// # Errors
    /// [`Error::InvalidOrExpiredToken`], [`Error::EmailTaken`], [`Error::RateLimited`], or a failure.
    pub async fn confirm_email(&self, caller: &Caller, token: &SecretString) -> Result<(), Error> {
        let held = self.admit_link(caller).await?;
        let digest = digest_of(token);
        let verified = self
            .storage()
            .verify_email(digest, self.admin().cut_terms(caller)?)
            .await?;
        let outcome = match verified {
            Redeemed::InvalidToken => {
                let terms = self.admin().cut_terms(caller)?;
                self.storage().change_email(digest, terms).await?
            }
            done => done,
        };
        self.redeemed(outcome, held, caller).await.map(drop)
    }
}
