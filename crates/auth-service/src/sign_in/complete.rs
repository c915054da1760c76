//! The end of every sign-in. Each way to sign in collects proofs and ends here: the proofs are judged, a session begins, and tokens
//! are issued. The rule: nothing else begins a session.

use crate::{
    parts::{caller::Caller, entropy::random_bytes, events::Event, failure::Failure},
    service::Service,
    sessions::tokens::Tokens,
    sign_in::error::SignInError,
};
use auth_domain::{
    authentication::{Assurance, Method, Next, Proof, Proofs, Requirements, decide},
    ids::{SessionId, UserId},
    session::{Session, SessionState},
    user::{Generation, User},
};

/// The state of a sign-in.
#[derive(Debug)]
pub enum SignInStep {
    /// The user is signed in.
    Done(Box<Tokens>),
    /// The proofs are right but not sufficient: there are no tokens yet, and no session.
    Continue(Challenge),
}

impl SignInStep {
    /// The tokens.
    ///
    /// # Errors
    /// What has to be proved besides.
    pub fn done(self) -> Result<Tokens, Challenge> {
        match self {
            Self::Done(tokens) => Ok(*tokens),
            Self::Continue(challenge) => Err(challenge),
        }
    }
}

/// What a sign-in still requires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The methods that are required, all of them.
    pub methods: Vec<Method>,
}

/// Who signs in, and what they proved so far.
pub(crate) struct Claimant {
    pub(crate) user: UserId,
    /// The user's generation, from the read that the proofs were compared with. If the user's credentials are reset in between, the
    /// new session is not valid.
    pub(crate) generation: Generation,
    pub(crate) proofs: Proofs,
}

impl Claimant {
    /// A user who proved a password: it was verified, or chosen, in this request.
    pub(crate) fn by_password(user: UserId, generation: Generation, caller: &Caller) -> Self {
        let proof = Proof {
            method: Method::Password,
            at: caller.now,
        };
        Self {
            user,
            generation,
            proofs: proof.into(),
        }
    }
}

impl Service {
    /// Completes a sign-in: with tokens, or with what is still to be proved. `begin` stores the session together with what else the
    /// sign-in writes, and returns the user. It is called only when everything is proved, so nothing is written before that.
    ///
    /// # Errors
    /// [`SignInError::InvalidCredentials`] if nothing was proved; those of `begin`; or a failure.
    pub(crate) async fn complete(
        &self,
        caller: &Caller,
        claimant: Claimant,
        begin: impl AsyncFnOnce(Session) -> Result<User, SignInError>,
    ) -> Result<SignInStep, SignInError> {
        let assurance = match decide(&claimant.proofs, &Requirements::of_sign_in(), caller.now) {
            Next::Complete(assurance) => assurance,
            Next::Ask(methods) => return Ok(SignInStep::Continue(Challenge { methods })),
            Next::Refused => return Err(SignInError::InvalidCredentials),
        };
        let session = self.new_session(caller, &claimant, assurance)?;
        let user = begin(session.clone()).await?;
        let tokens = self.issue_first_tokens(user, &session, caller)?;
        Ok(SignInStep::Done(Box::new(tokens)))
    }

    /// A session that begins now, not yet stored.
    fn new_session(
        &self,
        caller: &Caller,
        claimant: &Claimant,
        assurance: Assurance,
    ) -> Result<Session, Failure> {
        Ok(Session {
            id: SessionId::from_parts(caller.now, random_bytes(self.entropy())?),
            user: claimant.user,
            generation: claimant.generation,
            created_at: caller.now,
            rotation: self.config().lifetimes().first_rotation(caller.now),
            state: SessionState::Active,
            origin: caller.origin.clone(),
            assurance,
            authentications: 1,
        })
    }

    /// Issues the first tokens of a session. Its device is known from now on.
    fn issue_first_tokens(&self, user: User, session: &Session, caller: &Caller) -> Result<Tokens, Failure> {
        let before = self.presented_device(caller);
        let device = self
            .state()
            .devices
            .issue(user.id, before, caller.now, self.entropy())?;
        let tokens = self.issue_tokens(user, session, caller.now)?;
        self.emit(Event::SignedIn, caller);
        Ok(Tokens {
            device_token: Some(device),
            ..tokens
        })
    }
}

#[cfg(test)]
mod tests;
