//! `refresh`: rotates a refresh token and issues new tokens. The domain decides, inside the transaction of storage: when storage
//! answers, the decision is committed.

use crate::{
    parts::{
        caller::Caller,
        events::Event,
        failure::Failure,
        tokens::{TokenRefused, sha256},
    },
    service::Service,
    sessions::{error::SessionError, tokens::Tokens},
};
use auth_domain::{
    claims::RefreshClaims,
    idempotency::{IdempotencyDigest, IdempotencyKey},
    ids::{SessionId, TokenId, UserId},
    revocation::TokenRef,
    rotation::{Decision, Presented, RotationPolicy},
    user::Generation,
};

impl Service {
    /// Rotates a session's refresh token (docs/rules.md §3).
    ///
    /// # Errors
    /// [`SessionError::InvalidIdempotencyKey`], [`SessionError::Token`],
    /// [`SessionError::TokenAlreadyUsed`], or a failure.
    pub async fn refresh(
        &self,
        caller: &Caller,
        token: &str,
        idempotency_key: Option<&str>,
    ) -> Result<Tokens, SessionError> {
        let outcome = self.try_refresh(caller, token, idempotency_key).await;
        let answer = outcome.as_ref().map(drop).map_err(Into::into);
        self.emit(Event::RefreshAnswered(answer), caller);
        outcome
    }

    async fn try_refresh(
        &self,
        caller: &Caller,
        token: &str,
        idempotency_key: Option<&str>,
    ) -> Result<Tokens, SessionError> {
        let key = idempotency_key.map(IdempotencyKey::parse).transpose()?;
        let key = key.map(|key| IdempotencyDigest::new(sha256(key.as_bytes())));
        let policy = self.config().rotation_policy();
        let claims = self.refresh_claims(token, caller.now)?;
        self.rotate(caller, &claims, key, policy).await
    }

    /// Carries out the policy's decision on a genuine token, and issues the tokens.
    pub(crate) async fn rotate(
        &self,
        caller: &Caller,
        claims: &RefreshClaims,
        key: Option<IdempotencyDigest>,
        policy: RotationPolicy,
    ) -> Result<Tokens, SessionError> {
        let presented = Presented {
            number: claims.jti.number,
            expires_at: claims.expires_at(),
            key,
        };
        self.admit_refresh(claims.sid, caller).await?;
        let noted = self.config().audit.record_refreshes;
        let rotated = self
            .storage()
            .rotate(claims.sid, presented, policy, noted, self.change_context(caller)?)
            .await?
            .settle(self)
            .await;
        let Some(rotated) = rotated else {
            return Err(self.why_unknown(claims.sid, claims.sub).await?.into());
        };
        match rotated.decision {
            Decision::Rotate { .. } | Decision::Repeat { .. } => {
                if matches!(rotated.decision, Decision::Rotate { .. }) {
                    self.emit(Event::Rotated, caller);
                }
                Ok(self.issue_tokens(rotated.user, &rotated.session, caller.now)?)
            }
            Decision::Invalid => Err(TokenRefused::Invalid.into()),
            Decision::Expired => Err(TokenRefused::Expired.into()),
            Decision::Revoked => Err(TokenRefused::Revoked.into()),
            Decision::AlreadyUsed => Err(SessionError::TokenAlreadyUsed),
            Decision::Reuse => {
                if rotated.ended {
                    let (session, user) = (rotated.session.id, rotated.user.id);
                    tracing::warn!(event = "refresh_token_reuse", %session, %user, "a refresh token was reused: its session was ended");
                }
                Err(SessionError::TokenAlreadyUsed)
            }
        }
    }

    /// Why the session of a token is unknown: its user was deleted, it ended long ago, or it never existed.
    async fn why_unknown(&self, session: SessionId, user: UserId) -> Result<TokenRefused, Failure> {
        let nil = TokenId::from_uuid(uuid::Uuid::nil());
        let asked = TokenRef {
            token: nil,
            session,
            user,
            generation: Generation::FIRST,
        };
        let facts = self.storage().facts(asked).await?;
        let gone = facts.session || facts.least == Some(Generation::DELETED);
        Ok(if gone {
            TokenRefused::Revoked
        } else {
            TokenRefused::Invalid
        })
    }
}
