//! `email`: an address is confirmed by a mailed link together with a proof that the account is the reader's own, and changed in
//! the same way.

use crate::{
    account::{error::AccountError, reauthenticate::Reauthenticated},
    parts::{
        caller::Caller, entropy::random_bytes, input::InputRefused, mail_tokens::digest_of,
        principal::Principal,
    },
    password_check::{Guess, GuessResult},
    service::Service,
};
use auth_domain::{
    address_link::{LinkNeeds, LinkProof, VerificationFacts},
    credential::SecurityEvent,
    email::EmailAddress,
    ids::MailId,
    mail::MailKind,
    one_time::TokenKind,
    password_hash::PasswordHash,
};
use auth_storage::{links::Redeemed, users::Credentials};
use secrecy::SecretString;

/// An address that was confirmed.
#[derive(Debug)]
pub struct ConfirmedAddress {
    /// Whether the session that confirmed it goes on.
    pub in_session: bool,
    /// What the device shows the next time, if it is a known one from now on.
    pub device: Option<SecretString>,
}

/// An address that people may give themselves, from [`Service::new_address`].
pub struct NewAddress(EmailAddress);

/// A link that came to an address.
struct AddressLink {
    kind: TokenKind,
    /// The account; where a registration waits for the address, with its password.
    account: Credentials,
    needs: LinkNeeds,
}

impl Service {
    /// Mails the link that verifies the caller's address again.
    ///
    /// # Errors
    /// [`AccountError::RateLimited`], or a failure.
    pub async fn send_verification(
        &self,
        principal: &Principal,
        caller: &Caller,
    ) -> Result<(), AccountError> {
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
        let context = self.change_context(caller)?;
        let queued = self.storage().mail_verification(user.id, mailed, context).await?;
        self.own_change(principal, queued).await
    }

    /// Mails a link that confirms this address, if it is the address of a user who has not confirmed it. The answer, its time and the
    /// row are the same for every address: whose it is, the worker finds out (docs/rules.md §8).
    ///
    /// # Errors
    /// [`AccountError::RateLimited`], or a failure.
    pub async fn send_verification_to(&self, caller: &Caller, email: &str) -> Result<(), AccountError> {
        self.admit_mail(caller).await?;
        if self.may_mail_to(email, MailKind::EmailVerification, caller).await {
            let context = self.change_context(caller)?;
            let queued = self.storage().ask_for_verification(email.to_owned(), context);
            // This wakes no worker: what it did at once for a known address could be felt by the next request.
            queued.await?.settle(self).await;
        }
        Ok(())
    }

    /// The address that a user wants to move to, as typed. Looked at before they confirm who they are, so that a slip costs no guess
    /// at a password.
    ///
    /// # Errors
    /// [`InputRefused::InvalidEmail`].
    pub fn new_address(&self, typed: &str) -> Result<NewAddress, InputRefused> {
        let new = EmailAddress::parse(typed)?;
        self.accept_address(&new)?;
        Ok(NewAddress(new))
    }

    /// Asks the new address to confirm, and tells the old one. Whether another user has the new address is not said: then its owner
    /// is asked, and the confirmation fails.
    ///
    /// # Errors
    /// [`AccountError::RateLimited`], or a failure.
    pub async fn ask_for_new_email(
        &self,
        confirmed: Reauthenticated<'_>,
        NewAddress(new): NewAddress,
    ) -> Result<(), AccountError> {
        let (principal, caller, ..) = confirmed.into_parts();
        self.admit_mail(&caller).await?;
        if !self
            .may_mail_to(new.as_str(), MailKind::EmailChangeConfirm, &caller)
            .await
        {
            return Ok(());
        }
        let id = MailId::from_parts(caller.now, random_bytes(self.entropy())?);
        let mut mailed = self
            .state()
            .mail_tokens
            .mailed(id, TokenKind::EmailChange, caller.now);
        mailed.token.email = Some(new.clone());
        let context = self.change_context(&caller)?;
        let asked = self
            .storage()
            .ask_for_new_email(principal.user(), new, mailed, context)
            .await?;
        self.own_change(principal, asked).await
    }

    /// What a link that came to an address asks for beside a click, of this visitor. It uses nothing up: programs that look at
    /// mails open links.
    ///
    /// # Errors
    /// [`AccountError::InvalidOrExpiredToken`], or a failure.
    pub async fn link_needs(
        &self,
        principal: Option<&Principal>,
        token: &SecretString,
        caller: &Caller,
    ) -> Result<LinkNeeds, AccountError> {
        Ok(self.address_link(principal, token, caller).await?.needs)
    }

    /// Uses a link that came to an address: it is confirmed, or it takes the old one's place. The link says whose the mailbox is
    /// and not whose the account: a session of the account shows that, or its password. For a first confirmation a new password
    /// does as well, and what the account's maker had ends.
    ///
    /// # Errors
    /// [`AccountError::InvalidOrExpiredToken`], [`AccountError::PasswordRequired`], [`AccountError::WrongCurrentPassword`], [`AccountError::Input`],
    /// [`AccountError::EmailTaken`], [`AccountError::RateLimited`], or a failure.
    pub async fn confirm_email(
        &self,
        principal: Option<&Principal>,
        caller: &Caller,
        token: &SecretString,
        presented: LinkProof<SecretString>,
    ) -> Result<ConfirmedAddress, AccountError> {
        let permits = self.admit_link(caller).await?;
        let link = self.address_link(principal, token, caller).await?;
        // The token is a right one; a password beside it is counted by itself.
        self.refund_for_right_secret(permits, caller).await;
        let proof = match (link.needs, presented) {
            (LinkNeeds::Nothing, _) => LinkProof::LinkAlone,
            (_, LinkProof::Password(password)) => self.prove_with_link(&link, caller, password).await?,
            (LinkNeeds::Password { or_new: true }, LinkProof::NewPassword(password)) => {
                let hash = self
                    .hasher()
                    .accept_and_hash(password, &link.account.user.email, None)
                    .await?;
                LinkProof::NewPassword(hash)
            }
            (LinkNeeds::Password { .. }, _) => return Err(AccountError::PasswordRequired),
        };
        let context = self.admin().revocation_context(caller)?;
        let digest = digest_of(token);
        let outcome = match link.kind {
            TokenKind::EmailChange => self.storage().change_email(digest, proof, context).await?,
            _ => self.storage().verify_email(digest, proof, context).await?,
        };
        let Redeemed { user, event } = outcome?.settle(self).await;
        Ok(ConfirmedAddress {
            in_session: event == Some(SecurityEvent::ConfirmedInSession),
            device: match event {
                Some(event) => self.device_after(event, user.id, caller)?,
                None => None,
            },
        })
    }

    /// The link of a token, and what it asks for.
    async fn address_link(
        &self,
        principal: Option<&Principal>,
        token: &SecretString,
        caller: &Caller,
    ) -> Result<AddressLink, AccountError> {
        let digest = digest_of(token);
        for kind in [TokenKind::EmailVerification, TokenKind::EmailChange] {
            let Some(found) = self.storage().one_time_token(kind, digest, caller.now).await? else {
                continue;
            };
            let owner = found.user.ok_or(AccountError::InvalidOrExpiredToken)?;
            let Some(stored) = self.storage().credentials_of(owner).await? else {
                break;
            };
            let own = principal.is_some_and(|principal| principal.user() == owner);
            let needs = if kind == TokenKind::EmailVerification {
                LinkNeeds::of_verification(VerificationFacts {
                    confirmed: stored.user.email_verified_at.is_some(),
                    waiting: found.pending.is_some(),
                    in_session: own,
                })
            } else {
                LinkNeeds::of_change(own)
            };
            let registered = found.pending.map(|pending| pending.password_hash);
            return Ok(AddressLink {
                kind,
                account: Credentials {
                    password_hash: registered.or(stored.password_hash),
                    ..stored
                },
                needs,
            });
        }
        Err(AccountError::InvalidOrExpiredToken)
    }

    /// Looks at a password that was typed beside a link. Wrong, it is a failed sign-in like any other.
    async fn prove_with_link(
        &self,
        link: &AddressLink,
        caller: &Caller,
        password: SecretString,
    ) -> Result<LinkProof<PasswordHash>, AccountError> {
        let Some(presented) = self.presented(&password)? else {
            return Err(AccountError::WrongCurrentPassword);
        };
        let account = &link.account;
        let guess = Guess::WithLink { account };
        let guessed = self
            .verify_guess::<AccountError>(guess, presented, caller)
            .await?;
        match (guessed, &account.password_hash) {
            (GuessResult::Right { .. }, Some(hash)) => Ok(LinkProof::Password(hash.clone())),
            _ => Err(AccountError::WrongCurrentPassword),
        }
    }
}
