//! API keys: what scripts authenticate with. A key may do what its permissions allow, and never more than its owner may do at
//! that moment.

use crate::{
    ids::{ApiKeyId, UserId},
    role::{Permission, Role, RoleBook},
    time::Timestamp,
    user::{DisplayName, NotADisplayName},
};

/// What every key starts with, so that people and secret scanners know one when they see it.
pub const PREFIX: &str = "kw_";

/// An API key as stored: its digest, never itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its row.
    pub id: ApiKeyId,
    /// The user it belongs to.
    pub owner: UserId,
    /// What it is for, in its owner's words.
    pub name: KeyName,
    /// What it may do.
    pub permissions: Vec<Permission>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it expires; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// The name of a key. It follows the rules of a display name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyName(DisplayName);

impl KeyName {
    /// Parses a name.
    pub fn parse(raw: &str) -> Result<Self, NotADisplayName> {
        DisplayName::parse(raw).map(Self)
    }

    /// Reads a name that was accepted before ([`DisplayName::stored`]).
    pub fn stored(raw: &str) -> Result<Self, NotADisplayName> {
        DisplayName::stored(raw).map(Self)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl ApiKey {
    /// Whether it has not expired.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether the key may do this, given its owner's role.
    ///
    /// ```
    /// use auth_domain::{
    ///     api_key::{ApiKey, KeyName},
    ///     ids::{ApiKeyId, UserId},
    ///     role::{Permission, Role, RoleBook},
    ///     time::Timestamp,
    /// };
    ///
    /// let created_at = Timestamp::UNIX_EPOCH;
    /// let key = ApiKey {
    ///     id: ApiKeyId::from_parts(created_at, [1; 10]),
    ///     owner: UserId::from_parts(created_at, [2; 10]),
    ///     name: KeyName::parse("nightly report")?,
    ///     permissions: vec![Permission::UsersRead],
    ///     created_at,
    ///     expires_at: None,
    ///     last_used_at: None,
    /// };
    /// let book = RoleBook::default();
    /// assert!(key.allows(&book, &Role::VIEWER, Permission::UsersRead));
    /// assert!(!key.allows(&book, &Role::ADMIN, Permission::UsersWrite));
    /// // The owner lost the permission, and the key with them.
    /// assert!(!key.allows(&book, &Role::USER, Permission::UsersRead));
    /// # Ok::<(), auth_domain::user::NotADisplayName>(())
    /// ```
    #[must_use]
    pub fn allows(&self, book: &RoleBook, owner: &Role, permission: Permission) -> bool {
        self.permissions.contains(&permission) && book.allows(owner, permission)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;
    use chrono::DateTime;
    use uuid::Uuid;

    #[test]
    fn a_key_never_does_more_than_its_owner_may() {
        let at = DateTime::from_timestamp(100, 0).unwrap();
        let key = ApiKey {
            id: ApiKeyId::from_uuid(Uuid::from_u128(1)),
            owner: UserId::from_uuid(Uuid::from_u128(2)),
            name: KeyName::parse("backup").unwrap(),
            permissions: vec![Permission::UsersRead],
            created_at: at,
            expires_at: Some(at + Span::seconds(1)),
            last_used_at: None,
        };
        let book = RoleBook::default();
        assert!(key.allows(&book, &Role::VIEWER, Permission::UsersRead));
        assert!(!key.allows(&book, &Role::ADMIN, Permission::UsersWrite));
        assert!(!key.allows(&book, &Role::USER, Permission::UsersRead));
        assert!(key.is_live(at) && !key.is_live(at + Span::seconds(1)));
        assert!(
            ApiKey {
                expires_at: None,
                ..key
            }
            .is_live(at + Span::days(9_999))
        );
        assert!(KeyName::parse("a\nb").is_err());
    }
}
