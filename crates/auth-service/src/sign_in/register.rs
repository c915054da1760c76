//! `register`: creates a user with the role `user` and signs them in, in one transaction. If addresses have to be confirmed first,
//! it sends a link instead, and the answer reveals nothing about the address.

use crate::{
    parts::{
        caller::Caller,
        entropy::random_bytes,
        failure::Failure,
        input::{InputError, InputRefused},
    },
    service::Service,
    sign_in::{
        complete::{Claimant, SignInStep},
        error::SignInError,
    },
};
use auth_domain::{
    email::{EmailAddress, EmailError},
    ids::{MailId, UserId},
    mail::MailKind,
    one_time::TokenKind,
    role::Role,
    user::{DisplayName, Generation, UserStatus},
};
use auth_storage::{
    one_time_tokens::{self, Pending},
    users,
};
use secrecy::SecretString;

/// The input of a registration.
pub struct Registration {
    /// The address, as typed.
    pub email: String,
    /// The password, as typed.
    pub password: SecretString,
    /// The display name.
    pub name: Option<String>,
}

/// The result of a registration.
#[derive(Debug)]
pub enum Registered {
    /// The registration counts as a sign-in.
    SignIn(SignInStep),
    /// The address has to be confirmed first: a mail was requested.
    VerificationPending,
}

impl Service {
    /// Registers a user and signs them in, unless their address has to be confirmed first.
    ///
    /// # Errors
    /// [`SignInError::RegistrationClosed`], [`SignInError::RateLimited`], [`SignInError::Input`],
    /// [`SignInError::EmailTaken`], or a failure.
    pub async fn register(&self, caller: &Caller, wanted: Registration) -> Result<Registered, SignInError> {
        if !self.config().registration.open {
            return Err(SignInError::RegistrationClosed);
        }
        let permits = self.admit_registration(caller).await?;
        let accepted = EmailAddress::parse(&wanted.email)
            .map_err(InputRefused::from)
            .and_then(|email| self.accept_address(&email));
        let user = match accepted {
            Ok(()) => self.new_user(caller, wanted, Role::USER).await,
            Err(refused) => Err(refused.into()),
        };
        let user = self.refund_if_malformed(permits, user, caller).await?;
        let mut verification = self.verification_mail(&user.email, caller)?;
        let context = self.change_context(caller)?;
        if self.config().registration.require_verified_email {
            let users::New {
                email,
                name,
                password_hash,
                ..
            } = user;
            verification.token.pending = password_hash.map(|password_hash| Pending { password_hash, name });
            let kind = MailKind::EmailVerification;
            if self.may_mail_to(email.key(), kind, caller).await {
                // The worker is not woken: the next request would take longer if it started at once, and only for a known address.
                self.storage()
                    .register_pending(email, verification, context)
                    .await?
                    .settle(self)
                    .await;
            }
            return Ok(Registered::VerificationPending);
        }
        let claimant = Claimant::by_password(user.id, Generation::FIRST, caller);
        let step = self.complete(caller, claimant, async |session| {
            let made = self
                .storage()
                .insert_user(user, Some(session), Some(verification), context);
            Ok(made.await??.settle(self).await)
        });
        Ok(Registered::SignIn(step.await?))
    }

    /// Refuses an address that users may not register with or change to. The answer depends on the address alone, and never on
    /// whether an account has it.
    pub(crate) fn accept_address(&self, email: &EmailAddress) -> Result<(), InputRefused> {
        if email.is_internationalised() && !self.config().registration.internationalised_addresses {
            return Err(EmailError::Internationalised.into());
        }
        Ok(())
    }

    /// Whether the mail server is known to be unable to reach this address, as typed. The answer depends on the address and the
    /// mail server alone.
    #[must_use]
    pub fn mail_cannot_reach(&self, email: &str) -> bool {
        EmailAddress::parse(email).is_ok_and(|email| self.mail_worker().cannot_reach(&email))
    }

    /// The mail with the link that confirms this address.
    pub(crate) fn verification_mail(
        &self,
        email: &EmailAddress,
        caller: &Caller,
    ) -> Result<one_time_tokens::Mailed, Failure> {
        let id = MailId::from_parts(caller.now, random_bytes(self.entropy())?);
        let kind = TokenKind::EmailVerification;
        let mut mailed = self.state().mail_tokens.mailed(id, kind, caller.now);
        mailed.token.email = Some(email.clone());
        Ok(mailed)
    }

    /// The user as they will be stored, with the password accepted and hashed.
    pub(crate) async fn new_user(
        &self,
        caller: &Caller,
        wanted: Registration,
        role: Role,
    ) -> Result<users::New, InputError> {
        let email = EmailAddress::parse(&wanted.email).map_err(InputRefused::from)?;
        let name = wanted.name.as_deref().map(DisplayName::parse).transpose();
        let name = name.map_err(InputRefused::from)?;
        let hash = self
            .hasher()
            .accept_and_hash(wanted.password, &email, name.as_ref())
            .await?;
        Ok(users::New {
            id: UserId::from_parts(caller.now, random_bytes(self.entropy())?),
            email,
            name,
            role,
            status: UserStatus::Active,
            email_verified_at: None,
            created_at: caller.now,
            password_hash: Some(hash),
        })
    }
}
