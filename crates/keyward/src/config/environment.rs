//! Keyward's environment variables. The rule: an unknown variable that begins with `KEYWARD_`, in any case, stops the start, and the
//! message names the most similar one. The exception are the variables that Kubernetes sets for a service of that name.

use super::{
    document::{Document, environment_name},
    mask,
    problem::{ConfigProblem, Origin},
};
use std::collections::BTreeMap;

/// The suffix of a variable that names a file with the value.
pub(super) const FILE: &str = "_FILE";

/// The variables that hold a master key.
const MASTER_KEYS: [&str; 2] = [super::MASTER_KEY, super::NEW_MASTER_KEY];

/// The meaning of a variable that begins with `KEYWARD_`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It sets a key.
    Key(String),
    /// It names a file with the value of a key.
    FileOf {
        /// The key.
        key: String,
        /// The variable that holds the value itself.
        beside: String,
    },
    /// It is read elsewhere.
    ReadElsewhere,
    /// Kubernetes sets it for a service.
    Kubernetes,
    /// It has no meaning.
    Unknown,
}

/// The meaning of a variable, if it begins with `KEYWARD_` in any case.
pub(super) fn meaning(document: &Document, name: &str, text: &str) -> Option<Meaning> {
    let starts = name
        .get(.."KEYWARD_".len())
        .is_some_and(|start| start.eq_ignore_ascii_case("KEYWARD_"));
    if !starts {
        return None;
    }
    let is_master_key = MASTER_KEYS.contains(&name.strip_suffix(FILE).unwrap_or(name));
    Some(match name.strip_prefix("KEYWARD__") {
        Some(path) => of_key(document, name, path),
        None if is_master_key => Meaning::ReadElsewhere,
        None if is_of_kubernetes(name, text) => Meaning::Kubernetes,
        None => Meaning::Unknown,
    })
}

fn of_key(document: &Document, name: &str, path: &str) -> Meaning {
    let key = path.to_lowercase().replace("__", ".");
    let secret = key.strip_suffix("_file").filter(|secret| {
        document.get(&key).is_none() && document.get(secret).is_some() && mask::is_secret(secret)
    });
    match secret {
        Some(secret) => Meaning::FileOf {
            beside: name.get(..name.len() - FILE.len()).unwrap_or_default().to_owned(),
            key: secret.to_owned(),
        },
        None => Meaning::Key(key),
    }
}

/// Whether Kubernetes sets the variable for a service: `<NAME>_SERVICE_HOST`, `<NAME>_SERVICE_PORT[_<PORT'S NAME>]`,
/// `<NAME>_PORT` with an address, and `<NAME>_PORT_<number>_<protocol>[_PROTO|_PORT|_ADDR]`.
fn is_of_kubernetes(name: &str, text: &str) -> bool {
    let protocols = ["TCP", "UDP", "SCTP"];
    let is_address = protocols.iter().any(|protocol| {
        text.split_once("://")
            .is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case(protocol))
    });
    let of_a_port = |rest: &str| {
        let mut parts = rest.split('_');
        let number = parts.next().is_some_and(|number| number.parse::<u16>().is_ok());
        let protocol = parts.next().is_some_and(|word| protocols.contains(&word));
        let last = parts
            .next()
            .is_none_or(|word| matches!(word, "PROTO" | "PORT" | "ADDR"));
        number && protocol && last && parts.next().is_none()
    };
    let is_upper = !name.bytes().any(|b| b.is_ascii_lowercase());
    is_upper
        && (name.ends_with("_SERVICE_HOST")
            || name.ends_with("_SERVICE_PORT")
            || name.contains("_SERVICE_PORT_")
            || (name.ends_with("_PORT") && is_address)
            || name
                .match_indices("_PORT_")
                .any(|(at, found)| name.get(at + found.len()..).is_some_and(of_a_port)))
}

/// The problem of an unknown variable, with the most similar one.
pub(super) fn unknown(document: &Document, name: &str) -> ConfigProblem {
    let keys: Vec<&str> = document.iter().map(|(key, _)| key).collect();
    let secrets = keys.iter().filter(|key| mask::is_secret(key));
    let known = keys
        .iter()
        .map(|key| environment_name(key))
        .chain(secrets.map(|key| environment_name(key) + FILE))
        .chain(MASTER_KEYS.map(str::to_owned))
        .chain(MASTER_KEYS.map(|name| format!("{name}{FILE}")));
    let given = collapsed(name);
    let last = given.strip_prefix("KEYWARD").unwrap_or_default();
    let likeness = |known: &String| {
        let known = collapsed(known);
        let same = if known == given {
            2.0
        } else if !last.is_empty() && known.ends_with(last) {
            1.0
        } else {
            0.0
        };
        same + strsim::jaro_winkler(&known, &given)
    };
    let nearest = known.max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let fix = nearest.map_or_else(String::new, |nearest| {
        format!("did you mean {nearest}? If it is not for Keyward, unset it")
    });
    ConfigProblem::about(name, "no such variable", fix)
}

/// A name with repeated underscores collapsed, since those are most often confused.
fn collapsed(name: &str) -> String {
    let parts = name.split('_').filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("_").to_uppercase()
}

/// The value of a secret key, and the variable that it came from: the variable itself, or the file that the variable with the suffix
/// `_FILE` names. One line feed at the end of the file is not part of the value.
///
/// # Errors
/// Both are set, or the file can't be read.
pub(super) fn secret(
    environment: &BTreeMap<String, String>,
    key: &str,
    name: &str,
) -> Result<Option<(String, Origin)>, ConfigProblem> {
    let by_file = format!("{name}{FILE}");
    let set = |name: &str| environment.get(name).filter(|text| !text.trim().is_empty());
    let origin = |name: &str| Origin::Environment(name.to_owned());
    match (set(name), set(&by_file)) {
        (None, None) => Ok(None),
        (Some(text), None) => Ok(Some((text.clone(), origin(name)))),
        (None, Some(file)) => match read(file) {
            Ok(text) => Ok(Some((text, origin(&by_file)))),
            Err(what) => {
                let fix = "name a file that this process can read";
                Err(ConfigProblem::new(key, &origin(&by_file), what, fix))
            }
        },
        (Some(_), Some(_)) => Err(both_set(key, name, &by_file)),
    }
}

/// Two variables set the same key.
pub(super) fn both_set(key: &str, one: &str, other: &str) -> ConfigProblem {
    let origin = Origin::Environment(format!("{one} and {other}"));
    ConfigProblem::new(key, &origin, "is set twice", "unset one of the two variables")
}

/// Reads the file. The message does not contain its name, which may be the secret itself in the wrong variable.
fn read(file: &str) -> Result<String, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("its file can't be read: {error}"))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.trim().is_empty() {
        Err("its file is empty".to_owned())
    } else {
        Ok(text.to_owned())
    }
}
