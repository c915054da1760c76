//! The user on a line, parsed and bounded. The rule: all faults of a line are reported together, and no message contains a hash.

use super::reader::RawRow;
use crate::cli::parse_timestamp;
use auth_domain::{
    email::EmailAddress,
    password_hash::PasswordHash,
    role::{Role, RoleBook},
    time::Timestamp,
    user::{DisplayName, UserStatus},
};
use chrono::DateTime;

/// A user of an import file.
#[derive(Debug)]
pub struct ImportedUser {
    /// The email address.
    pub email: EmailAddress,
    /// Their name.
    pub name: Option<DisplayName>,
    /// The hash of their password, which stays valid.
    pub password_hash: Option<PasswordHash>,
    /// Their role; it exists here.
    pub role: Role,
    /// Whether they may sign in.
    pub status: UserStatus,
    /// Whether the address is known to be the user's own.
    pub email_verified: bool,
    /// When the account was created; never in the future.
    pub created_at: Timestamp,
}

/// Parses the texts of a line.
///
/// # Errors
/// Every invalid column and the reason, in one sentence.
pub(super) fn read(row: &RawRow, roles: &RoleBook, now: Timestamp) -> Result<ImportedUser, String> {
    let mut reasons = Reasons::default();
    let email = reasons.of("email", EmailAddress::parse(row.get("email").unwrap_or_default()));
    let name = reasons.of_some("name", row.get("name").map(DisplayName::parse));
    let password_hash = reasons.of_some("password_hash", row.get("password_hash").map(PasswordHash::parse));
    let role = reasons.of(
        "role",
        row.get("role")
            .map_or(Ok(Role::USER), |text| known_role(text, roles)),
    );
    let status = reasons.of(
        "status",
        row.get("status")
            .map_or(Ok(UserStatus::Active), |text| text.trim().parse()),
    );
    let verified = reasons.of(
        "email_verified",
        row.get("email_verified").map_or(Ok(false), truth),
    );
    let created_at = reasons.of(
        "created_at",
        row.get("created_at").map_or(Ok(now), |text| past(text, now)),
    );
    match (email, role, status, verified, created_at) {
        (Some(email), Some(role), Some(status), Some(email_verified), Some(created_at))
            if reasons.0.is_empty() =>
        {
            Ok(ImportedUser {
                email,
                name,
                password_hash,
                role,
                status,
                email_verified,
                created_at,
            })
        }
        _ => Err(reasons.0.join("; ")),
    }
}

#[derive(Default)]
struct Reasons(Vec<String>);

impl Reasons {
    fn of<T>(&mut self, column: &str, read: Result<T, impl std::fmt::Display>) -> Option<T> {
        read.map_err(|reason| self.0.push(format!("{column}: {reason}")))
            .ok()
    }

    fn of_some<T>(&mut self, column: &str, read: Option<Result<T, impl std::fmt::Display>>) -> Option<T> {
        read.and_then(|read| self.of(column, read))
    }
}

fn known_role(text: &str, roles: &RoleBook) -> Result<Role, String> {
    match text.trim().parse::<Role>() {
        Ok(role) if roles.knows(&role) => Ok(role),
        Ok(role) => Err(format!("no role is called {role}")),
        Err(reason) => Err(reason.to_string()),
    }
}

fn truth(text: &str) -> Result<bool, &'static str> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "1" => Ok(true),
        "false" | "f" | "no" | "0" => Ok(false),
        _ => Err("must be true or false"),
    }
}

fn past(text: &str, now: Timestamp) -> Result<Timestamp, &'static str> {
    let at = parse_timestamp(text).ok_or(
        "must be a time like 2024-05-01T12:00:00Z (RFC 3339) or 2024-05-01 12:00:00+00 (as psql prints it)",
    )?;
    if at > now {
        Err("is in the future")
    } else if at < DateTime::UNIX_EPOCH {
        Err("is before 1970")
    } else {
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::ImportFormat,
        commands::import::reader::{Line, lines},
    };

    const BCRYPT: &str = "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW";

    fn now() -> Timestamp {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap()
    }

    fn row(json: &str) -> Result<ImportedUser, String> {
        let input = Box::new(std::io::Cursor::new(json.as_bytes().to_vec()));
        let line: Line = lines(input, ImportFormat::Jsonl)
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        read(&line.row.ok().unwrap(), &RoleBook::default(), now())
    }

    #[test]
    fn a_line_with_an_address_alone_is_an_active_user_without_password() {
        let user = row(r#"{"email":"a@x.test"}"#).unwrap();
        assert_eq!(
            (user.role, user.status, user.email_verified),
            (Role::USER, UserStatus::Active, false)
        );
        assert_eq!(
            (user.created_at, user.password_hash.is_none(), user.name),
            (now(), true, None)
        );
    }

    #[test]
    fn blanks_around_an_address_are_left_out_and_a_name_shows_all_its_characters() {
        let user = row(r#"{"email":" a@x.test\t","name":" Ada "}"#).unwrap();
        assert_eq!(user.email.as_str(), "a@x.test");
        assert!(row(r#"{"email":"a @x.test"}"#).unwrap_err().contains("email:"));
        let hidden = row(r#"{"email":"a@x.test","name":"A\u200bda"}"#).unwrap_err();
        assert!(
            hidden.contains("name:") && hidden.contains("invisible"),
            "{hidden}"
        );
    }

    #[test]
    fn a_full_line_is_read_as_it_is() {
        let json = format!(
            r#"{{"email":"A@x.test","name":"Ada","password_hash":"{BCRYPT}","role":"admin","status":"disabled","email_verified":"yes","created_at":"2020-01-02T03:04:05.1234567+01:00"}}"#
        );
        let user = row(&json).unwrap();
        assert_eq!(user.password_hash.unwrap().expose(), BCRYPT);
        assert_eq!(
            (user.role, user.status, user.email_verified),
            (Role::ADMIN, UserStatus::Disabled, true)
        );
        assert_eq!(user.created_at.to_rfc3339(), "2020-01-02T02:04:05.123456+00:00");
    }

    #[test]
    fn all_faults_of_a_line_are_reported_together_and_never_its_hash() {
        let json = r#"{"email":"nobody","name":"\u0007","password_hash":"$2b$12$secretsecret","role":"root","status":"gone","email_verified":"perhaps","created_at":"2999-01-01T00:00:00Z"}"#;
        let reason = row(json).unwrap_err();
        for column in [
            "email:",
            "name:",
            "password_hash:",
            "role:",
            "status:",
            "email_verified:",
            "created_at:",
        ] {
            assert!(reason.contains(column), "{column} in {reason}");
        }
        assert!(!reason.contains("secretsecret"));
    }

    #[test]
    fn a_hash_that_would_cost_too_much_at_every_sign_in_is_refused() {
        let json = r#"{"email":"a@x.test","password_hash":"$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$k5kVWxGFhTqFnVsFqHnVoZBNrGoc0Zh0LpBQJ1p4n1k"}"#;
        assert!(row(json).unwrap_err().contains("cost too much"));
    }
}
