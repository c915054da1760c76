//! Confirming oneself: before what can't be taken back, a signed-in user proves anew who they are. The use cases that need it take
//! a [`Reauthenticated`], so none of them can forget to ask, and none cares how it was proved.

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

/// What a user presents as a proof, not yet looked at.
pub enum PresentedProof {
    /// The password of the account.
    Password(SecretString),
}

/// That the user of a session proved in this request who they are. [`Service::reauthenticate`] alone makes one. It says who acts, and in which
/// session, so what takes it takes neither besides: it is good for no other user or session. It is used up by one change, and can't
/// outlive the request.
///
/// It is used in the request that it was made in:
/// ```
/// # use auth_service::{Caller, Reauthenticated, AccountError, PresentedProof, Principal, Service};
/// async fn delete(service: &Service, caller: &Caller, principal: &Principal, proof: PresentedProof) -> Result<(), AccountError> {
///     let confirmed = service.reauthenticate(principal, caller, proof).await?;
///     service.delete_me(confirmed).await
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
/// It is good for one change:
/// ```compile_fail,E0382
/// # use auth_service::{AccountError, Reauthenticated, Service};
/// async fn delete_twice(service: &Service, confirmed: Reauthenticated<'_>) -> Result<(), AccountError> {
///     service.delete_me(confirmed).await?;
///     service.delete_me(confirmed).await
/// }
/// ```
/// It can't be made by hand:
/// ```compile_fail,E0451
/// # use auth_service::{Caller, Reauthenticated, Principal};
/// fn forge<'a>(principal: &'a Principal, caller: Caller) -> Reauthenticated<'a> {
///     Reauthenticated { principal, caller, user: unimplemented!(), permits: unimplemented!() }
/// }
/// ```
#[must_use = "what was confirmed is handed to the use case that asks for it"]
pub struct Reauthenticated<'request> {
    principal: &'request Principal,
    caller: Caller,
    user: User,
    permits: TakenPermits,
}

impl<'request> Reauthenticated<'request> {
    /// Who proved it and in which session; that user as caller, with when and from where; the user as stored then; and what the
    /// request took of the limits for the change.
    pub(crate) fn into_parts(self) -> (&'request Principal, Caller, User, TakenPermits) {
        (self.principal, self.caller, self.user, self.permits)
    }
}

impl Service {
    /// Looks at what a signed-in user presents to confirm who they are. Wrong, it is a failed sign-in like any other. Whatever the
    /// caller says of itself, what is confirmed is done by the principal, in the principal's session.
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
        let Some(presented) = self.presented(&typed)? else {
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
}

#[cfg(test)]
mod tests;
