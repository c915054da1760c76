//! `[roles]`: a list of permissions under each role's name, the one section whose keys the operator makes up.

use super::{problem::Problem, reader::Reader};
use auth_domain::role::{Permission, Role, RoleBook};
use toml::Value;

/// Reads the section; what is wrong goes to the reader, and is left out.
pub(super) fn read(reader: &mut Reader<'_>) -> RoleBook {
    let mut own = Vec::new();
    for (name, entry) in reader.document().entries_of("roles") {
        let mut complain = |what: String, mend: String| {
            reader.push(Problem::new(format!("roles.{name}"), &entry.origin, what, mend));
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
        let there_are = || format!("there are {}", Permission::ALL.map(Permission::as_str).join(", "));
        let Some(words) = entry.value.as_array() else {
            complain("is no list of permissions".to_owned(), there_are());
            continue;
        };
        let read = |word: &Value| word.as_str().and_then(|word| word.parse::<Permission>().ok());
        match words.iter().find(|word| read(word).is_none()) {
            None => own.push((role, words.iter().filter_map(read).collect())),
            Some(wrong) => complain(format!("{wrong} is no permission"), there_are()),
        }
    }
    RoleBook::with(own)
}
