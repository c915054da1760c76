//! A role is a name for a set of permissions; routes ask for permissions, never for roles.

use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap, fmt, str::FromStr};

/// A permission, as routes require it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Permission {
    /// List and read users.
    #[serde(rename = "users:read")]
    UsersRead,
    /// Create, change and delete users. A user who holds it is an administrator (docs/rules.md §10).
    #[serde(rename = "users:write")]
    UsersWrite,
    /// List other users' sessions.
    #[serde(rename = "sessions:read")]
    SessionsRead,
    /// End other users' sessions.
    #[serde(rename = "sessions:revoke")]
    SessionsRevoke,
    /// Read the audit log.
    #[serde(rename = "audit:read")]
    AuditRead,
    /// List the signing keys.
    #[serde(rename = "keys:read")]
    KeysRead,
    /// Rotate the signing keys.
    #[serde(rename = "keys:rotate")]
    KeysRotate,
    /// Read the statistics of the service.
    #[serde(rename = "stats:read")]
    StatsRead,
}

impl Permission {
    /// Every permission there is.
    pub const ALL: [Self; 8] = [
        Self::UsersRead,
        Self::UsersWrite,
        Self::SessionsRead,
        Self::SessionsRevoke,
        Self::AuditRead,
        Self::KeysRead,
        Self::KeysRotate,
        Self::StatsRead,
    ];

    /// Its name, as routes, roles and API keys write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UsersRead => "users:read",
            Self::UsersWrite => "users:write",
            Self::SessionsRead => "sessions:read",
            Self::SessionsRevoke => "sessions:revoke",
            Self::AuditRead => "audit:read",
            Self::KeysRead => "keys:read",
            Self::KeysRotate => "keys:rotate",
            Self::StatsRead => "stats:read",
        }
    }
}

/// The text names no permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such permission")]
pub struct NotAPermission;

impl FromStr for Permission {
    type Err = NotAPermission;

    fn from_str(text: &str) -> Result<Self, NotAPermission> {
        Self::ALL
            .into_iter()
            .find(|one| one.as_str() == text)
            .ok_or(NotAPermission)
    }
}

/// A role's name: 1–32 characters of `a–z`, `0–9`, `_` and `-`, the first a letter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Role(Cow<'static, str>);

/// The text can't be a role's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is 1 to 32 characters of a-z, 0-9, _ and -, and starts with a letter")]
pub struct NotARole;

impl Role {
    /// The role of users who register. They manage their own account and nothing else.
    pub const USER: Self = Self(Cow::Borrowed("user"));
    /// Reads what an administrator reads and changes nothing.
    pub const VIEWER: Self = Self(Cow::Borrowed("viewer"));
    /// Holds every permission.
    pub const ADMIN: Self = Self(Cow::Borrowed("admin"));

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Role {
    type Err = NotARole;

    fn from_str(text: &str) -> Result<Self, NotARole> {
        let fits = text.len() <= 32
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
        if fits {
            Ok(Self(Cow::Owned(text.to_owned())))
        } else {
            Err(NotARole)
        }
    }
}

impl TryFrom<String> for Role {
    type Error = NotARole;

    fn try_from(text: String) -> Result<Self, NotARole> {
        text.parse()
    }
}

impl From<Role> for String {
    fn from(role: Role) -> Self {
        role.0.into_owned()
    }
}

/// Which role holds which permissions. A role that is not in the book holds none: an unknown name fails closed.
///
/// ```
/// use auth_domain::role::{Permission, Role, RoleBook};
///
/// let support: Role = "support".parse()?;
/// let book = RoleBook::with([(support.clone(), vec![Permission::UsersRead])]);
/// assert!(book.allows(&support, Permission::UsersRead));
/// assert!(!book.administers(&support));
/// assert!(!book.allows(&"superuser".parse()?, Permission::UsersRead));
/// # Ok::<(), auth_domain::role::NotARole>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleBook(BTreeMap<Role, Vec<Permission>>);

impl Default for RoleBook {
    fn default() -> Self {
        use Permission as P;
        Self(BTreeMap::from([
            (Role::USER, vec![]),
            (
                Role::VIEWER,
                vec![
                    P::UsersRead,
                    P::SessionsRead,
                    P::AuditRead,
                    P::KeysRead,
                    P::StatsRead,
                ],
            ),
            (Role::ADMIN, P::ALL.to_vec()),
        ]))
    }
}

impl RoleBook {
    /// The built-in roles, which can't be redefined.
    pub const BUILT_IN: [Role; 3] = [Role::USER, Role::VIEWER, Role::ADMIN];

    /// The built-in roles and these.
    #[must_use]
    pub fn with(own: impl IntoIterator<Item = (Role, Vec<Permission>)>) -> Self {
        let mut book = Self(own.into_iter().collect());
        book.0.append(&mut Self::default().0);
        book
    }

    /// The permissions that the role holds.
    #[must_use]
    pub fn held_by(&self, role: &Role) -> &[Permission] {
        self.0.get(role).map_or(&[], Vec::as_slice)
    }

    /// Whether a user may be given this role.
    #[must_use]
    pub fn knows(&self, role: &Role) -> bool {
        self.0.contains_key(role)
    }

    /// Whether the role holds the permission.
    #[must_use]
    pub fn allows(&self, role: &Role, permission: Permission) -> bool {
        self.0.get(role).is_some_and(|held| held.contains(&permission))
    }

    /// Whether an active user of this role is an administrator: one who holds `users:write`.
    #[must_use]
    pub fn administers(&self, role: &Role) -> bool {
        self.allows(role, Permission::UsersWrite)
    }

    /// The roles whose active users are administrators.
    #[must_use]
    pub fn administrators(&self) -> Vec<Role> {
        self.0
            .keys()
            .filter(|role| self.administers(role))
            .cloned()
            .collect()
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &Role> {
        self.0.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_admin_role_administers_by_default() {
        let book = RoleBook::default();
        assert_eq!(book.administrators(), vec![Role::ADMIN]);
        assert!(Permission::ALL.iter().all(|p| book.allows(&Role::ADMIN, *p)));
        assert!(Permission::ALL.iter().all(|p| !book.allows(&Role::USER, *p)));
        assert!(book.allows(&Role::VIEWER, Permission::UsersRead));
        assert_eq!(book.names().count(), 3);
    }

    #[test]
    fn own_roles_stand_beside_the_built_in_ones_and_never_replace_them() {
        let support: Role = "support".parse().unwrap();
        let book = RoleBook::with([
            (support.clone(), vec![Permission::UsersRead]),
            (Role::USER, Permission::ALL.to_vec()),
        ]);
        assert_eq!(book.held_by(&support), [Permission::UsersRead]);
        assert_eq!(book.held_by(&Role::USER), []);
        assert!(book.allows(&Role::ADMIN, Permission::KeysRotate));
        assert!(RoleBook::BUILT_IN.iter().all(|role| book.knows(role)));
    }

    #[test]
    fn a_permission_is_written_as_it_is_stored() {
        for permission in Permission::ALL {
            assert_eq!(permission.as_str().parse(), Ok(permission));
            assert_eq!(serde_json::to_value(permission).unwrap(), permission.as_str());
        }
        assert_eq!("users:*".parse::<Permission>(), Err(NotAPermission));
    }

    #[test]
    fn every_permission_is_in_the_list() {
        // A refusal of Serde names every variant.
        let refused = serde_json::from_str::<Permission>("\"none\"")
            .unwrap_err()
            .to_string();
        let variants: Vec<&str> = refused.split('`').skip(3).step_by(2).collect();
        assert_eq!(variants, Permission::ALL.map(Permission::as_str), "{refused}");
    }

    #[test]
    fn an_unknown_role_holds_nothing() {
        let book = RoleBook::default();
        let stranger: Role = "superuser".parse().unwrap();
        assert!(!book.knows(&stranger));
        assert!(Permission::ALL.iter().all(|p| !book.allows(&stranger, *p)));
    }

    #[test]
    fn a_role_name_is_small_and_plain() {
        for good in ["user", "a", "support-2", "read_only"] {
            assert_eq!(good.parse::<Role>().unwrap().to_string(), good);
        }
        let long = "a".repeat(33);
        for bad in ["", "Admin", "2fa", "-x", "a b", "ádmin", long.as_str()] {
            assert_eq!(bad.parse::<Role>(), Err(NotARole), "{bad}");
        }
        assert!(serde_json::from_str::<Role>("\"No\"").is_err());
        assert_eq!(serde_json::to_string(&Role::ADMIN).unwrap(), "\"admin\"");
        assert_eq!(Role::try_from("viewer".to_owned()).unwrap().as_str(), "viewer");
    }
}
