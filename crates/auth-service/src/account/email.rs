//! `email`: an address is confirmed, and changed, by a link in a mail together with a proof that the account belongs to the reader
//! of the mail.

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
    /// Whether the session that confirmed it stays active.
    pub in_session: bool,
    /// A new device token, if the device is known from now on.
    pub device: Option<SecretString>,
}

/// An address that users may change to, from [`Service::new_address`].
pub struct NewAddress(EmailAddress);

/// A link that was sent to an address.
struct AddressLink {
    kind: TokenKind,
    /// The account. Its password is that of the registration, if one waits for the address to be confirmed.
    account: Credentials,
    needs: LinkNeeds,
}

impl Service {
    /// Sends the link that confirms the caller's address again.
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

    /// Sends a link that confirms this address, if it belongs to a user who has not confirmed it. The answer, its time and the
    /// stored row are the same for every address: the worker looks the user up (docs/rules.md §8).
    ///
    /// # Errors
    /// [`AccountError::RateLimited`], or a failure.
    pub async fn send_verification_to(&self, caller: &Caller, email: &str) -> Result<(), AccountError> {
        self.admit_mail(caller).await?;
        if self.may_mail_to(email, MailKind::EmailVerification, caller).await {
            let context = self.change_context(caller)?;
            let queued = self.storage().ask_for_verification(email.to_owned(), context);
            // The worker is not woken: the next request would take longer if it started at once, and only for a known address.
            queued.await?.settle(self).await;
        }
        Ok(())
    }

    /// Parses the address that a user wants to change to. It is checked before the reauthentication, so that a typing error costs
    /// no password attempt.
    ///
    /// # Errors
    /// [`InputRefused::InvalidEmail`].
    pub fn new_address(&self, typed: &str) -> Result<NewAddress, InputRefused> {
        let new = EmailAddress::parse(typed)?;
        self.accept_address(&new)?;
        Ok(NewAddress(new))
    }

    /// Sends a link to the new address, and a notice to the old one. The answer does not reveal whether another user has the new
    /// address: its owner gets the link, and the confirmation fails.
    ///
    /// # Errors
    /// [`AccountError::RateLimited`], or a failure.
    pub async fn ask_for_new_email(
        &self,
        reauthenticated: Reauthenticated<'_>,
        NewAddress(new): NewAddress,
    ) -> Result<(), AccountError> {
        let (principal, caller, ..) = reauthenticated.into_parts();
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

    /// What this visitor has to present beside a link that was sent to an address. The link is not used up: programs that scan
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

    /// Redeems a link that was sent to an address: the address is confirmed, or it replaces the old one. The link proves who reads
    /// the mailbox, and not who owns the account. A session of the account proves that, or its password. For a first confirmation a
    /// new password is enough; then all credentials of the account's creator end.
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
        // The token is valid. A password beside it is counted separately.
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

    /// The link of a token, and what it requires.
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

    /// Verifies a password that was typed beside a link. A wrong one is a failed sign-in like any other.
    async fn prove_with_link(
        &self,
        link: &AddressLink,
        caller: &Caller,
        password: SecretString,
    ) -> Result<LinkProof<PasswordHash>, AccountError> {
        let Some(presented) = self.presented_password(&password)? else {
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
