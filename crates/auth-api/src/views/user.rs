//! A user as clients see them.

use super::rfc3339;
use crate::http::cursor::Listed;
use auth_domain::user::User;
use serde::Serialize;
use utoipa::ToSchema;

/// A user as clients see them.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserJson {
    /// The user's id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The email address, as stored.
    #[schema(max_length = 254)]
    pub email: String,
    /// The display name.
    #[schema(required)]
    pub name: Option<String>,
    /// The role's name.
    pub role: String,
    /// Whether the user may sign in.
    #[schema(pattern = "^(active|disabled)$")]
    pub status: String,
    /// Whether the email address is verified.
    pub email_verified: bool,
    /// When the account was created.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When the user last signed in with the password.
    #[schema(required, format = DateTime)]
    pub last_login_at: Option<String>,
}

impl Listed for UserJson {
    const LIST: &str = "UserList";
}

impl From<&User> for UserJson {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.email.as_str().to_owned(),
            name: user.name.as_ref().map(ToString::to_string),
            role: user.role.to_string(),
            status: user.status.as_str().to_owned(),
            email_verified: user.email_verified_at.is_some(),
            created_at: rfc3339(user.created_at),
            last_login_at: user.last_login_at.map(rfc3339),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use auth_domain::{
        email::EmailAddress,
        ids::UserId,
        role::Role,
        time::Timestamp,
        user::{DisplayName, Generation, UserStatus},
    };
    use chrono::DateTime;
    use serde_json::json;
    use uuid::Uuid;

    pub(in crate::views) fn at(micros: i64) -> Timestamp {
        DateTime::from_timestamp_micros(1_700_000_000_000_000 + micros).unwrap()
    }

    pub(in crate::views) fn ada() -> User {
        User {
            id: UserId::from_uuid(Uuid::from_u128(1)),
            email: EmailAddress::parse("ada@example.com").unwrap(),
            name: Some(DisplayName::parse("Ada").unwrap()),
            role: Role::USER,
            status: UserStatus::Active,
            email_verified_at: None,
            created_at: at(1),
            last_login_at: None,
            generation: Generation::FIRST,
        }
    }

    #[test]
    fn a_user_looks_as_the_contract_says() {
        let shown = serde_json::to_value(UserJson::from(&ada())).unwrap();
        let expected = json!({
            "id": "00000000-0000-0000-0000-000000000001", "email": "ada@example.com", "name": "Ada", "role": "user",
            "status": "active", "email_verified": false, "created_at": "2023-11-14T22:13:20.000001Z", "last_login_at": null
        });
        assert_eq!(shown, expected);
    }
}
