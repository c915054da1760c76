//! `[roles]`: a list of permissions under each role's name, the one section whose keys the operator makes up.

use super::{Reader, problem::Problem};
use auth_domain::role::{Permission, Role, RoleBook};
use toml::Value;

/// Reads the section; what is wrong goes to the reader.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<RoleBook> {
    let mut own = Vec::new();
    let mut problems = Vec::new();
    for (name, entry) in reader.document.entries_of("roles") {
        let mut complain = |what: String, mend: String| {
            problems.push(Problem::new(format!("roles.{name}"), &entry.origin, what, mend));
        };
        let role = match name.parse::<Role>() {
            Ok(role) if RoleBook::BUILT_IN.contains(&role) => {
                complain(
                    "is built in and can't be redefined".to_owned(),
                    "give the role another name".to_owned(),
                );
                continue;
            }
            Ok(role) => role,
            Err(error) => {
                complain("is no name of a role".to_owned(), error.to_string());
                continue;
            }
        };
        let words = entry
            .value
            .as_array()
            .map(|items| items.iter().map(Value::as_str));
        let permissions: Option<Vec<Permission>> =
            words.and_then(|words| words.map(|word| word?.parse().ok()).collect());
        match permissions {
            Some(permissions) => own.push((role, permissions)),
            None => complain(
                "is no list of permissions".to_owned(),
                format!("there are {}", Permission::ALL.map(Permission::as_str).join(", ")),
            ),
        }
    }
    if problems.is_empty() {
        Some(RoleBook::with(own))
    } else {
        reader.problems.extend(problems);
        None
    }
}
