//! Reauthentication: before a change that can't be undone, a signed-in user proves again who they are. The use cases that require
//! it take a [`Reauthenticated`], so none of them can forget it, and none depends on the method of proof.

use crate::{
    account::error::AccountError,
    parts::{caller::Caller, principal::Principal},
    password_check::{Guess, GuessResult},
    service::Service,
    throttle::TakenPermits,
};
use auth_domain::user::User;
use auth_storage::{Committed, Refused};
use secrecy::SecretString;

/// What a user presents as a proof, not yet verified.
pub enum PresentedProof {
    /// The password of the account.
    Password(SecretString),
}

/// The user of a session, who proved in this request who they are. [`Service::reauthenticate`] alone creates it. It names the user
/// and the session, so that a use case takes neither beside it: it is valid for no other user or session. One change uses it up,
/// and it can't outlive the request.
///
/// It is used in the request that created it:
/// ```
/// # use auth_service::{Caller, Reauthenticated, AccountError, PresentedProof, Principal, Service};
/// async fn delete(service: &Service, caller: &Caller, principal: &Principal, proof: PresentedProof) -> Result<(), AccountError> {
///     let reauthenticated = service.reauthenticate(principal, caller, proof).await?;
///     service.delete_me(reauthenticated).await
/// }
/// ```
/// It can't outlive it:
/// ```compile_fail,E0515
/// # use auth_service::{Caller, Reauthenticated, AccountError, PresentedProof, Principal, Service};
/// async fn keep(
///     service: &Service,
///     caller: Caller,
///     principal: Principal,
///     proof: PresentedProof,
/// ) -> Result<Reauthenticated<'static>, AccountError> {
///     service.reauthenticate(&principal, &caller, proof).await
/// }
/// ```
/// It is valid for one change:
/// ```compile_fail,E0382
/// # use auth_service::{AccountError, Reauthenticated, Service};
/// async fn delete_twice(service: &Service, reauthenticated: Reauthenticated<'_>) -> Result<(), AccountError> {
///     service.delete_me(reauthenticated).await?;
///     service.delete_me(reauthenticated).await
/// }
/// ```
/// It can't be made by hand:
/// ```compile_fail,E0451
/// # use auth_service::{Caller, Reauthenticated, Principal};
/// fn forge<'a>(principal: &'a Principal, caller: Caller) -> Reauthenticated<'a> {
///     Reauthenticated { principal, caller, user: unimplemented!(), permits: unimplemented!() }
/// }
/// ```
#[must_use = "the use case that requires the reauthentication takes it"]
pub struct Reauthenticated<'request> {
    principal: &'request Principal,
    caller: Caller,
    user: User,
    permits: TakenPermits,
}

impl<'request> Reauthenticated<'request> {
    /// The principal, whose user gave the proof in their session; the caller, who is that user; the user as stored at that time;
    /// and the permits that the request took for the change.
    pub(crate) fn into_parts(self) -> (&'request Principal, Caller, User, TakenPermits) {
        (self.principal, self.caller, self.user, self.permits)
    }
}

impl Service {
    /// Verifies what a signed-in user presents to prove who they are. A wrong proof is a failed sign-in like any other. The change
    /// is made by the principal, in the principal's session, whatever `caller` says.
    ///
    /// # Errors
    /// [`AccountError::WrongCurrentPassword`], [`AccountError::RateLimited`], or a failure.
    pub async fn reauthenticate<'request>(
        &self,
        principal: &'request Principal,
        caller: &Caller,
        presented: PresentedProof,
    ) -> Result<Reauthenticated<'request>, AccountError> {
        let PresentedProof::Password(typed) = presented;
        let Some(presented) = self.presented_password(&typed)? else {
            return Err(AccountError::WrongCurrentPassword);
        };
        let Some(account) = self.storage().credentials_of(principal.user()).await? else {
            return Err(self.why_revoked(principal).await.into());
        };
        let caller = caller.clone().signed_in(principal);
        let guess = Guess::InSession {
            session: principal.session(),
            account: &account,
        };
        match self
            .verify_guess::<AccountError>(guess, presented, &caller)
            .await?
        {
            GuessResult::Right { permits, .. } => Ok(Reauthenticated {
                principal,
                caller: caller.reauthenticated(),
                user: account.user,
                permits,
            }),
            GuessResult::Refused(_) => Err(AccountError::WrongCurrentPassword),
        }
    }

    /// The value of a change that users made to their own account, after its effects were carried out.
    ///
    /// # Errors
    /// [`AccountError::LastAdmin`], [`AccountError::Token`] if their token was revoked meanwhile, or a failure.
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
}

#[cfg(test)]
mod tests;
