//! `me`: the caller's own account: read, renamed, exported, deleted.

use crate::{
    account::{error::AccountError, reauthenticate::Reauthenticated},
    parts::{
        caller::Caller,
        failure::Failure,
        input::InputRefused,
        principal::Principal,
        tokens::{TokenError, TokenRefused},
    },
    service::Service,
};
use auth_domain::{
    api_key::ApiKey,
    audit::{Action, AuditEvent},
    ids::UserId,
    session::Session,
    user::{DisplayName, User},
};
use auth_storage::{Pagination, audit, sessions, users};

/// How many rows of a kind an export reads at a time.
const PAGE: u32 = 500;
/// How many rows of a kind an export holds at most, the newest first.
const MOST: usize = 10_000;

/// Everything that is stored about a user.
#[derive(Debug)]
pub struct Export {
    /// The user.
    pub user: User,
    /// Their sessions, ended ones too.
    pub sessions: Vec<Session>,
    /// Their API keys.
    pub api_keys: Vec<ApiKey>,
    /// The audit events that concern the user, and those that they caused.
    pub audit: Vec<AuditEvent>,
}

impl Service {
    /// The caller as stored now.
    ///
    /// # Errors
    /// [`TokenRefused::Revoked`] if the account was deleted in this moment, or a failure.
    pub async fn me(&self, principal: &Principal) -> Result<User, TokenError> {
        self.user_as_stored(principal.user()).await
    }

    /// The user of a valid token or key, as stored now.
    ///
    /// # Errors
    /// [`TokenRefused::Revoked`] if the account was deleted in this moment, or a failure.
    pub async fn user_as_stored(&self, id: UserId) -> Result<User, TokenError> {
        Ok(self.storage().user(id).await?.ok_or(TokenRefused::Revoked)?)
    }

    /// Changes the caller's name; `None` removes it.
    ///
    /// # Errors
    /// [`AccountError::Input`], [`AccountError::RateLimited`], or a failure.
    pub async fn rename(
        &self,
        principal: &Principal,
        name: Option<String>,
        caller: &Caller,
    ) -> Result<User, AccountError> {
        let name = name.as_deref().map(DisplayName::parse).transpose();
        let name = name.map_err(InputRefused::from)?;
        self.admit_user(principal.user(), caller).await?;
        let change = users::Change {
            name: Some(name),
            ..users::Change::default()
        };
        let admin = self.admin();
        let changed = self
            .storage()
            .change_user(
                principal.user(),
                change,
                admin.administrators(),
                admin.revocation_context(caller)?,
            )
            .await?;
        Ok(self.own_change(principal, changed).await?.user)
    }

    /// Deletes the caller's account and everything that belongs to it.
    ///
    /// # Errors
    /// [`AccountError::LastAdmin`], or a failure.
    pub async fn delete_me(&self, reauthenticated: Reauthenticated<'_>) -> Result<(), AccountError> {
        let (principal, caller, ..) = reauthenticated.into_parts();
        let admin = self.admin();
        let deleted = self
            .storage()
            .delete_user(
                principal.user(),
                admin.administrators(),
                admin.revocation_context(&caller)?,
            )
            .await?;
        self.own_change(principal, deleted).await.map(drop)
    }

    /// Everything that is stored about the caller.
    ///
    /// # Errors
    /// [`AccountError::RateLimited`], or a failure.
    pub async fn export(&self, principal: &Principal, caller: &Caller) -> Result<Export, AccountError> {
        let id = principal.user();
        self.admit_user(id, caller).await?;
        // One at a time: each holds some megabytes.
        let exports = &self.state().exports;
        let _turn = exports.acquire().await.map_err(Failure::internal)?;
        let user = self.me(principal).await?;
        let mut sessions: Vec<Session> = Vec::new();
        let mut audit: Vec<AuditEvent> = Vec::new();
        while sessions.len() < MOST {
            let after = sessions.last().map(|session| session.id.as_uuid());
            let page = Pagination { after, limit: PAGE };
            let read = self
                .storage()
                .sessions(id, sessions::Filter::All, caller.now, page)
                .await?;
            let whole = read.len() == PAGE as usize;
            sessions.extend(read);
            if !whole {
                break;
            }
        }
        let of_mine = audit::Filter {
            user: Some(id),
            ..audit::Filter::default()
        };
        while audit.len() < MOST {
            let after = audit.last().map(|event| event.id.as_uuid());
            let page = Pagination { after, limit: PAGE };
            let read = self.storage().audit(of_mine.clone(), page).await?;
            let whole = read.len() == PAGE as usize;
            audit.extend(read);
            if !whole {
                break;
            }
        }
        let api_keys = self.storage().api_keys(id).await?;
        self.storage()
            .record_event(
                Action::Exported,
                Some(id),
                Vec::new(),
                self.change_context(caller)?,
            )
            .await?;
        Ok(Export {
            user,
            sessions,
            api_keys,
            audit,
        })
    }
}

#[cfg(test)]
mod tests {
    /// The tables with data about a user that [`super::Export`] contains.
    const EXPORTED: [&str; 4] = ["users", "sessions", "api_keys", "audit_events"];
    /// The tables that it leaves out, each with the reason.
    const LEFT_OUT: [(&str, &str); 2] = [
        (
            "one_time_tokens",
            "digests of links, deleted with the links; the audit log names who requested one",
        ),
        (
            "outbox",
            "mails on their way, without their recipient once they are sent",
        ),
    ];

    #[test]
    fn what_is_stored_of_a_user_is_exported_or_left_out_for_a_reason() {
        for (table, columns) in auth_storage::schema_columns() {
            let is_of_users = table == "users"
                || columns
                    .iter()
                    .any(|column| ["user_id", "owner", "subject", "actor_id"].contains(column));
            let is_exported = EXPORTED.contains(&table);
            let is_left_out = LEFT_OUT.iter().any(|(other, _)| *other == table);
            assert_eq!(
                is_of_users,
                is_exported != is_left_out,
                "{table}: export it, or give the reason here"
            );
        }
    }
}
