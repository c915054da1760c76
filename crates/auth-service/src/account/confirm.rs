//! Confirming oneself: before what can't be taken back, a signed-in user proves anew who they are. The use cases that need it take
//! a [`Confirmed`], so none of them can forget to ask, and none cares how it was proved.

use crate::{
    account::error::AccountError,
    parts::{caller::Caller, hashing::Verified, principal::Principal},
    service::Service,
};
use auth_domain::{password::PresentedPassword, user::User};
use auth_storage::{Committed, Refused};
use secrecy::{ExposeSecret, SecretString};

/// What a user presents as a proof, not yet looked at.
pub enum PresentedProof {
    /// The password of the account.
    Password(SecretString),
}

/// That the user of a session proved in this request who they are. [`Service::confirm`] alone makes one. It borrows the principal and
/// the caller that it was made for, and what takes it takes neither of them besides: it is good for no other user or session, and
/// can't outlive the request.
///
/// It is used in the request that it was made in:
/// ```
/// # use auth_service::{Caller, Confirmed, AccountError, PresentedProof, Principal, Service};
/// async fn delete(service: &Service, caller: &Caller, principal: &Principal, proof: PresentedProof) -> Result<(), AccountError> {
///     let confirmed = service.confirm(principal, caller, proof).await?;
///     service.delete_me(&confirmed).await
/// }
/// ```
/// It can't outlive it:
/// ```compile_fail,E0515
/// # use auth_service::{Caller, Confirmed, AccountError, PresentedProof, Principal, Service};
/// async fn keep(
///     service: &Service,
///     caller: Caller,
///     principal: Principal,
///     proof: PresentedProof,
/// ) -> Result<Confirmed<'static>, AccountError> {
///     service.confirm(&principal, &caller, proof).await
/// }
/// ```
/// It can't be made by hand:
/// ```compile_fail,E0451
/// # use auth_service::{Caller, Confirmed, Principal};
/// fn forge<'a>(principal: &'a Principal, caller: &'a Caller) -> Confirmed<'a> {
///     Confirmed { principal, caller, user: unimplemented!() }
/// }
/// ```
#[must_use = "what was confirmed is handed to the use case that asks for it"]
pub struct Confirmed<'request> {
    principal: &'request Principal,
    caller: &'request Caller,
    user: User,
}

impl<'request> Confirmed<'request> {
    /// Who proved it, and in which session.
    pub(crate) fn principal(&self) -> &'request Principal {
        self.principal
    }

    /// When, and from where.
    pub(crate) fn caller(&self) -> &'request Caller {
        self.caller
    }

    /// The user as stored when they proved it.
    pub(crate) fn user(&self) -> &User {
        &self.user
    }
}

impl Service {
    /// Looks at what a signed-in user presents to confirm who they are. Wrong, it is a failed sign-in like any other.
    ///
    /// # Errors
    /// [`AccountError::WrongCurrentPassword`], [`AccountError::RateLimited`], or a failure.
    pub async fn confirm<'request>(
        &self,
        principal: &'request Principal,
        caller: &'request Caller,
        presented: PresentedProof,
    ) -> Result<Confirmed<'request>, AccountError> {
        let PresentedProof::Password(password) = presented;
        let user = self.verify_own_password(principal, caller, password).await?;
        Ok(Confirmed {
            principal,
            caller,
            user,
        })
    }

    /// The value of a change that users made to their own account.
    ///
    /// # Errors
    /// [`AccountError::LastAdmin`], [`AccountError::Token`] if they were cut off meanwhile, or a failure.
    pub(crate) async fn own_change<T>(
        &self,
        principal: &Principal,
        made: Result<Committed<T>, Refused>,
    ) -> Result<T, AccountError> {
        if let Err(Refused::LastAdmin) = made {
            return Err(AccountError::LastAdmin);
        }
        Ok(self.settle_own(principal, made).await?)
    }

    async fn verify_own_password(
        &self,
        principal: &Principal,
        caller: &Caller,
        password: SecretString,
    ) -> Result<User, AccountError> {
        let presented = PresentedPassword::new(password.expose_secret().to_owned());
        self.hasher().admit()?;
        let Some(credentials) = self.storage().credentials_of(principal.user()).await? else {
            return Err(self.cut_meanwhile(principal).await.into());
        };
        let held = self
            .admit_password_check(caller, principal.session(), &credentials)
            .await?;
        if let Ok(presented) = presented {
            let stored = credentials.password_hash.clone();
            let verified = self.hasher().verify(stored, presented).await;
            match verified {
                Ok(Verified::Yes { .. }) => {
                    self.was_right(held, caller).await;
                    return Ok(credentials.user);
                }
                Ok(Verified::No) => {}
                Err(failure) => {
                    self.was_not_read(held, caller).await;
                    return Err(failure.into());
                }
            }
        }
        self.count_against(&credentials.user.email, caller).await;
        self.note_failed_sign_in(caller, Some(&credentials), false, true)
            .await?;
        Err(AccountError::WrongCurrentPassword)
    }
}
