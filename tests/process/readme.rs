//! The documentation is compared with the program, and the commands of the README are run. They need `curl`, so these tests belong to
//! those with services.

use auth_api::{ServerConfig, app::routes::Listener, http::route::Access, oauth::error::OauthCode};
use auth_domain::{audit::Action, mail::MailKind, role::Permission};
#[cfg(feature = "services")]
use std::process::Command;
use std::{collections::BTreeSet, fs, path::Path};
#[cfg(feature = "services")]
use tests::{Backend, Database, Server};

/// The shell blocks of the README that follow `<!-- marker -->`, in order.
#[cfg(feature = "services")]
fn blocks(marker: &str) -> String {
    let readme = include_str!("../../README.md");
    let marker = format!("<!-- {marker} -->\n```sh\n");
    let found: Vec<&str> = readme
        .split(&marker)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(!found.is_empty());
    found.concat()
}

/// A reader who tries the commands has the default limits.
#[cfg(feature = "services")]
const SHIPPED: [(&str, &str); 1] = [("KEYWARD__LIMITS__ENABLED", "true")];

#[cfg(feature = "services")]
fn shell(script: &str, variables: &[(&str, String)]) -> String {
    let output = Command::new("sh")
        .args(["-eu", "-c", script])
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{printed}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    printed
}

#[cfg(feature = "services")]
#[test]
fn the_commands_of_the_readme_do_what_it_says() {
    let database = Database::create(Backend::Sqlite);
    let server = Server::start(&database, &SHIPPED);
    let base = format!("{}/api/v1/auth", server.origin());
    let printed = shell(&blocks("walk"), &[("KEYWARD", base)]);
    assert!(printed.contains("Token has been revoked"), "{printed}");
}

#[cfg(feature = "services")]
#[test]
fn the_commands_for_a_cluster_do_what_the_readme_says() {
    let database = Database::create(Backend::Fleet);
    let (one, two) = (
        Server::start(&database, &SHIPPED),
        Server::start(&database, &SHIPPED),
    );
    let base = |server: &Server| format!("{}/api/v1/auth", server.origin());
    shell(&blocks("fleet"), &[("ONE", base(&one)), ("TWO", base(&two))]);
}

#[test]
fn every_permission_is_documented() {
    let roles = include_str!("../../docs/accounts.md");
    let settings = include_str!("../../config/default.toml");
    for permission in Permission::ALL {
        let name = permission.as_str();
        assert!(roles.contains(&format!("`{name}`")), "docs/accounts.md: {name}");
        assert!(settings.contains(name), "config/default.toml: {name}");
    }
}

#[test]
fn every_mail_is_documented() {
    let page = include_str!("../../docs/mail.md");
    for kind in MailKind::ALL {
        let row = format!("\n| `{}` |", kind.as_str());
        assert!(page.contains(&row), "docs/mail.md: {row}");
    }
}

/// The source of the crates that write audit events and queue mails.
fn writers() -> String {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut folders = vec![crates.join("auth-storage/src"), crates.join("auth-service/src")];
    let mut text = String::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                text.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    text
}

#[test]
fn every_audit_event_is_written_and_every_mail_is_queued_by_something() {
    let writers = writers();
    let is_named = |name: &str| {
        let mut found = writers.split(name).skip(1);
        found.any(|rest| !rest.starts_with(|next: char| next.is_alphanumeric()))
    };
    for action in Action::ALL {
        assert!(is_named(&format!("Action::{action:?}")), "{action:?}");
    }
    for kind in MailKind::ALL {
        assert!(is_named(&format!("MailKind::{kind:?}")), "{kind:?}");
    }
}

/// The same for the errors of the OAuth routes.
#[test]
fn the_documented_oauth_errors_are_those_of_the_program() {
    let page = include_str!("../../docs/errors.md");
    let (_, table) = page.split_once("\"error_description\"").unwrap();
    let words = |line: &str| Some(line.strip_prefix("| `")?.split('`').next()?.to_owned());
    let documented: BTreeSet<String> = table.lines().filter_map(words).collect();
    let known = OauthCode::ALL.map(|code| code.as_str().to_owned());
    assert_eq!(documented, BTreeSet::from(known));
}

/// The table of the documentation is the table of the program.
#[test]
fn the_documented_error_codes_are_those_of_the_program() {
    let page = include_str!("../../docs/errors.md");
    let (_, codes) = page.split_once("## All codes\n").unwrap();
    let table = codes.split("\n## ").next().unwrap();
    let mut documented: Vec<(String, u16)> = table
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
            let code = cells.next()?.trim_end_matches('`').to_owned();
            Some((code, cells.next()?.parse().ok()?))
        })
        .collect();
    documented.sort();
    let mut known: Vec<(String, u16)> = auth_api::http::problem::Code::ALL
        .iter()
        .map(|code| (code.as_str().to_owned(), code.status()))
        .collect();
    known.sort();
    assert_eq!(documented, known);
}

/// Clients rely on the contract, so it names every route, and beside a route of administrators the permission that it needs.
#[test]
fn the_http_contract_names_every_route_and_its_permission() {
    let page = include_str!("../../docs/http-contract.md");
    let config = ServerConfig::default();
    let named = |line: &str, route: &str| {
        line.split('`')
            .any(|code| code.split(['?', ' ']).take(2).eq(route.split(' ')))
    };
    for operation in Listener::Clients.routes(&config).operations() {
        let path = operation.path();
        let below = [&config.base_path, &config.admin_path]
            .into_iter()
            .find_map(|base| path.strip_prefix(base.as_str()))
            .unwrap_or(path);
        let route = format!("{} {below}", operation.method());
        let needs = match operation.access() {
            Access::Permission(permission) => format!("| `{}` |", permission.as_str()),
            _ => String::new(),
        };
        let is_documented = operation.id().is_some();
        assert!(
            !is_documented
                || page
                    .lines()
                    .any(|line| named(line, &route) && line.ends_with(&needs)),
            "docs/http-contract.md has to name {route} {needs}"
        );
    }
}

/// Operators look actions up by name.
#[test]
fn the_documentation_of_the_audit_log_has_every_action() {
    let page = include_str!("../../docs/audit.md");
    let (_, table) = page.split_once("## Actions").unwrap();
    let named = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    let documented: BTreeSet<&str> = named
        .flat_map(|cell| cell.split("`, `"))
        .map(|word| word.trim_end_matches('`'))
        .collect();
    let known: BTreeSet<&str> = Action::ALL.iter().map(Action::as_str).collect();
    assert_eq!(documented, known);
}
