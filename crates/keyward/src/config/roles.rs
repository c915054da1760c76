//! `[roles]`: a list of permissions for each role. It is the one section whose keys are chosen by the operator.

use super::{problem::ConfigProblem, reader::Reader};
use auth_domain::role::{Permission, Role, RoleBook};
use toml::Value;

/// Reads the section. An invalid role is reported to the reader and left out.
pub(super) fn read(reader: &mut Reader<'_>) -> RoleBook {
    let mut own = Vec::new();
    for (name, entry) in reader.document().entries_of("roles") {
        let mut complain = |what: String, fix: String| {
            reader.push(ConfigProblem::new(
                format!("roles.{name}"),
                &entry.origin,
                what,
                fix,
            ));
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
                complain("is not a valid name of a role".to_owned(), error.to_string());
                continue;
            }
        };
        let valid_permissions = || {
            format!(
                "the permissions are {}",
                Permission::ALL.map(Permission::as_str).join(", ")
            )
        };
        let Some(words) = entry.value.as_array() else {
            complain("must be a list of permissions".to_owned(), valid_permissions());
            continue;
        };
        let read = |word: &Value| word.as_str().and_then(|word| word.parse::<Permission>().ok());
        match words.iter().find(|word| read(word).is_none()) {
            None => own.push((role, words.iter().filter_map(read).collect())),
            Some(wrong) => complain(format!("{wrong} is not a permission"), valid_permissions()),
        }
    }
    RoleBook::with(own)
}
